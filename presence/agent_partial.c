/*
 * presence/agent_partial.c - lamp keys that want to hear of changes only (RFC
 * 4235, 3.7.2). No header asks for that, so it is a setting: who is named in
 * presence-server.partial-dialog.
 *
 *     SUBSCRIBE, refresh     state="full"
 *     a change               state="partial" with the call, as it is now
 *     it ended               state="partial" with the call, terminated
 *
 * Each adds to the last: versions grow by one, none is left out, and after one
 * that was not taken comes a full one.
 */
#include "presence/agent_internal.h"

#include <errno.h>
#include <string.h>

#include "core/buf.h"
#include "core/hash.h"
#include "presence/lamp.h"
#include "sip/notify.h"

#include "core/banned.h"

/* What there is to know of a call. */
static uint32_t print_of(const struct lf_lamp *lamp)
{
	static const uint64_t key[2] = {1, 1};
	enum lf_tel line = lf_dialog_info_line(lamp);

	return (uint32_t)lf_hash(key, lamp->peer, strlen(lamp->peer)) +
	       (uint32_t)line;
}

static bool has_call(const struct lf_writing *w)
{
	enum lf_tel line = lf_dialog_info_line(w->lamp);

	return w->level == LF_LEVEL_FULL &&
	       (line == LF_TEL_RINGING || line == LF_TEL_BUSY);
}

int lf_agent_partial_body(struct lf_sip_body **ret, struct lf_agent_sub *sub,
			  bool is_full)
{
	struct lf_buf text = {0};
	struct lf_writing w;
	uint32_t call, print;
	int err;

	lf_presentity_look(&w, sub->seat.presentity, (enum lf_level)sub->level);
	call = has_call(&w) ? w.call : 0;
	print = call ? print_of(w.lamp) : 0;
	w.is_partial = !is_full && sub->told;
	if (w.is_partial && call == sub->told_call && print == sub->told_print)
		return -EALREADY;
	if (sub->told_call != call)
		w.ended = sub->told_call;
	w.version = sub->version;
	lf_dialog_info_write(&text, &w);
	err = lf_buf_error(&text);
	if (!err)
		err = lf_sip_body_new(ret,
				      lf_format_type(LF_FORMAT_DIALOG_INFO),
				      lf_buf_str(&text), text.len);
	lf_buf_done(&text);
	if (err)
		return err;
	sub->version++;
	sub->told_call = call;
	sub->told_print = print;
	return 0;
}
