/*
 * admin/health.h - watches the rooms from above and tells the monitor: starts
 * and ends of the server, and feeds that have been bad for a while.
 */
#ifndef LF_ADMIN_HEALTH_H
#define LF_ADMIN_HEALTH_H

struct lf_health; /* opaque: see health.c */
struct lf_server;

/* When all rooms are open: says that the server has started. */
int lf_health_open(struct lf_health **ret, struct lf_server *server);
/* Certificates were loaded again: look at them at once. NULL is fine. */
void lf_health_look(struct lf_health *health);
/* Before any room closes: says that it stops. NULL is fine. */
void lf_health_close(struct lf_health *health);

#endif
