/* tests/presence/say.c - see say.h. */
#include "tests/presence/say.h"

#include <stdio.h>

#include "tests/fake_sip.h"

#include "core/banned.h"

static void say_dialog(struct lf_sip_sub *sub, unsigned version,
		       const char *kind, const char *state, uint32_t expires_s)
{
	char body[512];
	const struct lf_sip_notify notify = {
		.state = LF_SUB_ACTIVE,
		.expires_s = expires_s,
		.retry_after_s = LF_SIP_ABSENT,
		.content_type = "application/dialog-info+xml",
		.body = body,
		.len = (size_t)snprintf(
			body, sizeof(body),
			"<?xml version=\"1.0\"?><dialog-info "
			"xmlns=\"urn:ietf:params:xml:ns:dialog-info\" "
			"version=\"%u\" state=\"%s\" "
			"entity=\"sip:200@10.0.0.9\"><dialog id=\"200\">"
			"<state>%s</state></dialog></dialog-info>",
			version, kind, state),
	};

	fake_sip_notify_with(sub, &notify);
}

void say_line(struct lf_sip_sub *sub, unsigned version, const char *state)
{
	say_dialog(sub, version, "full", state, LF_SIP_ABSENT);
}

void say_line_expires(struct lf_sip_sub *sub, unsigned version,
		      const char *state, uint32_t expires_s)
{
	say_dialog(sub, version, "full", state, expires_s);
}

void say_partial(struct lf_sip_sub *sub, unsigned version, const char *state)
{
	say_dialog(sub, version, "partial", state, LF_SIP_ABSENT);
}

static void say_basic(struct lf_sip_sub *sub, const char *basic)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "<?xml version=\"1.0\"?><presence "
		 "xmlns=\"urn:ietf:params:xml:ns:pidf\" "
		 "entity=\"sip:200@10.0.0.9\"><tuple id=\"t\"><status>"
		 "<basic>%s</basic></status></tuple></presence>",
		 basic);
	fake_sip_notify(sub, "application/pidf+xml", body);
}

void say_open(struct lf_sip_sub *sub)
{
	say_basic(sub, "open");
}

void say_closed(struct lf_sip_sub *sub)
{
	say_basic(sub, "closed");
}
