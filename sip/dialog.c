/*
 * sip/dialog.c - a dialog in which we ask (RFC 3261, 12): kept as texts, as
 * they go on the wire. Called by subscribe.c and trunk.c.
 *
 * Saved, it is a line:
 *
 *     1 call-id our-tag peer-tag CSeq NOTIFY's-CSeq target route,route
 *
 * "-" where there is none. Our own URI and the peer's are not in it: they are
 * configuration, and tags are what matches.
 */
#include "sip/dialog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/bnf.h>
#include <sofia-sip/su_tag_io.h>
#include <sofia-sip/su_uniqueid.h>

#include "core/buf.h"
#include "core/text.h"

#include "core/banned.h"

#define PEER_TAG_MAX 256
#define ROUTES_MAX 16
#define ROUTES_SIZE_MAX 2048
#define SAVED_MAX 4096
#define FIELDS 8

static void random_digits(char *out, size_t size)
{
	unsigned char bytes[LF_CALL_ID_SIZE / 2];

	su_randmem(bytes, sizeof(bytes));
	for (size_t i = 0; i < (size - 1) / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void lf_sip_dialog_begin(struct lf_sip_dialog *d)
{
	lf_sip_dialog_end(d);
	random_digits(d->call_id, sizeof(d->call_id));
	random_digits(d->tag, sizeof(d->tag));
}

void lf_sip_dialog_end(struct lf_sip_dialog *d)
{
	free(d->peer);
	d->peer = NULL;
	d->tag[0] = '\0';
	d->cseq = 0;
}

/* ---- the peer ---- */

static const char *after(const char *text)
{
	return text + strlen(text) + 1;
}

const char *lf_sip_dialog_peer_tag(const struct lf_sip_dialog *d)
{
	return d->peer ? d->peer : "";
}

static const char *target_of(const struct lf_sip_dialog *d)
{
	return d->peer ? after(d->peer) : "";
}

static const char *routes_of(const struct lf_sip_dialog *d)
{
	return d->peer ? after(after(d->peer)) : "";
}

static int set_peer(struct lf_sip_dialog *d, const char *tag,
		    const char *target, const char *routes)
{
	struct lf_buf text = {0};
	char *tight;

	lf_buf_addf(&text, "%s%c%s%c%s", tag, '\0', target, '\0', routes);
	if (lf_buf_error(&text)) {
		lf_buf_done(&text);
		return -ENOMEM;
	}
	tight = realloc(text.data, text.len + 1); /* kept per subscription */
	free(d->peer);
	d->peer = tight ? tight : text.data;
	return 0;
}

bool lf_sip_dialog_is(const struct lf_sip_dialog *d, const sip_t *request)
{
	const char *tag = request->sip_from->a_tag;

	return !strcmp(request->sip_call_id->i_id, d->call_id) &&
	       (!*lf_sip_dialog_peer_tag(d) ||
		!strcmp(lf_sip_dialog_peer_tag(d), tag ? tag : ""));
}

/* A URL that fits where it goes: between angles, or alone in a saved line. */
static int print_url(char out[LF_SIP_URI_MAX], const url_t *url)
{
	if (url_e(out, LF_SIP_URI_MAX, url) >= LF_SIP_URI_MAX)
		return -E2BIG;
	return strpbrk(out, "<> \t\r\n") ? -EINVAL : 0;
}

/* RFC 3261, 12.1: in their order for who was asked, else from the far end. */
static int print_routes(struct lf_buf *out, const sip_record_route_t *rr,
			bool is_answer)
{
	const url_t *urls[ROUTES_MAX];
	char text[LF_SIP_URI_MAX];
	size_t n = 0, i;
	int err;

	for (; rr; rr = rr->r_next) {
		if (n == ROUTES_MAX)
			return -E2BIG;
		urls[n++] = rr->r_url;
	}
	for (i = 0; i < n; i++) {
		err = print_url(text, urls[is_answer ? n - 1 - i : i]);
		if (err)
			return err;
		lf_buf_addf(out, "%s<%s>", i ? "," : "", text);
	}
	return out->len > ROUTES_SIZE_MAX ? -E2BIG : 0;
}

static bool is_target(const url_t *url)
{
	return url->url_type > url_any;
}

int lf_sip_dialog_learn(struct lf_sip_dialog *d, const sip_t *message)
{
	const bool is_answer = message->sip_status != NULL;
	const sip_addr_t *them =
		is_answer ? message->sip_to : message->sip_from;
	const sip_contact_t *contact = message->sip_contact;
	const char *tag = lf_sip_dialog_peer_tag(d);
	char target[LF_SIP_URI_MAX];
	struct lf_buf routes = {0};
	int err = 0;

	lf_text_copy(target, sizeof(target), target_of(d));
	if (contact && is_target(contact->m_url))
		err = print_url(target, contact->m_url);
	if (err)
		return err;
	if (!*tag && them->a_tag)
		tag = them->a_tag;
	if (strlen(tag) > PEER_TAG_MAX)
		return -E2BIG;
	if (d->peer && !strcmp(target, target_of(d)) &&
	    !strcmp(tag, lf_sip_dialog_peer_tag(d)))
		return 0;
	if (d->peer)
		lf_buf_adds(&routes, routes_of(d));
	else
		err = print_routes(&routes, message->sip_record_route,
				   is_answer);
	if (!err)
		err = lf_buf_error(&routes);
	if (!err)
		err = set_peer(d, tag, target, lf_buf_str(&routes));
	lf_buf_done(&routes);
	return err;
}

/* ---- the next request ---- */

/* Where it goes, and through whom. */
struct way {
	const url_string_t *uri;
	const sip_route_t *routes;
};

/*
 * RFC 3261, 12.2.1.1: a router of RFC 2543 ("strict") wants to be the
 * request's URI itself, and the target as the last route.
 */
static int find_way(struct way *ret, su_home_t *home,
		    const struct lf_sip_dialog *d, const char *uri)
{
	const char *target = *target_of(d) ? target_of(d) : uri;
	const char *routes = routes_of(d);
	sip_route_t *first;

	*ret = (struct way){lf_sip_url(target), NULL};
	if (!*routes)
		return 0;
	first = sip_route_make(home, routes);
	if (first && !url_has_param(first->r_url, "lr")) {
		routes = su_sprintf(home, "%s,<%s>", routes, target);
		first = routes ? sip_route_make(home, routes) : NULL;
		if (first)
			*ret = (struct way){(const void *)first->r_url,
					    first->r_next};
	} else {
		ret->routes = first;
	}
	return first ? 0 : -ENOMEM;
}

int lf_sip_dialog_write(struct lf_sip_dialog *d, msg_t *msg, sip_t *sip,
			const struct lf_sip_dialog_ask *ask)
{
	su_home_t *home = msg_home(msg);
	const char *tag = lf_sip_dialog_peer_tag(d);
	const char *from = su_sprintf(home, "%s;tag=%s", ask->from, d->tag);
	const char *to =
		*tag ? su_sprintf(home, "%s;tag=%s", ask->to, tag) : ask->to;
	struct way way;
	int err;

	if (!from || !to)
		return -ENOMEM;
	err = find_way(&way, home, d, ask->uri);
	if (err)
		return err;
	if (sip_add_tl(msg, sip,
		       SIPTAG_REQUEST(sip_request_create(home, ask->method,
							 ask->method_name,
							 way.uri, NULL)),
		       SIPTAG_FROM_STR(from), SIPTAG_TO_STR(to),
		       SIPTAG_CALL_ID_STR(d->call_id),
		       SIPTAG_CSEQ(sip_cseq_create(home, ++d->cseq, ask->method,
						   ask->method_name)),
		       SIPTAG_MAX_FORWARDS_STR("70"), SIPTAG_ROUTE(way.routes),
		       TAG_END()) < 0)
		return -ENOMEM;
	return sip->sip_request && sip->sip_cseq ? 0 : -ENOMEM;
}

/* ---- saving ---- */

static const char *word(const char *text)
{
	return *text ? text : "-";
}

int lf_sip_dialog_save(const struct lf_sip_dialog *d, uint32_t cseq_ahead,
		       uint32_t notify_cseq, struct lf_buf *out)
{
	if (strpbrk(lf_sip_dialog_peer_tag(d), " \t\r\n"))
		return -EINVAL; /* from the wire, and not to be saved */
	lf_buf_addf(out, "1 %s %s %s %u %u %s %s", d->call_id, d->tag,
		    word(lf_sip_dialog_peer_tag(d)), d->cseq + cseq_ahead,
		    notify_cseq, word(target_of(d)), word(routes_of(d)));
	return lf_buf_error(out);
}

static int split(char *line, char *fields[FIELDS])
{
	char *rest = line;
	size_t n = 0;

	while (n < FIELDS && rest)
		fields[n++] = strsep(&rest, " ");
	if (n != FIELDS || rest)
		return -EINVAL;
	for (size_t i = 0; i < FIELDS; i++)
		if (!*fields[i])
			return -EINVAL;
	return 0;
}

static bool is_token(const char *text)
{
	return text[span_token(text)] == '\0';
}

/* "-" becomes "". */
static int read_url(char *text)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	const url_t *url;
	bool ok;

	if (!strcmp(text, "-")) {
		*text = '\0';
		return 0;
	}
	url = url_make(home, text);
	ok = url && is_target(url) && strlen(text) < LF_SIP_URI_MAX &&
	     !strpbrk(text, "<>");
	su_home_deinit(home);
	return ok ? 0 : -EINVAL;
}

static int read_routes(char *text)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	bool ok;

	if (!strcmp(text, "-")) {
		*text = '\0';
		return 0;
	}
	ok = sip_route_make(home, text) != NULL;
	su_home_deinit(home);
	return ok ? 0 : -EINVAL;
}

int lf_sip_dialog_restore(struct lf_sip_dialog *d, const char *saved,
			  uint32_t *ret_notify_cseq)
{
	char line[SAVED_MAX + 1], *fields[FIELDS];
	int64_t cseq, notify_cseq;
	int err;

	if (!lf_text_copy(line, sizeof(line), saved) || split(line, fields) ||
	    strcmp(fields[0], "1") || !is_token(fields[1]) ||
	    !is_token(fields[2]) || !is_token(fields[3]) ||
	    strlen(fields[1]) >= LF_CALL_ID_SIZE ||
	    strlen(fields[2]) >= LF_DIALOG_TAG_SIZE ||
	    lf_text_int(&cseq, fields[4], 1, INT32_MAX) ||
	    lf_text_int(&notify_cseq, fields[5], 0, UINT32_MAX) ||
	    read_url(fields[6]) || read_routes(fields[7]))
		return -EINVAL;
	if (!strcmp(fields[3], "-"))
		*fields[3] = '\0';
	err = set_peer(d, fields[3], fields[6], fields[7]);
	if (err)
		return err;
	lf_text_copy(d->call_id, sizeof(d->call_id), fields[1]);
	lf_text_copy(d->tag, sizeof(d->tag), fields[2]);
	d->cseq = (uint32_t)cseq;
	*ret_notify_cseq = (uint32_t)notify_cseq;
	return 0;
}
