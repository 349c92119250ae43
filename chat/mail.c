/*
 * chat/mail.c - transcripts by mail: one RFC 5322 file each in the spool
 * folder, from which the mail module sends them. Never with a whisper.
 */
#include "chat/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/secret.h"
#include "store/store.h"

#include "core/banned.h"

#define LINE 57 /* bytes that make 76 characters of base64 */

/* RFC 2047 where it is not plain ASCII; a line end would be a new header. */
static void add_header(struct lf_buf *out, const char *name, const char *value)
{
	const char *at = value;
	char word[LF_BASE64_SIZE(256)];
	size_t len = strlen(value);

	while (*at >= ' ' && *at < 0x7f)
		at++;
	lf_buf_adds(out, name);
	lf_buf_adds(out, ": ");
	if (!*at) {
		lf_buf_adds(out, value);
	} else {
		lf_base64(word, value, len < 256 ? len : 255);
		lf_buf_addf(out, "=?UTF-8?B?%s?=", word);
	}
	lf_buf_adds(out, "\r\n");
}

/* One address, without anything that could end the header. */
static bool is_address(const char *text)
{
	const char *at = strchr(text, '@');

	return at && at != text && at[1] &&
	       !text[strcspn(text, " \t\r\n<>,;\"()[]\\:")] &&
	       strlen(text) <= 254;
}

static void add_body(struct lf_buf *out, const char *text)
{
	char line[LF_BASE64_SIZE(LINE)];
	size_t len = strlen(text), i, n;

	for (i = 0; i < len; i += n) {
		n = len - i < LINE ? len - i : LINE;
		lf_base64(line, text + i, n);
		lf_buf_adds(out, line);
		lf_buf_adds(out, "\r\n");
	}
}

static void compose(struct lf_buf *out, const struct lf_chat *chat,
		    int64_t guid, const char *to, const json_t *posts)
{
	const struct lf_chat_config *config = chat->engine->config;
	const char *from =
		*config->mail_from ? config->mail_from : "lampfield@localhost";
	time_t now = (time_t)(lf_wall_ms() / 1000);
	struct lf_buf text = {0};
	char date[64], id[33];
	struct tm tm;

	if (!gmtime_r(&now, &tm) ||
	    !strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm))
		*date = '\0';
	add_header(out, "From", from);
	add_header(out, "To", to);
	add_header(out, "Subject", config->mail_subject);
	add_header(out, "Date", date);
	lf_buf_addf(out, "Message-ID: <chat-%" PRId64 ".%s@lampfield>\r\n",
		    guid, lf_random_hex(id, 16));
	lf_buf_adds(out, "MIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: base64\r\n\r\n");
	lf_chat_render(&text, posts, false, config->save_timestamps);
	add_body(out, lf_buf_str(&text));
	if (lf_buf_error(&text))
		out->failed = true;
	lf_buf_done(&text);
}

static int write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Beside its place first: the mail module never sees half a mail. */
static int spool(const char *folder, int64_t guid, const struct lf_buf *mail)
{
	char path[4096], part[4096 + 8];
	int fd, err;

	if (snprintf(path, sizeof(path), "%s/chat-%" PRId64 ".eml", folder,
		     guid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	snprintf(part, sizeof(part), "%s.part", path);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, mail->data, mail->len);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(part, path))
		err = -errno;
	if (err)
		unlink(part);
	return err;
}

int lf_chat_mail(const struct lf_chat *chat, int64_t guid, const char *to,
		 const json_t *posts)
{
	struct lf_buf mail = {0};
	int err;

	if (!chat->spool)
		return -ENOENT;
	if (!to || !is_address(to))
		return -EINVAL;
	compose(&mail, chat, guid, to, posts);
	err = lf_buf_error(&mail);
	if (!err)
		err = spool(chat->spool, guid, &mail);
	lf_buf_done(&mail);
	return err;
}

/* ---- of a transcript that is stored already ---- */

struct asked {
	struct lf_chat *chat;
	int64_t guid;
};

static int mail_row(struct lf_chat *chat, int64_t guid,
		    struct lf_store_rows *rows)
{
	size_t len, email_len;
	const char *email = lf_store_rows_text(rows, 0, 0, &email_len);
	const char *text = lf_store_rows_text(rows, 0, 1, &len);
	json_t *posts = text ? json_loadb(text, len, 0, NULL) : NULL;
	char *to = email ? strndup(email, email_len) : NULL;
	int err = posts && to ? lf_chat_mail(chat, guid, to, posts) : -ENOMEM;

	free(to);
	json_decref(posts);
	return err;
}

static void on_past(int err, struct lf_store_rows *rows, void *arg)
{
	struct asked *asked = arg;
	struct lf_chat *chat = asked->chat;

	if (!err && !lf_store_rows_count(rows))
		err = -ENOENT;
	if (!err)
		err = mail_row(chat, asked->guid, rows);
	if (err)
		lf_log(LF_ERROR, "chat",
		       "the transcript of contact %" PRId64
		       " cannot be put into the mail spool (%s)",
		       asked->guid, strerror(-err));
	chat->pending--;
	free(asked);
	lf_chat_check_closed(chat);
}

void lf_chat_mail_later(struct lf_chat *chat, int64_t guid)
{
	struct lf_store_arg arg = lf_store_int(guid);
	struct asked *asked = malloc(sizeof(*asked));

	if (!asked)
		return;
	*asked = (struct asked){chat, guid};
	chat->pending++;
	if (lf_store_query(chat->parts.store, "chat.past.one", &arg, 1, on_past,
			   asked)) {
		chat->pending--;
		free(asked);
	}
}
