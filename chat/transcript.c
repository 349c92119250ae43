/*
 * chat/transcript.c - what becomes of a room's words when it closes: through
 * the filter service, into the table of the past, to the customer by mail.
 *
 *     room closes -> job {posts} -> filter? -> stored -> posts dropped, mail
 *
 * With a filter, nothing unfiltered is stored, shown or mailed (S208). When
 * it fails, and the texts may not be stored as they are, they are only in
 * memory from then on, and it is asked again with growing pauses.
 */
#include "chat/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "store/store.h"

#include "core/banned.h"

#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)
#define RETRY_MIN_S 5
#define RETRY_MAX_S 600

struct job {
	struct lf_list node; /* in chat->jobs */
	struct lf_chat *chat;
	int64_t guid;
	json_t *posts; /* as it will be stored */
	struct lf_timer again;
	unsigned pause_s;
	bool is_withheld; /* no more on disk */
	bool has_whispers, is_running;
};

static void begin(struct job *job);

static void job_free(struct job *job)
{
	lf_timer_stop(job->chat->parts.timers, &job->again);
	lf_list_del(&job->node);
	json_decref(job->posts);
	free(job);
}

void lf_chat_transcripts_done(struct lf_chat *chat)
{
	while (!lf_list_is_empty(&chat->jobs))
		job_free(LF_CONTAINER_OF(chat->jobs.next, struct job, node));
}

/* ---- stored ---- */

static void try_later(struct job *job)
{
	job->pause_s = job->pause_s ? job->pause_s * 2 : RETRY_MIN_S;
	if (job->pause_s > RETRY_MAX_S)
		job->pause_s = RETRY_MAX_S;
	lf_timer_start(job->chat->parts.timers, &job->again,
		       (int64_t)job->pause_s * 1000);
}

static void ask(struct lf_chat *chat, const char *statement, int64_t n)
{
	struct lf_store_arg arg = lf_store_int(n);

	lf_store_query(chat->parts.store, statement, &arg, 1, NULL, NULL);
}

static void mail_if_wanted(struct job *job)
{
	struct lf_chat_contact *c =
		lf_chat_contact_find(job->chat->engine, job->guid);

	if (!c || !c->wants_mail)
		return;
	c->wants_mail = false;
	lf_chat_contact_dirty(c);
	if (lf_chat_mail(job->chat, job->guid, c->who.email, job->posts))
		lf_log(LF_ERROR, "chat",
		       "the transcript of contact %" PRId64
		       " cannot be put into the mail spool",
		       job->guid);
}

static void on_stored(int err, struct lf_store_rows *rows, void *arg)
{
	struct job *job = arg;
	struct lf_chat *chat = job->chat;

	chat->pending--;
	job->is_running = false;
	if (err && err != -EEXIST) {
		if (!chat->is_closing)
			try_later(job);
		lf_chat_check_closed(chat);
		return;
	}
	mail_if_wanted(job);
	lf_chat_now(chat);
	lf_chat_transcribed(chat->engine, job->guid);
	job_free(job);
	lf_chat_flush(chat);
	lf_chat_check_closed(chat);
}

/* Of a room that nobody may keep, one that is there for the mail alone. */
static void store(struct job *job)
{
	struct lf_chat *chat = job->chat;
	const struct lf_chat_contact *c =
		lf_chat_contact_find(chat->engine, job->guid);
	struct lf_buf text = {0};
	int err = -ENOMEM;

	if (!c) {
		job_free(job);
		return;
	}
	lf_json_write(&text, job->posts);
	struct lf_store_arg args[] = {
		lf_store_int(c->guid),
		lf_store_text(c->identity),
		lf_store_text(c->who.email),
		lf_store_int(c->begun_ms),
		lf_store_int(c->closed_ms),
		lf_store_int(job->has_whispers),
		lf_store_int(chat->engine->config->save_history),
		lf_store_text(c->reason_by),
		c->reason_code < 0 ? lf_store_text(NULL)
				   : lf_store_int(c->reason_code),
		lf_store_text(c->note),
		lf_store_text(lf_buf_str(&text)),
	};
	if (!lf_buf_error(&text))
		err = lf_store_query(chat->parts.store, "chat.past.add", args,
				     sizeof(args) / sizeof(*args), on_stored,
				     job);
	if (err) {
		try_later(job);
	} else {
		job->is_running = true;
		chat->pending++;
	}
	lf_buf_done(&text);
}

/* ---- filtered ---- */

static void replace(struct job *job, const json_t *texts)
{
	json_t *post;
	size_t i;

	json_array_foreach (job->posts, i, post)
		json_object_set(post, "text", json_array_get(texts, i));
}

static void leave_disk(struct lf_chat *chat, int64_t guid)
{
	struct lf_chat_contact *c = lf_chat_contact_find(chat->engine, guid);

	if (!c)
		return;
	lf_chat_posts_drop(c);
	/* From a turn of its own: we may be in the middle of effects. */
	lf_timer_start(chat->parts.timers, &chat->flush, 0);
}

static void withhold(struct job *job)
{
	if (!job->is_withheld)
		lf_log(LF_WARN, "chat",
		       "the transcript filter fails: contact %" PRId64
		       " is kept in memory",
		       job->guid);
	if (!job->is_withheld)
		leave_disk(job->chat, job->guid);
	job->is_withheld = true;
	try_later(job);
}

static void failed(struct job *job)
{
	if (!job->chat->engine->config->filter_stores_on_failure) {
		withhold(job);
		return;
	}
	lf_log(LF_WARN, "chat",
	       "the transcript filter fails: contact %" PRId64
	       " is stored unfiltered, as configured",
	       job->guid);
	store(job);
}

static void on_filtered(int err, const json_t *texts, void *arg)
{
	struct job *job = arg;
	struct lf_chat *chat = job->chat;

	chat->pending--;
	job->is_running = false;
	if (chat->is_closing) {
		lf_chat_check_closed(chat);
		return;
	}
	if (!err) {
		replace(job, texts);
		store(job);
	} else {
		failed(job);
	}
}

static json_t *texts_of(const json_t *posts)
{
	json_t *texts = json_array();
	const json_t *post;
	size_t i;

	json_array_foreach (posts, i, post)
		if (json_array_append(texts, json_object_get(post, "text"))) {
			json_decref(texts);
			return NULL;
		}
	return texts;
}

static void begin(struct job *job)
{
	struct lf_chat *chat = job->chat;
	json_t *texts;
	int err;

	if (!*chat->engine->config->filter_url ||
	    !json_array_size(job->posts)) {
		store(job);
		return;
	}
	texts = texts_of(job->posts);
	err = texts ? lf_chat_filter(chat, texts, on_filtered, job) : -ENOMEM;
	json_decref(texts);
	if (err) { /* no URL of ours, no memory: as bad as an outage */
		failed(job);
		return;
	}
	job->is_running = true;
	chat->pending++;
}

static void on_again(struct lf_timer *timer, void *arg)
{
	struct job *job = arg;

	if (job->chat->is_closing || job->is_running)
		return;
	if (lf_chat_contact_find(job->chat->engine, job->guid))
		begin(job);
	else
		job_free(job);
}

/* ---- begun ---- */

static int collect(struct job *job, const struct lf_chat_contact *c)
{
	bool with_pushes = job->chat->engine->config->save_pushes;
	size_t i;

	job->posts = json_array();
	for (i = 0; i < c->n_posts; i++) {
		const struct lf_chat_post *p = c->posts[i];
		json_t *post;

		if (p->kind == LF_CHAT_PUSH && !with_pushes)
			continue;
		post = json_pack("{s:I,s:i,s:s?,s:s,s:s}", "at",
				 (json_int_t)p->wall_ms, "kind", (int)p->kind,
				 "agent", p->agent, "name", p->name, "text",
				 p->text);
		if (json_array_append_new(job->posts, post))
			return -ENOMEM;
		job->has_whispers |= p->kind == LF_CHAT_WHISPER;
	}
	return job->posts ? 0 : -ENOMEM;
}

/* Nothing to keep and nobody to send it to. */
static bool is_unwanted(const struct lf_chat *chat,
			const struct lf_chat_contact *c)
{
	const struct lf_chat_config *config = chat->engine->config;

	return !config->save_history && (!config->email_log || !c->who.email);
}

static bool has_job(const struct lf_chat *chat, int64_t guid)
{
	LF_LIST_FOREACH (node, &chat->jobs)
		if (LF_CONTAINER_OF(node, struct job, node)->guid == guid)
			return true;
	return false;
}

void lf_chat_transcribe(struct lf_chat *chat, int64_t guid)
{
	struct lf_chat_contact *c = lf_chat_contact_find(chat->engine, guid);
	struct job *job;

	if (!c || has_job(chat, guid) || chat->is_closing)
		return;
	if (is_unwanted(chat, c)) {
		lf_chat_transcribed(chat->engine, guid);
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job)
		return; /* it is on disk: the next start finds it */
	job->chat = chat;
	job->guid = guid;
	lf_timer_init(&job->again, on_again, job);
	lf_list_add_tail(&chat->jobs, &job->node);
	if (collect(job, c)) {
		job_free(job);
		return;
	}
	begin(job);
}

void lf_chat_expire(struct lf_chat *chat)
{
	unsigned days = chat->engine->config->retention_days;

	if (days)
		ask(chat, "chat.past.expire",
		    lf_wall_ms() - (int64_t)days * DAY_MS);
}
