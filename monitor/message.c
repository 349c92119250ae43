/* monitor/message.c - an event as a mail, and many as one. */
#include "monitor/notify_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/secret.h"
#include "core/text.h"
#include "monitor/internal.h"

#include "core/banned.h"

#define ENCODED_BYTES 42 /* of text in one encoded word (RFC 2047: 75) */
#define LINE_BYTES 57    /* of text in one line of base64: 76 characters */

bool lf_message_is_address(const char *text)
{
	const char *at = strrchr(text, '@');

	if (!at || at == text || !at[1] || strlen(text) > 254)
		return false;
	for (; *text; text++) {
		if (!isgraph((unsigned char)*text) ||
		    strchr("<>,;\"\\()[]:", *text))
			return false;
	}
	return true;
}

static bool is_printable(const char *text)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return false;
	}
	return true;
}

/* Header text: as it is, or as encoded words that cut no character. */
static void add_words(struct lf_buf *out, const char *text)
{
	char piece[ENCODED_BYTES + 1], code[LF_BASE64_SIZE(ENCODED_BYTES)];
	bool is_first = true;

	if (is_printable(text) && strlen(text) < 200) {
		lf_buf_adds(out, text);
		return;
	}
	while (*text) {
		lf_text_copy(piece, sizeof(piece), text);
		if (!*piece)
			return;
		text += strlen(piece);
		lf_base64(code, piece, strlen(piece));
		lf_buf_addf(out, "%s=?utf-8?B?%s?=", is_first ? "" : "\r\n ",
			    code);
		is_first = false;
	}
}

static void add_date(struct lf_buf *out, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[64] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000",
			 &tm);
	lf_buf_addf(out, "Date: %s\r\n", text);
}

static void add_text(struct lf_buf *out, const char *node,
		     const struct lf_event_info *info,
		     const struct lf_event_note *note)
{
	char name[LF_EVENT_NAME_SIZE], when[LF_RFC3339_SIZE];

	lf_buf_addf(out, "%s\r\n\r\n%s\r\nWhat to do: %s\r\n\r\n", note->text,
		    info->text, info->remedy);
	lf_buf_addf(out, "Server:   %s\r\nEvent:    %d %s\r\n", node,
		    (int)info->id, lf_event_name(name, info));
	if (*note->subject)
		lf_buf_addf(out, "About:    %s\r\n", note->subject);
	lf_buf_addf(out, "Severity: %s\r\nWhen:     %s\r\nNumber:   %lld\r\n",
		    lf_severity_name(info->severity),
		    lf_rfc3339(when, note->first_ms), (long long)note->id);
	if (info->clears)
		lf_buf_addf(
			out, "This ends the alarm %s.\r\n",
			lf_event_name(name, lf_event_find((int)info->clears)));
}

static void add_base64_lines(struct lf_buf *out, const struct lf_buf *text)
{
	char code[LF_BASE64_SIZE(LINE_BYTES)];
	size_t at, n;

	for (at = 0; at < text->len; at += n) {
		n = text->len - at < LINE_BYTES ? text->len - at : LINE_BYTES;
		lf_base64(code, text->data + at, n);
		lf_buf_addf(out, "%s\r\n", code);
	}
}

struct frame {
	const char *node, *from, *to, *subject;
	const char *id; /* the same whenever it is sent again: receivers can
			   tell a double */
	int64_t wall_ms;
};

/* One header line more in `extra`; then the text, which is used up. */
static void add_frame(struct lf_buf *out, const struct frame *f,
		      const char *extra, struct lf_buf *text)
{
	lf_buf_addf(out, "From: Lampfield <%s>\r\nTo: %s\r\nSubject: ", f->from,
		    f->to);
	add_words(out, f->subject);
	lf_buf_adds(out, "\r\n");
	add_date(out, f->wall_ms);
	lf_buf_addf(out,
		    "Message-ID: <%s@%s>\r\n"
		    "%s\r\n"
		    "Auto-Submitted: auto-generated\r\n"
		    "MIME-Version: 1.0\r\n"
		    "Content-Type: text/plain; charset=utf-8\r\n"
		    "Content-Transfer-Encoding: base64\r\n\r\n",
		    f->id, f->node, extra);
	if (lf_buf_error(text))
		out->failed = true;
	else
		add_base64_lines(out, text);
	lf_buf_done(text);
}

void lf_message_write(struct lf_buf *out, const char *node, const char *from,
		      const char *to, const struct lf_event_info *info,
		      const struct lf_event_note *note)
{
	char name[LF_EVENT_NAME_SIZE], subject[512], id[64], extra[64];
	const struct frame frame = {node,    from, to,
				    subject, id,   note->first_ms};
	struct lf_buf text = {0};

	snprintf(subject, sizeof(subject), "[%s] %s: %s%s%s", node,
		 info->clears ? "ended" : lf_severity_name(info->severity),
		 lf_event_name(name, info), *note->subject ? " " : "",
		 note->subject);
	snprintf(id, sizeof(id), "event-%lld.%lld", (long long)note->id,
		 (long long)note->first_ms);
	snprintf(extra, sizeof(extra), "X-Lampfield-Event: %d", (int)info->id);
	add_text(&text, node, info, note);
	add_frame(out, &frame, extra, &text);
}

/* ---- what was held back ---- */

void lf_message_digest_add(struct lf_buf *text,
			   const struct lf_event_info *info,
			   const struct lf_event_note *note)
{
	char name[LF_EVENT_NAME_SIZE], when[LF_RFC3339_SIZE];

	lf_buf_addf(text, "%s  %s: %s%s%s", lf_rfc3339(when, note->first_ms),
		    info->clears ? "ended" : lf_severity_name(info->severity),
		    lf_event_name(name, info), *note->subject ? " " : "",
		    note->subject);
	if (note->count > 1)
		lf_buf_addf(text, " (%lld times)", (long long)note->count);
	lf_buf_addf(text, "\r\n    %s\r\n", note->text);
	if (!info->clears)
		lf_buf_addf(text, "    What to do: %s\r\n", info->remedy);
	lf_buf_adds(text, "\r\n");
}

void lf_message_digest(struct lf_buf *out, const char *node, const char *from,
		       const char *to, const struct lf_digest_sum *sum,
		       struct lf_buf *text)
{
	char subject[512], id[64], extra[64];
	const struct frame frame = {node, from, to, subject, id, sum->wall_ms};

	snprintf(subject, sizeof(subject), "[%s] %lld event%s held back, %s",
		 node, (long long)sum->n, sum->n == 1 ? "" : "s",
		 sum->worst == LF_SEVERITY_INFORMATION ? "information only"
		 : sum->worst == LF_SEVERITY_WARNING   ? "up to warning"
						       : "up to error");
	snprintf(id, sizeof(id), "digest-%lld.%lld", (long long)sum->first_id,
		 (long long)sum->last_id);
	snprintf(extra, sizeof(extra), "X-Lampfield-Digest: %lld",
		 (long long)sum->n);
	if (sum->n > sum->listed)
		lf_buf_addf(
			text,
			"%lld more are in the event log: lampctl events\r\n",
			(long long)(sum->n - sum->listed));
	lf_buf_addf(text, "Server:   %s\r\n", node);
	add_frame(out, &frame, extra, text);
}
