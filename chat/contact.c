/*
 * chat/contact.c - a contact's life: from the first request to the last
 * closed reason, and what happens when its customer goes away.
 *
 *     queued -> active -> wrap-up -> completed -> gone
 */
#include "chat/engine_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

struct lf_chat_contact *lf_chat_contact_find(const struct lf_chat_engine *e,
					     int64_t guid)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, guid);
	return lf_map_find(&e->contact_by_guid, text);
}

struct lf_chat_contact *lf_chat_contact_new(struct lf_chat_engine *e,
					    int64_t guid)
{
	struct lf_chat_contact *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->engine = e;
	c->guid = guid;
	snprintf(c->guid_text, sizeof(c->guid_text), "%u", (unsigned)guid);
	c->reason_code = -1;
	lf_list_init(&c->node);
	lf_list_init(&c->in_queue);
	lf_list_init(&c->in_offers);
	lf_list_init(&c->members);
	lf_list_init(&c->dirty);
	lf_list_init(&c->sent_dirty);
	lf_timer_init(&c->lost, lf_chat_on_lost_too_long, c);
	lf_timer_init(&c->idle, lf_chat_on_idle, c);
	lf_timer_init(&c->offer_timer, lf_chat_on_offer_timeout, c);
	lf_timer_init(&c->comfort, lf_chat_on_comfort, c);
	lf_timer_init(&c->wrapup, lf_chat_on_wrapup_timeout, c);
	return c;
}

static void stop_timers(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;

	lf_chat_stop(e, &c->lost);
	lf_chat_stop(e, &c->idle);
	lf_chat_stop(e, &c->offer_timer);
	lf_chat_stop(e, &c->comfort);
	lf_chat_stop(e, &c->wrapup);
}

static void leave_engine(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;

	if (lf_list_is_empty(&c->node))
		return;
	lf_list_del(&c->node);
	lf_map_del(&e->contact_by_guid, c->guid_text);
	e->n_contacts--;
	if (!c->is_closed)
		lf_chat_identity_count(e, c->identity, -1, 0);
}

void lf_chat_contact_free(struct lf_chat_contact *c)
{
	if (!c)
		return;
	stop_timers(c);
	while (!lf_list_is_empty(&c->members))
		lf_chat_member_free(LF_CONTAINER_OF(
			c->members.next, struct lf_chat_member, in_room));
	lf_list_del(&c->in_offers);
	lf_chat_queue_leave(c);
	leave_engine(c);
	lf_list_del(&c->dirty);
	lf_list_del(&c->sent_dirty);
	if (c->peer)
		c->peer->contact = NULL;
	lf_chat_posts_free(c);
	free(c->who.email);
	free(c->who.name);
	free(c->who.country);
	free(c->who.area);
	free(c->who.phone);
	json_decref(c->who.custom);
	free(c->identity);
	free(c->device);
	free(c->skillset);
	free(c->first_skillset);
	free(c->reason);
	free(c->offered_by);
	free(c->conferred);
	free(c->owner_id);
	free(c->note);
	free(c->reason_by);
	free(c);
}

int lf_chat_contact_enter(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;
	int err;

	if (!c->is_closed) {
		err = lf_chat_identity_count(e, c->identity, 1, 0);
		if (err)
			return err;
	}
	err = lf_map_add(&e->contact_by_guid, c->guid_text, c);
	if (err) {
		if (!c->is_closed)
			lf_chat_identity_count(e, c->identity, -1, 0);
		return err;
	}
	lf_list_add_tail(&e->contacts, &c->node);
	e->n_contacts++;
	return 0;
}

/* Nothing of it stays but its transcript. */
void lf_chat_contact_forget(struct lf_chat_contact *c)
{
	lf_chat_posts_drop(c);
	lf_chat_effect(c->engine, LF_CHAT_DROP, c->guid);
	lf_chat_contact_free(c);
}

/* ---- the customer's connection ---- */

void lf_chat_close_session(struct lf_chat_contact *c)
{
	if (c->is_closed)
		return;
	c->is_closed = true;
	lf_chat_identity_count(c->engine, c->identity, -1, 0);
	lf_chat_stop(c->engine, &c->lost);
	lf_chat_stop(c->engine, &c->idle);
	lf_chat_comfort_stop(c);
	if (c->peer) {
		c->peer->contact = NULL;
		c->peer = NULL;
	}
	lf_chat_contact_dirty(c);
}

static void tell_status(struct lf_chat_contact *c, bool is_connected)
{
	struct lf_buf *b = lf_chat_begin(c->engine, "notification",
					 "customerConnectionStatus");

	lf_chat_add_int(b, "guid", c->guid);
	lf_chat_add_bool(b, "isConnected", is_connected);
	lf_chat_add_int(b, "timestamp", c->engine->wall_ms);
	lf_chat_room_tell(c, NULL, lf_chat_end(c->engine));
}

void lf_chat_contact_lose(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;

	c->peer = NULL;
	if (c->is_closed)
		return;
	lf_chat_start(e, &c->lost, (int64_t)e->config->reconnect_s * 1000);
	lf_chat_stop(e, &c->idle);
	if (c->state == LF_CHAT_QUEUED && c->offer) {
		lf_chat_withdraw(c, "customerLost");
	}
	if (c->state == LF_CHAT_ACTIVE) {
		lf_chat_comfort_pause(c);
		c->told_lost = true;
		tell_status(c, false);
	}
}

/* The socket is bound already. */
void lf_chat_contact_found(struct lf_chat_contact *c)
{
	lf_chat_stop(c->engine, &c->lost);
	lf_chat_route(c->engine);
	if (c->told_lost) {
		c->told_lost = false;
		tell_status(c, true);
	}
	lf_chat_comfort_resume(c);
	lf_chat_idle_restart(c);
}

void lf_chat_on_lost_too_long(struct lf_timer *timer, void *arg)
{
	struct lf_chat_contact *c = arg;

	lf_chat_wake(c->engine);
	lf_chat_contact_leave(c);
}

/* ---- the end ---- */

static void abandon(struct lf_chat_contact *c)
{
	if (c->offer)
		lf_chat_withdraw(c, "customerLeft");
	lf_chat_queue_leave(c);
	lf_chat_close_session(c);
	lf_chat_contact_forget(c);
}

static void tell_disconnect(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;

	LF_LIST_FOREACH (node, &c->members) {
		const struct lf_chat_member *m =
			LF_CONTAINER_OF(node, struct lf_chat_member, in_room);
		struct lf_buf *b =
			lf_chat_begin(e, "notification", "customerDisconnect");

		lf_chat_add_int(b, "guid", c->guid);
		lf_chat_add_reasons(b, c, m->mode == LF_CHAT_OWNER);
		lf_chat_add_int(b, "timestamp", e->wall_ms);
		lf_chat_end_to(e, m->agent->peer);
	}
}

void lf_chat_contact_leave(struct lf_chat_contact *c)
{
	if (c->state == LF_CHAT_QUEUED) {
		abandon(c);
	} else if (c->state == LF_CHAT_ACTIVE) {
		tell_disconnect(c);
		lf_chat_room_empty(c, NULL);
		lf_chat_contact_wrap_up(c);
	}
}

void lf_chat_contact_wrap_up(struct lf_chat_contact *c)
{
	struct lf_chat_engine *e = c->engine;

	if (c->offer)
		lf_chat_withdraw(c, "cancelled");
	lf_chat_close_session(c);
	c->state = LF_CHAT_WRAPUP;
	c->closed_ms = e->wall_ms;
	c->wants_mail = c->wants_transcript && e->config->email_log;
	c->is_mailed = c->wants_mail;
	lf_chat_effect(e, LF_CHAT_TRANSCRIBE, c->guid);
	lf_chat_contact_dirty(c);
	if (!c->owner_id)
		lf_chat_contact_complete(c);
	else if (e->config->wrap_up_s)
		lf_chat_start(e, &c->wrapup,
			      (int64_t)e->config->wrap_up_s * 1000);
}

void lf_chat_contact_complete(struct lf_chat_contact *c)
{
	c->state = LF_CHAT_COMPLETED;
	lf_chat_stop(c->engine, &c->wrapup);
	lf_chat_contact_dirty(c);
	if (c->is_transcribed)
		lf_chat_contact_forget(c);
}

void lf_chat_on_wrapup_timeout(struct lf_timer *timer, void *arg)
{
	struct lf_chat_contact *c = arg;

	lf_chat_wake(c->engine);
	lf_chat_contact_complete(c);
}

void lf_chat_transcribed(struct lf_chat_engine *e, int64_t guid)
{
	struct lf_chat_contact *c = lf_chat_contact_find(e, guid);

	if (!c || c->is_transcribed)
		return;
	c->is_transcribed = true;
	lf_chat_posts_drop(c);
	lf_chat_posts_free(c);
	lf_chat_contact_dirty(c);
	if (c->state == LF_CHAT_COMPLETED)
		lf_chat_contact_forget(c);
}

void lf_chat_previous_counted(struct lf_chat_engine *e, int64_t guid,
			      uint64_t n)
{
	struct lf_chat_contact *c = lf_chat_contact_find(e, guid);

	if (c)
		c->previous = n > INT32_MAX ? INT32_MAX : n;
}
