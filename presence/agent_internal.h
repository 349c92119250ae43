/* presence/agent_internal.h - what the files of the presence server share. */
#ifndef LF_PRESENCE_AGENT_INTERNAL_H
#define LF_PRESENCE_AGENT_INTERNAL_H

#include "core/list.h"
#include "core/timer.h"
#include "presence/agent.h"
#include "presence/ledger.h"
#include "presence/presentity.h"
#include "sip/subscribe.h"

struct lf_agent_list;
struct lf_buf;
struct lf_lists;
struct lf_members;
struct lf_publish;
struct lf_sip_body;
struct lf_sip_header;
struct lf_sip_notifier;
struct lf_sip_request;

/* An event package we serve. */
struct lf_package {
	const char *name;
	const char *accepts[4]; /* the first is the default */
	enum lf_format formats[4];
	bool is_winfo;
};

struct lf_agent {
	struct lf_agent_parts parts;
	struct lf_desk desk;
	struct lf_publish *publish;
	struct lf_ledger *ledger; /* of subscriptions; NULL: closing */
	struct lf_timer wake;     /* after a restart: agent_save.c */
	struct lf_timer winfo_turn;
	struct lf_timer
		access_turn; /* somebody may have lost the right to ask */
	struct lf_lists *lists;
	struct lf_timer follow; /* lists that changed: members.c */
	size_t winfo_count, list_count;
	bool is_ready; /* what was promised is on disk: NOTIFYs may leave */
	bool is_asleep;
	struct lf_list subs;   /* lf_agent_sub, alive */
	struct lf_list ending; /* their last NOTIFY is on its way */
	size_t sub_count;
	unsigned next_id;
	/* The settings, as they are now. */
	uint32_t least_s, most_s;
	size_t max_watchers;
	int64_t interval_ms;
	bool is_enabled, is_registrar, has_privacy, has_groups;
	struct lf_agent_stats stats;
};

struct lf_agent_sub {
	struct lf_seat seat;
	struct lf_list node; /* in agent->subs or ->ending */
	struct lf_agent *agent;
	struct lf_sip_notifier *notifier;
	const struct lf_package *package;
	struct lf_timer timer;      /* its end, or the next NOTIFY it is owed */
	struct lf_agent_list *list; /* of a resource list; NULL: of one */
	struct lf_ledger_entry entry;       /* in agent->ledger */
	uint32_t cseq_limit, version_limit; /* as saved */
	int64_t begun_ms, ends_ms, told_ms;
	struct lf_sip_body *told; /* the last body */
	unsigned id;
	uint32_t version; /* of a list, winfo or parts; others share one */
	uint32_t told_call, told_print; /* agent_partial.c; 0: none */
	uint8_t format, level, told_level;
	bool is_owed, is_owed_winfo, is_ended;
	char watcher[]; /* "sip:bob@corp.example"; after its end, `name` */
};

/* Who asks: as whom the digest said, or as whom a trusted peer says. */
struct lf_agent_asker {
	const char *name; /* of the digest; "": a trusted peer asks */
	char uri[LF_PRESENTITY_URI];
};

/* ---- agent.c ---- */
#define LF_ALLOW_EVENTS "presence, dialog, message-summary, presence.winfo"
/* Of an Event header; NULL: none of ours. */
const struct lf_package *lf_agent_package(const char *event);

/* ---- agent_refuse.c: answers to what cannot be ---- */
void lf_agent_refuse(struct lf_agent *agent, struct lf_sip_request *req,
		     int status, const char *phrase,
		     const struct lf_sip_header *extra);
void lf_agent_refuse_event(struct lf_agent *agent, struct lf_sip_request *req);
void lf_agent_refuse_error(struct lf_agent *agent, struct lf_sip_request *req,
			   int err);
/* Answers 420 and returns true if it requires what we do not know. */
bool lf_agent_refuse_require(struct lf_agent *agent,
			     struct lf_sip_request *req);
/* Answers 421 and returns true if it cannot take a list. */
bool lf_agent_refuse_list(struct lf_agent *agent, struct lf_sip_request *req);
/* Expires of a request, or LF_SIP_ABSENT. */
uint32_t lf_agent_asked(struct lf_sip_request *req);
/* 0 and seconds within the limits; -ERANGE: too short, answered with 423. */
int lf_agent_expires(struct lf_agent *agent, struct lf_sip_request *req,
		     uint32_t asked_s, uint32_t *ret_s);

/* ---- agent_follow.c: the settings ---- */
void lf_agent_read_settings(struct lf_agent *agent);
int lf_agent_follow_settings(struct lf_agent *agent);

/* ---- agent_access.c: who may see what ---- */
/* Fills `out`, which borrows from the request. */
void lf_agent_ask(const struct lf_agent *agent, struct lf_agent_asker *out,
		  struct lf_sip_request *req);
enum lf_level lf_agent_level(const struct lf_agent_sub *sub,
			     const struct lf_user *user);
/* "presence-server.partial-dialog" names who asks, or where it is. */
bool lf_agent_wants_parts(const struct lf_agent *agent,
			  const struct lf_agent_asker *asker,
			  const struct lf_sip_request *req);
/* May this request speak for `user`? */
bool lf_agent_is_self(const struct lf_agent *agent, const struct lf_user *user,
		      const struct lf_sip_request *req);
void lf_agent_access_init(struct lf_agent *agent);
int lf_agent_open_access(struct lf_agent *agent);
/* Ends the subscriptions of those who lose their password, or are deleted. */
int lf_agent_follow_access(struct lf_agent *agent);

/* ---- agent_sub.c: one subscription ---- */
int lf_agent_sub_new(struct lf_agent_sub **ret, struct lf_agent *agent,
		     const struct lf_package *package, enum lf_format format,
		     const struct lf_agent_asker *asker);
/* The name of its digest; "": it came from a trusted peer. */
const char *lf_agent_sub_name(const struct lf_agent_sub *sub);
/* To be shown `uri`: -ENOENT. Or the list of that name, of these members. */
int lf_agent_sub_sit(struct lf_agent_sub *sub, const char *uri,
		     const struct lf_members *members);
/* Accepts the SUBSCRIBE and sends the state; it consumes the request if it
 * returns 0. */
int lf_agent_sub_begin(struct lf_agent_sub *sub, struct lf_sip_request *req,
		       uint32_t expires_s);
void lf_agent_sub_free(struct lf_agent_sub *sub); /* NULL is fine */
/* It is of that user, or of a list with it. */
bool lf_agent_sub_shows(const struct lf_agent_sub *sub,
			const struct lf_user *user);
/* Says farewell, to who is rejected without the state; the subscription lives
 * on until that is answered. */
void lf_agent_sub_end(struct lf_agent_sub *sub, enum lf_sip_reason reason);
/* What may be seen has changed: by whom and of whom. */
void lf_agent_sub_level(struct lf_agent_sub *sub);
const char *lf_agent_sub_uri(const struct lf_agent_sub *sub);
extern const struct lf_sip_notifier_ops lf_agent_sub_ops, lf_agent_list_ops;

/* ---- agent_tell.c: what it is told, and when ---- */
/* Privacy or what is shown changed: tell it, if it shows. */
void lf_agent_sub_update(struct lf_agent_sub *sub);
/* A SUBSCRIBE asks: tell it even what it knows. */
void lf_agent_sub_tell(struct lf_agent_sub *sub);
/* Its NOTIFY was, with this status: on with what it is owed. */
void lf_agent_sub_answered(struct lf_agent_sub *sub, int status);
/* The last NOTIFY, to who is rejected without the state. */
int lf_agent_sub_farewell(struct lf_agent_sub *sub, enum lf_sip_reason reason);
/* To its end, or to the next NOTIFY it is owed. */
void lf_agent_sub_set_timer(struct lf_agent_sub *sub);

/* ---- agent_partial.c: dialog-info in parts ---- */
static inline bool lf_agent_sub_is_partial(const struct lf_agent_sub *sub)
{
	return sub->format == LF_FORMAT_DIALOG_PARTIAL;
}
/* `is_full`, or else what changed since `sub->told`; -EALREADY: nothing. */
int lf_agent_partial_body(struct lf_sip_body **ret, struct lf_agent_sub *sub,
			  bool is_full);

/* ---- agent_winfo.c: who watches me ---- */
void lf_agent_winfo_init(struct lf_agent *agent);
int lf_agent_winfo_body(struct lf_sip_body **ret, struct lf_agent_sub *sub);
/* `who` came or goes: those who want to know are told in the next turn. */
void lf_agent_winfo_moved(struct lf_agent *agent,
			  const struct lf_agent_sub *who);

/* ---- agent_save.c: what a restart needs ---- */
int lf_agent_save_open(struct lf_agent *agent);
void lf_agent_save_close(struct lf_agent *agent);
/* After each NOTIFY: the numbers may come near what was promised. */
void lf_agent_save_check(struct lf_agent_sub *sub);
/* Not yet: nobody knows anything so soon after a restart. */
bool lf_agent_is_too_soon(const struct lf_agent_sub *sub);

#endif
