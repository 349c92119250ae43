/*
 * chat/view.h - what goes on in the chat, for administrators to look at.
 * Nothing here changes anything; what customers say is not shown.
 *
 * Texts belong to the chat: they are good until the next event.
 */
#ifndef LF_CHAT_VIEW_H
#define LF_CHAT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lf_chat;

struct lf_chat_queue_view {
	const char *skillset;
	int64_t queue_id;
	bool is_open;                /* takes new chats */
	size_t waiting, alerting;    /* customers; both count as queued */
	size_t agents, ready_agents; /* logged in; ready and with room */
	unsigned max_queued;         /* 0: no limit */
	int64_t oldest_s;            /* waits longest; 0: nobody waits */
};

struct lf_chat_contact_view {
	int64_t guid;
	const char *state; /* queued offered active wrapUp completed */
	const char *skillset, *name, *email, *device; /* "": not known */
	bool is_connected;                            /* the customer */
	const char *owner, *offered_to;               /* agents' IDs, or "" */
	int64_t position;                             /* 0: not queued */
	int64_t wait_s;                               /* in the queue so far */
	int64_t begun_ms, closed_ms;                  /* wall; 0: not yet */
	size_t messages;
	unsigned members, transfers, unanswered;
};

struct lf_chat_member_view {
	const char *agent, *mode; /* owner conference consult ... */
	int64_t joined_ms;        /* wall */
	bool is_connected, is_shown;
};

struct lf_chat_agent_view {
	const char *agent;
	const char *state; /* ready notReady lost */
	const char *skillsets;
	bool is_busy; /* on the phone */
	size_t rooms, alerting;
	unsigned max_contacts;
};

/* `i` and `cursor` start at 0 and NULL; false at the end. */
bool lf_chat_queue_next(const struct lf_chat *chat, size_t *i,
			struct lf_chat_queue_view *ret);
bool lf_chat_contact_next(const struct lf_chat *chat, const void **cursor,
			  struct lf_chat_contact_view *ret);
bool lf_chat_agent_next(const struct lf_chat *chat, const void **cursor,
			struct lf_chat_agent_view *ret);
/* -ENOENT. */
int lf_chat_contact_view(const struct lf_chat *chat, int64_t guid,
			 struct lf_chat_contact_view *ret);
bool lf_chat_member_next(const struct lf_chat *chat, int64_t guid,
			 const void **cursor, struct lf_chat_member_view *ret);

#endif
