/*
 * presence/compose.h - what several publications of one person say together.
 * Inside presence/ only.
 */
#ifndef LF_PRESENCE_COMPOSE_H
#define LF_PRESENCE_COMPOSE_H

struct lf_report;

/*
 * Adds one publication's report to what the others say: of the layers that
 * several know, the most restrictive wins. Pure; `sum` begins zeroed.
 */
void lf_compose(struct lf_report *sum, const struct lf_report *one);

#endif
