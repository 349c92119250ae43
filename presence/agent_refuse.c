/*
 * presence/agent_refuse.c - what the presence server refuses, and in which
 * words: answers that tell the asker what would be right.
 */
#include "presence/agent_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "presence/lists.h"
#include "sip/sip.h"

#include "core/banned.h"

void lf_agent_refuse(struct lf_agent *agent, struct lf_sip_request *req,
		     int status, const char *phrase,
		     const struct lf_sip_header *extra)
{
	agent->stats.refused++;
	lf_sip_reply(req, status, phrase, extra);
}

void lf_agent_refuse_event(struct lf_agent *agent, struct lf_sip_request *req)
{
	const struct lf_sip_header extra[] = {{"Allow-Events", LF_ALLOW_EVENTS},
					      {NULL}};

	lf_agent_refuse(agent, req, 489, "Bad Event", extra);
}

void lf_agent_refuse_error(struct lf_agent *agent, struct lf_sip_request *req,
			   int err)
{
	if (err == -ENOENT && !lf_lists_is_ready(agent->lists))
		lf_agent_refuse(agent, req, 503, "Starting", NULL);
	else if (err == -ENOENT)
		lf_agent_refuse(agent, req, 404, "Not Found", NULL);
	else if (err == -EACCES)
		lf_agent_refuse(agent, req, 403, "Forbidden", NULL);
	else if (err == -EPROTO || err == -EINVAL || err == -E2BIG)
		lf_agent_refuse(agent, req, 400, "Bad Request", NULL);
	else
		lf_agent_refuse(agent, req, 500, "Server Internal Error", NULL);
}

/* ---- extensions: Require and Supported ---- */

/* RFC 3261, 8.2.2.3: what must be understood and is not. */
bool lf_agent_refuse_require(struct lf_agent *agent, struct lf_sip_request *req)
{
	const char *list = lf_sip_request_header(req, "Require");
	char token[64];
	const struct lf_sip_header extra[] = {{"Unsupported", token}, {NULL}};
	size_t len;

	while (list && *list) {
		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		lf_text_copy_n(token, sizeof(token), list, len);
		if (len && !lf_text_equal(token, "eventlist") &&
		    !lf_text_equal(token, "recipient-list-subscribe")) {
			lf_agent_refuse(agent, req, 420, "Bad Extension",
					extra);
			return true;
		}
		list += len;
	}
	return false;
}

/* A comma separated list of tokens holds this one. */
static bool has_token(const char *list, const char *token)
{
	size_t len;

	while (list && *list) {
		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (len == strlen(token) && !strncasecmp(list, token, len))
			return true;
		list += len;
	}
	return false;
}

bool lf_agent_refuse_list(struct lf_agent *agent, struct lf_sip_request *req)
{
	static const struct lf_sip_header extra[] = {{"Require", "eventlist"},
						     {NULL}};

	if (has_token(lf_sip_request_header(req, "Supported"), "eventlist"))
		return false;
	lf_agent_refuse(agent, req, 421, "Extension Required", extra);
	return true;
}

/* ---- how long ---- */

uint32_t lf_agent_asked(struct lf_sip_request *req)
{
	const char *text = lf_sip_request_header(req, "Expires");
	int64_t value;

	if (!text || lf_text_int(&value, text, 0, UINT32_MAX))
		return LF_SIP_ABSENT;
	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX - 1;
}

int lf_agent_expires(struct lf_agent *agent, struct lf_sip_request *req,
		     uint32_t asked_s, uint32_t *ret_s)
{
	char least[16];
	const struct lf_sip_header extra[] = {{"Min-Expires", least}, {NULL}};

	if (asked_s == LF_SIP_ABSENT)
		asked_s = agent->most_s;
	if (asked_s > 0 && asked_s < agent->least_s) {
		snprintf(least, sizeof(least), "%u", agent->least_s);
		lf_agent_refuse(agent, req, 423, "Interval Too Brief", extra);
		return -ERANGE;
	}
	*ret_s = asked_s < agent->most_s ? asked_s : agent->most_s;
	return 0;
}
