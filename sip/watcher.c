/*
 * sip/watcher.c - a watcher's dialog: which requests are of it, where the
 * watcher is, and both as text that outlives a restart.
 *
 * We keep our dialogs ourselves: one of sofia's costs 1.7 KB, and what comes
 * in one gets a server transaction of 9 KB for half a minute.
 */
#include "sip/lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/hash.h"
#include "core/text.h"

#include "core/banned.h"

#define EVENT_MAX 128
#define ROUTE_MAX 1024

/* ---- which dialog ---- */

static size_t put(char *out, size_t at, size_t size, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	if (len > size - at - 1)
		len = size - at - 1;
	if (len)
		memcpy(out + at, text, len);
	out[at + len] = '\n';
	return at + len + 1;
}

void lf_sip_watcher_tag(const struct lf_sip *sip, const sip_t *request,
			char out[LF_TAG_SIZE])
{
	const url_t *url = request->sip_request->rq_url;
	char text[1024];
	size_t n = 0;

	n = put(text, n, sizeof(text), request->sip_call_id->i_id);
	n = put(text, n, sizeof(text), request->sip_from->a_tag);
	n = put(text, n, sizeof(text), url->url_user);
	n = put(text, n, sizeof(text), url->url_host);
	if (request->sip_event)
		n = put(text, n, sizeof(text), request->sip_event->o_type);
	if (n + sizeof(uint32_t) <= sizeof(text)) {
		memcpy(text + n, &request->sip_cseq->cs_seq, sizeof(uint32_t));
		n += sizeof(uint32_t);
	}
	snprintf(out, LF_TAG_SIZE, "%016llx",
		 (unsigned long long)lf_hash(sip->tag_key, text, n));
}

static bool is_slice(const struct lf_sip_notifier *n, struct lf_sip_slice s,
		     const char *text)
{
	return text && strlen(text) == s.len &&
	       !memcmp(n->head + s.at, text, s.len);
}

bool lf_sip_watcher_is(const struct lf_sip_notifier *n, const sip_t *request)
{
	return is_slice(n, n->call_id, request->sip_call_id->i_id) &&
	       is_slice(n, n->remote_tag, request->sip_from->a_tag);
}

/* ---- addresses ---- */

static bool is_host_of(const union lf_sip_address *addr, const char *host,
		       struct sockaddr_storage *parsed, uint16_t port)
{
	return !lf_net_parse(parsed, host, port) &&
	       lf_net_same_host((const struct sockaddr *)parsed, &addr->any);
}

static void keep_address(union lf_sip_address *out,
			 const struct sockaddr_storage *addr)
{
	memcpy(out, addr, lf_net_size((const struct sockaddr *)addr));
}

static uint16_t port_of(const char *text, uint16_t otherwise)
{
	int64_t port;

	return text && !lf_text_int(&port, text, 1, 65535) ? (uint16_t)port
							   : otherwise;
}

/*
 * A UDP watcher whose Contact is the address it speaks from is reached
 * directly; one behind NAT, a proxy or a name is not.
 */
static void find_target(struct lf_sip_notifier *n, const url_t *url)
{
	struct sockaddr_storage addr;
	char transport[8] = "";

	n->is_direct = false;
	if (n->transport != LF_SIP_UDP || n->has_route || !url->url_host ||
	    url->url_type != url_sip)
		return;
	if (url->url_params &&
	    url_param(url->url_params, "transport", transport,
		      sizeof(transport)) > 0 &&
	    !lf_text_equal(transport, "udp"))
		return;
	if (url->url_params && url_param(url->url_params, "maddr", NULL, 0) > 0)
		return;
	if (!is_host_of(&n->source, url->url_host, &addr,
			port_of(url->url_port, 5060)))
		return;
	keep_address(&n->target, &addr);
	n->is_direct = true;
}

static void keep_source(struct lf_sip_notifier *n,
			const struct lf_sip_request *req)
{
	enum lf_sip_transport transport;
	struct sockaddr_storage addr;

	lf_net_unmap(&addr, lf_sip_request_addr(req, &transport));
	keep_address(&n->source, &addr);
	n->transport = (uint8_t)transport;
}

/* ---- from requests ---- */

static int add_header(struct lf_buf *out, const char *name,
		      const msg_header_t *h)
{
	char text[LF_SIP_URI_MAX];
	issize_t len = msg_header_field_e(text, sizeof(text), h, 0);

	if (len < 0 || len >= (issize_t)sizeof(text))
		return -E2BIG;
	if (memchr(text, '\r', (size_t)len) || memchr(text, '\n', (size_t)len))
		return -EPROTO;
	lf_buf_addf(out, "%s: %.*s", name, (int)len, text);
	return 0;
}

/* RFC 3261, 12.1.1: the route set is Record-Route, in its order. */
static int add_routes(struct lf_buf *out, const sip_record_route_t *rr)
{
	size_t before = out->len;
	int err = 0;

	for (; rr && !err; rr = rr->r_next) {
		err = add_header(out, "Route", (const msg_header_t *)rr);
		lf_buf_adds(out, "\r\n");
		if (out->len - before > ROUTE_MAX)
			err = -E2BIG;
	}
	return err;
}

static int dialog_lines(struct lf_buf *out, const struct lf_sip_notifier *n,
			const sip_t *request)
{
	int err =
		add_header(out, "From", (const msg_header_t *)request->sip_to);

	lf_buf_addf(out, ";tag=%s\r\n", n->tag);
	if (!err)
		err = add_header(out, "To",
				 (const msg_header_t *)request->sip_from);
	lf_buf_addf(out, "\r\nCall-ID: %s\r\n", request->sip_call_id->i_id);
	if (!err)
		err = add_header(out, "Event",
				 (const msg_header_t *)request->sip_event);
	lf_buf_adds(out, "\r\n");
	if (n->ops->require)
		lf_buf_addf(out, "Require: %s\r\n", n->ops->require);
	if (!err)
		err = add_routes(out, request->sip_record_route);
	return err ? err : lf_buf_error(out);
}

static int print_target(char out[LF_SIP_URI_MAX], const url_t *url)
{
	issize_t len = url_e(out, LF_SIP_URI_MAX, url);

	if (len <= 0 || len >= LF_SIP_URI_MAX || strpbrk(out, " \r\n\t<>"))
		return -EPROTO;
	return url->url_type == url_sip || url->url_type == url_sips ? 0
								     : -EPROTO;
}

int lf_sip_watcher_begin(struct lf_sip_notifier *n,
			 const struct lf_sip_request *req)
{
	const sip_t *request = lf_sip_request_sip(req);
	char uri[LF_SIP_URI_MAX], event[EVENT_MAX + 1];
	struct lf_buf dialog = {0};
	struct lf_sip_head_parts parts = {uri};
	issize_t len;
	int err;

	if (!request->sip_contact || !request->sip_event ||
	    !request->sip_from->a_tag ||
	    print_target(uri, request->sip_contact->m_url))
		return -EPROTO;
	len = msg_header_field_e(event, sizeof(event),
				 (const msg_header_t *)request->sip_event, 0);
	if (len <= 0 || len > EVENT_MAX)
		return -EPROTO;
	event[len] = '\0';
	keep_source(n, req);
	lf_sip_watcher_tag(n->sip, request, n->tag);
	n->has_route = request->sip_record_route != NULL;
	n->refresh_cseq = request->sip_cseq->cs_seq;
	err = dialog_lines(&dialog, n, request);
	parts.dialog = dialog.data;
	parts.dialog_len = dialog.len;
	parts.event = event;
	if (!err)
		err = lf_sip_head_render(n, &parts);
	if (!err)
		find_target(n, request->sip_contact->m_url);
	lf_buf_done(&dialog);
	return err;
}

static int move_target(struct lf_sip_notifier *n, const char *uri)
{
	char event[EVENT_MAX + 1];
	struct lf_sip_head_parts parts = {uri, n->head + n->dialog.at,
					  n->dialog.len, event};

	n->tcp = LF_TCP_UNKNOWN;
	/* The old head is read until the new one stands. */
	lf_text_copy(event, sizeof(event), n->event);
	return lf_sip_head_render(n, &parts);
}

int lf_sip_watcher_refresh(struct lf_sip_notifier *n,
			   const struct lf_sip_request *req)
{
	const sip_t *request = lf_sip_request_sip(req);
	uint8_t transport = n->transport;
	char uri[LF_SIP_URI_MAX];
	int err = 0;

	keep_source(n, req);
	if (!request->sip_contact)
		return 0;
	err = print_target(uri, request->sip_contact->m_url);
	if (!err && (transport != n->transport || !is_slice(n, n->uri, uri)))
		err = move_target(n, uri);
	if (!err)
		find_target(n, request->sip_contact->m_url);
	return err;
}

void lf_sip_watcher_answer(const struct lf_sip_notifier *n, bool is_success,
			   uint32_t expires_s, char *out, size_t size)
{
	int used = 0;

	*out = '\0';
	if (is_success)
		used += snprintf(out, size, "Contact: %.*s\r\n", n->contact.len,
				 n->head + n->contact.at);
	if (is_success && n->ops && n->ops->require)
		used += snprintf(out + used, size - (size_t)used,
				 "Require: %s\r\n", n->ops->require);
	if (expires_s != LF_SIP_ABSENT)
		snprintf(out + used, size - (size_t)used, "Expires: %u\r\n",
			 expires_s);
}

void lf_sip_watcher_done(struct lf_sip_notifier *n)
{
	free(n->head);
	n->head = n->event = NULL;
}

/* ---- for a restart ---- */

#define SAVED_FORMAT "2 %16s %u %63s %u %u %u %u %u %u\n"
#define SAVED_FIELDS 9
#define SAVED_MAX (LF_SIP_HEAD_MAX + 256)

int lf_sip_notifier_save(const struct lf_sip_notifier *n, uint32_t cseq_ahead,
			 struct lf_buf *out)
{
	char address[64];
	uint16_t port;

	lf_net_format(address, sizeof(address), &n->source.any, &port);
	lf_buf_addf(out, "2 %s %u %s %u %u %u %u %u %u\n", n->tag, n->transport,
		    address, port, n->cseq + cseq_ahead, n->refresh_cseq,
		    n->has_route, n->uri.len, n->dialog.len);
	lf_buf_add(out, n->head + n->uri.at, n->uri.len);
	lf_buf_addc(out, '\n');
	lf_buf_add(out, n->head + n->dialog.at, n->dialog.len);
	lf_buf_adds(out, n->event);
	return lf_buf_error(out);
}

static int restore_target(struct lf_sip_notifier *n, const char *uri)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	url_t *url = url_make(home, uri);

	if (url)
		find_target(n, url);
	su_home_deinit(home);
	return url ? 0 : -EINVAL;
}

/* From the text of lf_sip_notifier_save(); `n` is new. */
int lf_sip_watcher_restore(struct lf_sip_notifier *n, const char *saved,
			   size_t len)
{
	char text[SAVED_MAX + 1], address[64], tag[LF_TAG_SIZE];
	unsigned transport, port, cseq, refresh, route, uri_len, dialog_len;
	struct sockaddr_storage source;
	struct lf_sip_head_parts parts;
	char *uri;

	if (!lf_text_copy_n(text, sizeof(text), saved, len) ||
	    strlen(text) != len ||
	    sscanf(text, SAVED_FORMAT, tag, &transport, address, &port, &cseq,
		   &refresh, &route, &uri_len, &dialog_len) != SAVED_FIELDS)
		return -EINVAL;
	uri = strchr(text, '\n') + 1;
	if (transport >= LF_SIP_TRANSPORTS || strlen(tag) != LF_TAG_SIZE - 1 ||
	    uri_len > len || dialog_len > len ||
	    lf_net_parse(&source, address, (uint16_t)port) ||
	    strlen(uri) < uri_len + 1 + dialog_len || uri[uri_len] != '\n')
		return -EINVAL;
	memcpy(n->tag, tag, sizeof(n->tag));
	keep_address(&n->source, &source);
	n->transport = (uint8_t)transport;
	n->cseq = cseq;
	n->refresh_cseq = refresh;
	n->has_route = route;
	uri[uri_len] = '\0';
	parts = (struct lf_sip_head_parts){uri, uri + uri_len + 1, dialog_len,
					   uri + uri_len + 1 + dialog_len};
	if (strlen(parts.event) > EVENT_MAX || lf_sip_head_render(n, &parts) ||
	    !n->call_id.len || !n->remote_tag.len)
		return -EINVAL;
	return restore_target(n, uri);
}
