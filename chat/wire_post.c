/*
 * chat/wire_post.c - messages and pushed pages, as each side sees them.
 */
#include "chat/engine_internal.h"

#include "core/banned.h"

static const char *kind_name(enum lf_chat_kind kind)
{
	switch (kind) {
	case LF_CHAT_WHISPER:
		return "whisper";
	case LF_CHAT_COMFORT:
		return "comfortMessage";
	case LF_CHAT_WELCOME:
		return "welcomeMessage";
	case LF_CHAT_NORMAL:
	case LF_CHAT_PUSH:
		break;
	}
	return "normal";
}

static void add_sender(struct lf_buf *b, const struct lf_chat_post *p)
{
	lf_chat_add_open(b, "sender", '{');
	lf_chat_add_text(b, "type", p->agent ? "agent" : "customer");
	if (p->agent)
		lf_chat_add_text(b, "agentId", p->agent);
	lf_buf_addc(b, '}');
}

static void add_fields(struct lf_buf *b, const struct lf_chat_post *p)
{
	add_sender(b, p);
	lf_chat_add_text(b, "displayName", p->name);
	lf_chat_add_int(b, "timestamp", p->wall_ms);
	if (p->kind == LF_CHAT_PUSH) {
		lf_chat_add_text(b, "url", p->text);
		if (p->agent)
			lf_chat_add_text(b, "destination", p->destination);
		return;
	}
	lf_chat_add_text(b, "message", p->text);
	lf_chat_add_text(b, "messageType", kind_name(p->kind));
}

void lf_chat_add_post(struct lf_buf *b, const struct lf_chat_post *p)
{
	lf_chat_add_open(b, NULL, '{');
	lf_chat_add_text(b, "type",
			 p->kind == LF_CHAT_PUSH ? "pagePush" : "message");
	add_fields(b, p);
	lf_buf_addc(b, '}');
}

struct lf_chat_text *lf_chat_post_to_agents(struct lf_chat_contact *c,
					    const struct lf_chat_post *p)
{
	struct lf_buf *b = lf_chat_begin(
		c->engine, "notification",
		p->kind == LF_CHAT_PUSH ? "pagePush" : "newMessage");

	lf_chat_add_int(b, "guid", c->guid);
	add_fields(b, p);
	return lf_chat_end(c->engine);
}

/* Never called for a whisper or for what the customer said. */
struct lf_chat_text *lf_chat_post_to_customer(struct lf_chat_contact *c,
					      const struct lf_chat_post *p)
{
	bool is_push = p->kind == LF_CHAT_PUSH;
	char label[LF_CHAT_SHOWN_SIZE];
	struct lf_buf *b;

	lf_chat_agent_label(c->engine, p->agent ? p->agent : "", label,
			    sizeof(label));
	b = lf_chat_begin(c->engine, "notification",
			  is_push ? "newPushPageMessage" : "newMessage");
	lf_chat_add_text(b, "displayName", label);
	lf_chat_add_text(b, is_push ? "pagePushURL" : "message", p->text);
	if (is_push)
		lf_chat_add_text(b, "pagePushDestination", p->destination);
	lf_chat_add_int(b, "timestamp", p->wall_ms);
	return lf_chat_end(c->engine);
}
