/*
 * sip/subscribe.c - we are the subscriber: one object, one dialog, at most one
 * SUBSCRIBE outstanding. What comes back in the dialog goes to notified.c.
 *
 * What is freed while the peer still keeps a subscription becomes "leaving":
 * nobody's, ended through the trunk's pacing.
 */
#include "sip/subscribe.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "sip/sub.h"

#include "core/banned.h"

#define MAX_EXPIRES UINT32_C(0x7fffffff)

static const struct lf_sip_ask_ops subscribe_ops;

/* ---- the dialog ---- */

static bool is_begun(const struct lf_sip_sub *sub)
{
	return *sub->dialog.tag != '\0';
}

static int begin_dialog(struct lf_sip_sub *sub)
{
	int err;

	if (is_begun(sub))
		return 0;
	lf_sip_dialog_begin(&sub->dialog);
	err = lf_map_add(&sub->trunk->sip->subs, sub->dialog.tag, sub);
	if (err)
		lf_sip_dialog_end(&sub->dialog);
	return err;
}

void lf_sip_sub_end_dialog(struct lf_sip_sub *sub)
{
	if (is_begun(sub))
		lf_map_del(&sub->trunk->sip->subs, sub->dialog.tag);
	lf_sip_dialog_end(&sub->dialog);
	sub->has_dialog = sub->has_notify = false;
	memset(sub->heard, 0, sizeof(sub->heard));
}

/* RFC 6665, 4.1.2.2: answers to a refresh after which nothing is left. */
static bool is_end(int status)
{
	static const short ends[] = {404, 405, 410, 416, 480, 481, 482,
				     483, 484, 485, 489, 501, 604};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (status == ends[i])
			return true;
	return false;
}

/* ---- SUBSCRIBE and its answer ---- */

static int ask_build(void *arg, msg_t *msg, sip_t *sip)
{
	struct lf_sip_sub *sub = arg;
	char expires[16], to[LF_SIP_URI_MAX + 2];
	const struct lf_sip_dialog_ask ask = {
		.method = sip_method_subscribe,
		.method_name = "SUBSCRIBE",
		.from = sub->trunk->from,
		.to = to,
		.uri = sub->uri,
	};
	int err;

	snprintf(to, sizeof(to), "<%s>", sub->uri);
	err = lf_sip_dialog_write(&sub->dialog, msg, sip, &ask);
	if (err)
		return err;
	snprintf(expires, sizeof(expires), "%u", sub->asked_s);
	if (sip_add_tl(msg, sip, SIPTAG_CONTACT_STR(sub->trunk->contact),
		       SIPTAG_EVENT_STR(sub->event),
		       SIPTAG_EXPIRES_STR(expires),
		       TAG_IF(*sub->accept, SIPTAG_ACCEPT_STR(sub->accept)),
		       TAG_IF(sub->is_list, SIPTAG_SUPPORTED_STR("eventlist")),
		       TAG_END()) < 0)
		return -ENOMEM;
	return 0;
}

/* After a NOTIFY of another fork its dialog is the one we keep. */
static void accept_dialog(struct lf_sip_sub *sub, const sip_t *answer)
{
	const char *known = lf_sip_dialog_peer_tag(&sub->dialog);
	const char *tag = answer->sip_to->a_tag;

	if (*known && strcmp(known, tag ? tag : ""))
		return;
	/* What does not fit is not followed: the way is the trunk's anyway. */
	lf_sip_dialog_learn(&sub->dialog, answer);
}

static void note_answer(struct lf_sip_sub *sub, int status, const sip_t *answer)
{
	if (status < 300 && answer && is_begun(sub)) {
		accept_dialog(sub, answer);
		sub->has_dialog = sub->asked_s > 0;
	} else if (is_end(status) || (status >= 300 && !sub->has_dialog)) {
		lf_sip_sub_end_dialog(sub);
	}
}

static void fill_response(struct lf_sip_response *out, int status,
			  const sip_t *answer)
{
	out->status = status;
	out->expires_s = out->min_expires_s = out->retry_after_s =
		LF_SIP_ABSENT;
	if (!answer) {
		out->phrase =
			status == 408 ? "no answer" : "the transport failed";
		return;
	}
	out->phrase = answer->sip_status->st_phrase;
	if (answer->sip_expires)
		out->expires_s = LF_SIP_SECONDS(answer->sip_expires->ex_delta);
	if (answer->sip_min_expires)
		out->min_expires_s =
			LF_SIP_SECONDS(answer->sip_min_expires->me_delta);
	if (answer->sip_retry_after)
		out->retry_after_s =
			LF_SIP_SECONDS(answer->sip_retry_after->af_delta);
}

void lf_sip_sub_destroy(struct lf_sip_sub *sub)
{
	lf_list_del(&sub->node);
	lf_sip_ask_forget(sub->ask);
	lf_sip_sub_end_dialog(sub);
	free(sub);
}

static int ask_now(struct lf_sip_sub *sub, uint32_t expires_s)
{
	sub->asked_s = expires_s;
	return lf_sip_ask(&sub->ask, sub->trunk, &subscribe_ops, sub);
}

/* Its SUBSCRIBE is answered; end what it began, or wait for the last NOTIFY. */
static void leaving_answered(struct lf_sip_sub *sub)
{
	if (!is_begun(sub) || (sub->has_dialog && ask_now(sub, 0)))
		lf_sip_sub_destroy(sub);
}

static void ask_done(void *arg, int status, const sip_t *answer)
{
	struct lf_sip_sub *sub = arg;
	struct lf_sip_response response;

	sub->ask = NULL;
	if (!sub->ops && sub->asked_s == 0 && status >= 300) {
		lf_sip_sub_destroy(sub); /* nothing else to try */
		return;
	}
	note_answer(sub, status, answer);
	if (!sub->ops) {
		leaving_answered(sub);
		return;
	}
	fill_response(&response, status, answer);
	sub->ops->on_response(sub, &response, sub->arg);
}

static const struct lf_sip_ask_ops subscribe_ops = {
	.method = sip_method_subscribe,
	.method_name = "SUBSCRIBE",
	.build = ask_build,
	.done = ask_done,
};

/* ---- what the header promises ---- */

static bool is_sip_uri(const char *uri)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	url_t *url = NULL;
	bool ok;

	if (strlen(uri) < LF_SIP_URI_MAX - 2 && !strpbrk(uri, "<> \t\r\n\""))
		url = url_make(home, uri);
	ok = url && (url->url_type == url_sip || url->url_type == url_sips) &&
	     url->url_host && *url->url_host;
	su_home_deinit(home);
	return ok;
}

static int restore(struct lf_sip_sub *sub, const char *saved)
{
	int err = lf_sip_dialog_restore(&sub->dialog, saved, &sub->notify_cseq);

	if (err)
		return err;
	if (lf_map_add(&sub->trunk->sip->subs, sub->dialog.tag, sub)) {
		lf_sip_dialog_end(&sub->dialog); /* it is not in the map */
		return -EINVAL;
	}
	sub->has_dialog = true;
	sub->has_notify = sub->notify_cseq > 0;
	return 0;
}

int lf_sip_sub_new(struct lf_sip_sub **ret, struct lf_sip_trunk *trunk,
		   const struct lf_sip_sub_opts *opts,
		   const struct lf_sip_sub_ops *ops, void *arg)
{
	struct lf_sip_sub *sub;
	size_t len;
	int err;

	if (!is_sip_uri(opts->uri))
		return -EINVAL;
	len = strlen(opts->uri);
	sub = calloc(1, sizeof(*sub) + len + 1);
	if (!sub)
		return -ENOMEM;
	lf_list_init(&sub->node);
	memcpy(sub->uri, opts->uri, len + 1);
	sub->trunk = trunk;
	sub->ops = ops;
	sub->arg = arg;
	sub->is_list = opts->is_list;

	err = -ENOMEM;
	sub->event = lf_sip_peer_word(trunk, opts->event);
	sub->accept = lf_sip_peer_word(trunk, opts->accept ? opts->accept : "");
	if (!sub->event || !sub->accept)
		goto fail;
	err = opts->saved ? restore(sub, opts->saved) : 0;
	if (err)
		goto fail;
	trunk->sub_count++;
	*ret = sub;
	return 0;
fail:
	lf_sip_sub_destroy(sub);
	return err;
}

int lf_sip_subscribe(struct lf_sip_sub *sub, uint32_t expires_s)
{
	int err;

	if (sub->ask)
		return -EALREADY;
	if (!sub->has_dialog)
		lf_sip_sub_end_dialog(sub); /* a new question, a new Call-ID */
	err = begin_dialog(sub);
	if (err)
		return err;
	return ask_now(sub, LF_MIN(expires_s, MAX_EXPIRES));
}

bool lf_sip_sub_has_dialog(const struct lf_sip_sub *sub)
{
	return sub->has_dialog;
}

bool lf_sip_sub_is_waiting(const struct lf_sip_sub *sub)
{
	return sub->ask != NULL;
}

void lf_sip_sub_reset(struct lf_sip_sub *sub)
{
	lf_sip_ask_forget(sub->ask);
	sub->ask = NULL;
	lf_sip_sub_end_dialog(sub);
}

int lf_sip_sub_save(const struct lf_sip_sub *sub, uint32_t cseq_ahead,
		    struct lf_buf *out)
{
	if (!sub->has_dialog)
		return -ENOENT;
	return lf_sip_dialog_save(&sub->dialog, cseq_ahead,
				  sub->has_notify ? sub->notify_cseq : 0, out);
}

uint32_t lf_sip_sub_cseq(const struct lf_sip_sub *sub)
{
	return sub->dialog.cseq;
}

const char *lf_sip_sub_call_id(const struct lf_sip_sub *sub)
{
	return sub->dialog.call_id;
}

void lf_sip_sub_leave(struct lf_sip_sub *sub)
{
	if (!sub)
		return;
	sub->trunk->sub_count--;
	lf_sip_sub_destroy(sub);
}

void lf_sip_sub_free(struct lf_sip_sub *sub)
{
	bool is_asking;

	if (!sub)
		return;
	is_asking = sub->ask && lf_sip_ask_is_sent(sub->ask);
	if (sub->ask && !is_asking) {
		lf_sip_ask_forget(sub->ask);
		sub->ask = NULL;
	}
	if (!is_asking && !sub->has_dialog) {
		lf_sip_sub_leave(sub);
		return;
	}
	sub->trunk->sub_count--;
	sub->ops = NULL;
	lf_list_add_tail(&sub->trunk->leaving, &sub->node);
	if (!is_asking && ask_now(sub, 0))
		lf_sip_sub_destroy(sub);
}

/* ---- leaving ---- */

static struct lf_sip_sub *leaving_of(struct lf_list *node)
{
	return LF_CONTAINER_OF(node, struct lf_sip_sub, node);
}

/* Called at each probe: who was answered two probes ago is done. */
void lf_sip_leaving_sweep(struct lf_sip_trunk *trunk)
{
	LF_LIST_FOREACH_SAFE (node, &trunk->leaving) {
		struct lf_sip_sub *sub = leaving_of(node);

		if (sub->ask)
			continue;
		if (sub->was_swept)
			lf_sip_sub_destroy(sub);
		else
			sub->was_swept = true;
	}
}

void lf_sip_leaving_free(struct lf_sip_trunk *trunk)
{
	LF_LIST_FOREACH_SAFE (node, &trunk->leaving)
		lf_sip_sub_destroy(leaving_of(node));
}
