/*
 * presence/brief.h - a report, folded small: what is kept of it per person.
 *
 * A struct lf_report has room for the longest texts; most reports have none.
 * Inside presence/ only.
 */
#ifndef LF_PRESENCE_BRIEF_H
#define LF_PRESENCE_BRIEF_H

#include <stdbool.h>
#include <stdint.h>

struct lf_report;

/* Zeroed: an OK report that knows nothing. */
struct lf_brief {
	char *texts; /* fwd_to, message, peer, hint, each with its NUL; or NULL
		      */
	int64_t at_ms, since_ms;
	uint16_t voicemails_new, voicemails_old;
	uint8_t knows, cond, layers, line, rich;
	bool is_dnd, is_idle;
};

/*
 * A report that is not LF_COND_OK is stripped of its values: what is not worth
 * showing is not kept. -ENOMEM: kept without its texts, and without the
 * claim about forwarding that needs one.
 */
int lf_brief_set(struct lf_brief *brief, const struct lf_report *report);
void lf_brief_get(const struct lf_brief *brief, struct lf_report *ret);
/* Equal in everything but the time of arrival. */
bool lf_brief_is(const struct lf_brief *brief, const struct lf_report *report);
void lf_brief_done(struct lf_brief *brief);

#endif
