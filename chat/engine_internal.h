/*
 * chat/engine_internal.h - what the files of the engine do for each other, in
 * the order of a request's way through them. What the rest of chat/ uses of
 * it, it uses between events only.
 */
#ifndef LF_CHAT_ENGINE_INTERNAL_H
#define LF_CHAT_ENGINE_INTERNAL_H

#include "chat/engine.h"

/* effects.c */
void lf_chat_send(struct lf_chat_engine *e, struct lf_chat_peer *peer,
		  struct lf_chat_text *text, int64_t guid, int64_t seq);
void lf_chat_close_peer(struct lf_chat_engine *e, struct lf_chat_peer *peer,
			int code);
struct lf_chat_effect *lf_chat_effect(struct lf_chat_engine *e,
				      enum lf_chat_effect_kind kind,
				      int64_t guid);
void lf_chat_start(struct lf_chat_engine *e, struct lf_timer *timer,
		   int64_t delay_ms);
void lf_chat_stop(struct lf_chat_engine *e, struct lf_timer *timer);
void lf_chat_wake(struct lf_chat_engine *e); /* from a timer: what time is it */
void lf_chat_contact_dirty(struct lf_chat_contact *c);
void lf_chat_agent_dirty(struct lf_chat_agent *a);
/* What others see of the agent may be different now. */
void lf_chat_agent_moved(const struct lf_chat_agent *a);

/* wire.c: texts. begin, fields, end; NULL if memory ran out. */
struct lf_buf *lf_chat_begin(struct lf_chat_engine *e, const char *type,
			     const char *method);
void lf_chat_add_int(struct lf_buf *b, const char *name, int64_t value);
void lf_chat_add_text(struct lf_buf *b, const char *name, const char *value);
void lf_chat_add_bool(struct lf_buf *b, const char *name, bool value);
void lf_chat_add_open(struct lf_buf *b, const char *name, char bracket);
struct lf_chat_text *lf_chat_end(struct lf_chat_engine *e);
/* end, to one peer or nobody */
void lf_chat_end_to(struct lf_chat_engine *e, struct lf_chat_peer *peer);
void lf_chat_refuse(struct lf_chat_engine *e, struct lf_chat_peer *peer,
		    const char *method, enum lf_chat_error code);
void lf_chat_add_intrinsics(struct lf_buf *b, const struct lf_chat_contact *c);
void lf_chat_tell_accepted(struct lf_chat_contact *c);
void lf_chat_tell_details(struct lf_chat_contact *c, struct lf_chat_agent *a);
void lf_chat_add_reasons(struct lf_buf *b, const struct lf_chat_contact *c,
			 bool has_any);

/* name.c */
#define LF_CHAT_SHOWN_SIZE 1040 /* a name to show: 256 code points and NUL */
void lf_chat_customer_name(const struct lf_chat_contact *c, char *out,
			   size_t size);
void lf_chat_agent_name(const struct lf_chat_engine *e, const char *id,
			char *out, size_t size);
void lf_chat_agent_label(const struct lf_chat_engine *e, const char *id,
			 char *out, size_t size);

/* wire_post.c */
struct lf_chat_text *lf_chat_post_to_agents(struct lf_chat_contact *c,
					    const struct lf_chat_post *p);
struct lf_chat_text *lf_chat_post_to_customer(struct lf_chat_contact *c,
					      const struct lf_chat_post *p);
void lf_chat_add_post(struct lf_buf *b, const struct lf_chat_post *p);

/* gate.c */
int lf_chat_gate_init(struct lf_chat_engine *e);
int64_t lf_chat_guid(const json_t *body, const char *name); /* 0: none */

/* customer.c, agent.c, talk.c, operation.c, supervise.c: requests */
typedef enum lf_chat_error lf_chat_customer_fn(struct lf_chat_peer *peer,
					       json_t *body);
typedef enum lf_chat_error lf_chat_agent_fn(struct lf_chat_peer *peer,
					    struct lf_chat_contact *contact,
					    json_t *body);
lf_chat_customer_fn lf_chat_on_request, lf_chat_on_queue_status,
	lf_chat_on_customer_typing, lf_chat_on_customer_message,
	lf_chat_on_close, lf_chat_on_customer_push, lf_chat_on_ping;
lf_chat_agent_fn lf_chat_on_login, lf_chat_on_logout, lf_chat_on_join,
	lf_chat_on_screen_pops, lf_chat_on_typing, lf_chat_on_message,
	lf_chat_on_quit, lf_chat_on_reason, lf_chat_on_history, lf_chat_on_push,
	lf_chat_on_destinations, lf_chat_on_operation, lf_chat_on_owner,
	lf_chat_on_leave, lf_chat_on_drop, lf_chat_on_conference_close,
	lf_chat_on_agent_data, lf_chat_on_ready, lf_chat_on_decline,
	lf_chat_on_agent_ping;

/* contact.c */
struct lf_chat_contact *lf_chat_contact_find(const struct lf_chat_engine *e,
					     int64_t guid);
struct lf_chat_contact *lf_chat_contact_new(struct lf_chat_engine *e,
					    int64_t guid);
void lf_chat_contact_free(struct lf_chat_contact *c);
int lf_chat_contact_enter(struct lf_chat_contact *c); /* into the engine */
void lf_chat_contact_forget(struct lf_chat_contact *c);
/* The customer has gone for good, from any state. */
void lf_chat_contact_leave(struct lf_chat_contact *c);
void lf_chat_contact_lose(struct lf_chat_contact *c);
void lf_chat_contact_found(struct lf_chat_contact *c);
/* The room has ended: wrap-up begins, or not. */
void lf_chat_contact_wrap_up(struct lf_chat_contact *c);
void lf_chat_contact_complete(struct lf_chat_contact *c);
void lf_chat_close_session(struct lf_chat_contact *c);
/* NULL: no memory or the room is full. */
struct lf_chat_post *lf_chat_post_new(struct lf_chat_contact *c,
				      enum lf_chat_kind kind, const char *agent,
				      const char *text,
				      const char *destination);
/* Stores and shows it: to the customer if it is for one, to all agents but
 * the sender. Cannot fail. */
void lf_chat_post_add(struct lf_chat_contact *c, struct lf_chat_post *post);
struct lf_chat_post *lf_chat_post_at(const struct lf_chat_contact *c,
				     int64_t seq);
void lf_chat_posts_free(struct lf_chat_contact *c);
void lf_chat_post_count(struct lf_chat_contact *c,
			const struct lf_chat_post *post);
/* A copy in place of the old text. -ENOMEM: the old one stays. */
int lf_chat_set_text(char **text, const char *value);

/* identity.c: e-mail addresses and what is counted for them */
char *lf_chat_identity_of(const char *email);
int lf_chat_identity_count(struct lf_chat_engine *e, const char *identity,
			   int chats, int callbacks);
unsigned lf_chat_identity_chats(const struct lf_chat_engine *e,
				const char *identity);
unsigned lf_chat_identity_callbacks(const struct lf_chat_engine *e,
				    const char *identity);
void lf_chat_identities_done(struct lf_chat_engine *e);

/* queue.c */
int lf_chat_queue_enter(struct lf_chat_contact *c, const char *skillset);
void lf_chat_queue_leave(struct lf_chat_contact *c);
int64_t lf_chat_queue_position(const struct lf_chat_contact *c);
int64_t lf_chat_queue_wait_s(const struct lf_chat_contact *c);
void lf_chat_queue_answered(struct lf_chat_contact *c);
size_t lf_chat_queue_count(const struct lf_chat_engine *e,
			   const char *skillset);
bool lf_chat_queue_is_full(const struct lf_chat_engine *e,
			   const struct lf_chat_skillset *skillset);
void lf_chat_queues_done(struct lf_chat_engine *e);

/* routing.c */
/* Somebody or something has become free: asks for lf_chat_settle(). */
void lf_chat_route(struct lf_chat_engine *e);
int lf_chat_offer(struct lf_chat_contact *c, struct lf_chat_agent *a,
		  enum lf_chat_offer_kind kind, const char *by);
/* Takes the offer back; `cause` for the agent, NULL: accepted, in silence. */
void lf_chat_withdraw(struct lf_chat_contact *c, const char *cause);
/* All offers of an agent go back (cause as above). */
void lf_chat_return_offers(struct lf_chat_agent *a, const char *cause);
bool lf_chat_agent_has_room(const struct lf_chat_agent *a);
unsigned lf_chat_agent_load(const struct lf_chat_agent *a);
size_t lf_chat_agents_for(const struct lf_chat_engine *e, const char *skillset);

/* join.c: the offered one, or -EPERM */
int lf_chat_join(struct lf_chat_contact *c, struct lf_chat_agent *a);
bool lf_chat_may_observe(const struct lf_chat_contact *c,
			 const struct lf_chat_agent *a);
/* customer.c: URLs nobody may push */
bool lf_chat_is_bad_url(const char *url);

/* room.c */
struct lf_chat_member *lf_chat_member_find(const struct lf_chat_contact *c,
					   const struct lf_chat_agent *a);
struct lf_chat_member *lf_chat_member_new(struct lf_chat_contact *c,
					  struct lf_chat_agent *a,
					  enum lf_chat_mode mode);
void lf_chat_member_free(struct lf_chat_member *m);
struct lf_chat_member *lf_chat_room_owner(const struct lf_chat_contact *c);
struct lf_chat_member *lf_chat_room_first(const struct lf_chat_contact *c,
					  enum lf_chat_mode mode);
unsigned lf_chat_room_count(const struct lf_chat_contact *c,
			    enum lf_chat_mode mode);
/* The member is in: tells agents and the customer, welcomes. */
void lf_chat_room_joined(struct lf_chat_member *m);
void lf_chat_room_show(struct lf_chat_member *m); /* newParticipant */
/* Removes; the customer is told unless `end` says all in one. */
void lf_chat_room_remove(struct lf_chat_member *m, const char *scenario,
			 const char *cause);
void lf_chat_room_set_owner(struct lf_chat_member *m);
/* The chat is over, said by `last` (the owner). */
void lf_chat_room_end(struct lf_chat_contact *c, struct lf_chat_member *last);
/* All leave with this scenario; nothing to the customer. */
void lf_chat_room_empty(struct lf_chat_contact *c, const char *scenario);
void lf_chat_room_back_to_queue(struct lf_chat_contact *c, const char *skillset,
				bool at_head);
/* The owner is gone (quit or lost): an heir, or NULL. */
struct lf_chat_member *lf_chat_room_heir(struct lf_chat_contact *c);
void lf_chat_room_inherit(struct lf_chat_member *owner,
			  struct lf_chat_member *heir);
/* To all members but one; the text is unref'd. */
void lf_chat_room_tell(struct lf_chat_contact *c,
		       const struct lf_chat_agent *but,
		       struct lf_chat_text *text);
void lf_chat_room_update(struct lf_chat_contact *c, const char *cause,
			 const char *agent);
void lf_chat_tell_exit(struct lf_chat_contact *c, struct lf_chat_agent *a,
		       const char *scenario);
void lf_chat_tell_leave(struct lf_chat_contact *c, const char *agent,
			bool is_end);
void lf_chat_tell_joined_to_customer(struct lf_chat_contact *c,
				     struct lf_chat_member *m);
const char *lf_chat_user_type(enum lf_chat_mode mode);
const char *lf_chat_mode_name(enum lf_chat_mode mode);
bool lf_chat_is_passive(enum lf_chat_mode mode);
/* A member of the room may say `kind`. */
bool lf_chat_may_say(enum lf_chat_mode mode, enum lf_chat_kind kind);

/* agent.c */
struct lf_chat_agent *lf_chat_agent_find(const struct lf_chat_engine *e,
					 const char *id);
const struct lf_chat_agent_def *
lf_chat_agent_def(const struct lf_chat_agent *a);
void lf_chat_agent_lose(struct lf_chat_agent *a);
void lf_chat_agent_ready(struct lf_chat_agent *a, bool is_ready,
			 const char *cause);
void lf_chat_agent_free(struct lf_chat_agent *a);
int lf_chat_agent_new(struct lf_chat_agent **ret, struct lf_chat_engine *e,
		      const char *id);
/* Leaves all rooms as one who was lost for too long. */
void lf_chat_agent_release(struct lf_chat_agent *a, const char *scenario);

/* comfort.c */
void lf_chat_comfort_init(struct lf_chat_contact *c);
void lf_chat_comfort_asked(struct lf_chat_contact *c);    /* customer spoke */
void lf_chat_comfort_answered(struct lf_chat_contact *c); /* an agent did */
void lf_chat_comfort_pause(struct lf_chat_contact *c);
void lf_chat_comfort_resume(struct lf_chat_contact *c);
void lf_chat_comfort_stop(struct lf_chat_contact *c);
void lf_chat_welcome(struct lf_chat_contact *c);
void lf_chat_idle_restart(struct lf_chat_contact *c);

/* contact timers, one per file that has the logic */
lf_timer_fn lf_chat_on_lost_too_long, lf_chat_on_offer_timeout,
	lf_chat_on_comfort, lf_chat_on_idle, lf_chat_on_wrapup_timeout,
	lf_chat_on_agent_lost_too_long, lf_chat_on_peer_timeout;

#endif
