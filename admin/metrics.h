/*
 * admin/metrics.h - the figures of all rooms, for Prometheus at /metrics, for
 * `lampctl top` and for `lampctl health`.
 *
 * /metrics answers this machine, and whoever brings metrics.token as a bearer
 * token; everybody else gets 403.
 */
#ifndef LF_ADMIN_METRICS_H
#define LF_ADMIN_METRICS_H

struct lf_metrics;
struct lf_server;

/* Adds the route; before the first port is opened or later. */
int lf_metrics_serve(struct lf_server *server);
void lf_metrics_write(struct lf_server *server, struct lf_metrics *metrics);

#endif
