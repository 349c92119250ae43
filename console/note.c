/*
 * console/note.c - notes.set: free text on a colleague, seen by all consoles
 * at once (S50). The effect comes back as a change of the row.
 */
#include "console/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/text.h"
#include "directory/note.h"
#include "store/store.h"

#include "core/banned.h"

struct set {
	struct lf_work *work;
	struct lf_console *console;
	char user_id[LF_USER_TEXT_MAX];
};

static void add_current(struct lf_buf *buf, const struct lf_note *note)
{
	lf_buf_adds(buf, "{\"current\":");
	if (note) {
		lf_buf_adds(buf, "{\"text\":");
		lf_buf_add_json(buf, note->text);
		lf_line_text(buf, "by", note->by);
		lf_line_time(buf, "at", note->wall_ms);
		lf_line_int(buf, "rev", note->rev);
		lf_buf_addc(buf, '}');
	} else {
		lf_buf_adds(buf, "null");
	}
	lf_buf_addc(buf, '}');
}

static void on_set(int err, int64_t rev, void *arg)
{
	struct set *set = arg;
	struct lf_buf buf = {0};
	enum lf_fault fault = LF_FAULT_NONE;

	lf_console_landed(set->console);
	if (!err) {
		lf_buf_adds(&buf, "{\"rev\":");
		lf_line_number(&buf, rev);
		lf_buf_addc(&buf, '}');
	} else if (err == -ESTALE) {
		fault = LF_FAULT_CONFLICT;
		add_current(&buf, lf_note_find(set->console->parts.notes,
					       set->user_id));
	} else if (err == -EINVAL) {
		fault = LF_FAULT_PARAMS;
		lf_buf_adds(&buf, "{\"field\":\"text\"}");
	} else {
		fault = LF_FAULT_INTERNAL;
	}
	lf_work_done(set->work, fault, buf.len ? lf_buf_str(&buf) : NULL);
	lf_buf_done(&buf);
	free(set);
}

/* NULL, or the parameter that is wrong. */
static const char *check(const json_t *params, const char *user,
			 const char *text, int bad_base)
{
	if (!user || strlen(user) >= LF_USER_TEXT_MAX)
		return "u";
	if (!text || lf_text_chars(text) > LF_NOTE_CHARS)
		return "text";
	return bad_base ? "base" : NULL;
}

static void refuse_work(struct lf_call *call, int err)
{
	if (err == -EINVAL)
		lf_conn_error_field(call->conn, call->id, "op");
	else if (err == -ENOSPC)
		lf_conn_error(call->conn, call->id, LF_FAULT_LIMIT,
			      "{\"what\":\"ops\"}");
	else
		lf_conn_error(call->conn, call->id, LF_FAULT_INTERNAL, NULL);
}

void lf_method_notes_set(struct lf_call *call)
{
	const char *user = lf_json_str(call->params, "u", NULL, NULL);
	const char *text = lf_json_str(call->params, "text", NULL, NULL);
	int bad_base = 0;
	int64_t base =
		lf_json_int(call->params, "base", LF_STORE_ANY, &bad_base);
	const char *bad = check(call->params, user, text, bad_base);
	struct lf_work *work;
	struct set *set;
	int err;

	if (bad) {
		lf_conn_error_field(call->conn, call->id, bad);
		return;
	}
	if (!lf_user_find(call->console->parts.directory, user)) {
		lf_conn_error(call->conn, call->id, LF_FAULT_NOT_FOUND, NULL);
		return;
	}
	err = lf_work_new(&work, call);
	if (err)
		refuse_work(call, err);
	if (err || !work)
		return;
	set = calloc(1, sizeof(*set));
	if (!set) {
		lf_work_done(work, LF_FAULT_INTERNAL, NULL);
		return;
	}
	set->work = work;
	set->console = call->console;
	lf_text_copy(set->user_id, sizeof(set->user_id), user);
	lf_console_took_off(call->console);
	err = lf_note_set(call->console->parts.notes, user, text,
			  call->session->user_id, base, on_set, set);
	if (err)
		on_set(err, 0, set);
}
