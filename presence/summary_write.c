/* presence/summary_write.c - waiting voice mail as text (RFC 3842). */
#include "presence/write.h"

#include "core/buf.h"
#include "presence/lamp.h"

#include "core/banned.h"

void lf_summary_write(struct lf_buf *out, const struct lf_writing *w)
{
	bool is_shown = w->level == LF_LEVEL_FULL;
	unsigned fresh = is_shown ? w->lamp->voicemails_new : 0;
	unsigned old = is_shown ? w->lamp->voicemails_old : 0;

	lf_buf_addf(out, "Messages-Waiting: %s\r\nMessage-Account: %s\r\n",
		    fresh ? "yes" : "no", w->uri);
	lf_buf_addf(out, "Voice-Message: %u/%u\r\n", fresh, old);
}
