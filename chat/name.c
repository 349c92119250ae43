/*
 * chat/name.c - what people are called: customers by agents, agents by
 * customers and by each other (protocol, section 3, displayName).
 */
#include "chat/engine_internal.h"

#include <stdio.h>
#include <string.h>

#include "core/text.h"

#include "core/banned.h"

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\r\n")];
}

/* displayName has at most 256 code points. */
static void copy_name(char *out, size_t size, const char *text)
{
	size_t limit = size < LF_CHAT_SHOWN_SIZE ? size : LF_CHAT_SHOWN_SIZE;
	size_t chars = 0;
	char *at;

	lf_text_copy(out, limit, text);
	for (at = out; *at; at++)
		if (((unsigned char)*at & 0xc0) != 0x80 && ++chars > 256) {
			*at = '\0';
			return;
		}
}

void lf_chat_customer_name(const struct lf_chat_contact *c, char *out,
			   size_t size)
{
	const char *name = c->who.name;

	copy_name(out, size,
		  name && !is_blank(name) ? name
					  : c->engine->config->customer_label);
}

static void join_names(char *out, size_t size, const char *first,
		       const char *last, const char *other)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s%s%s", first,
		 *first && *last ? " " : "", last);
	copy_name(out, size, *text ? text : other);
}

void lf_chat_agent_name(const struct lf_chat_engine *e, const char *id,
			char *out, size_t size)
{
	const struct lf_chat_agent_def *def =
		lf_chat_config_agent(e->config, id);

	join_names(out, size, def ? def->first_name : "",
		   def ? def->last_name : "", id);
}

void lf_chat_agent_label(const struct lf_chat_engine *e, const char *id,
			 char *out, size_t size)
{
	const struct lf_chat_agent_def *def =
		lf_chat_config_agent(e->config, id);
	const char *label = e->config->agent_label;
	const char *first = def ? def->first_name : "";
	const char *last = def ? def->last_name : "";

	if (!strcmp(label, "first name last name"))
		join_names(out, size, first, last, id);
	else if (!strcmp(label, "first name"))
		join_names(out, size, first, "", id);
	else if (!strcmp(label, "last name"))
		join_names(out, size, "", last, id);
	else
		copy_name(out, size, label);
}
