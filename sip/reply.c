/*
 * sip/reply.c - answers without a transaction (RFC 3261, 8.2.7).
 *
 * Over UDP they are written from the request's own lines, and those of a turn
 * leave together, from the port the requests came to. Whatever is unusual
 * (streams, maddr, another port in Via) is sofia's: nta_msg_treply().
 */
#include "sip/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sofia-sip/su_tag_io.h>

#include "core/buf.h"
#include "core/text.h"
#include "sip/lane.h"

#include "core/banned.h"

#define BATCH 64
#define REPLY_MAX 4096 /* longer ones are sofia's */

struct reply {
	union lf_sip_address to;
	size_t at, len; /* in the bytes of all */
};

struct lf_sip_replies {
	struct lf_sip_replies *next;
	const tport_t *tport;
	int fd; /* the tport's, it closes it */
	unsigned count;
	struct reply batch[BATCH];
	struct lf_buf bytes;
};

/* ---- leaving ---- */

/*
 * What the socket does not take is lost as on any network: the request comes
 * again.
 */
static void flush(struct lf_sip_replies *replies)
{
	struct mmsghdr out[BATCH];
	struct iovec iov[BATCH];
	unsigned sent = 0;
	int n;

	for (unsigned i = 0; i < replies->count; i++) {
		struct reply *reply = &replies->batch[i];

		iov[i] = (struct iovec){replies->bytes.data + reply->at,
					reply->len};
		out[i].msg_hdr = (struct msghdr){
			.msg_name = &reply->to,
			.msg_namelen = lf_net_size(&reply->to.any),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
		};
	}
	while (sent < replies->count) {
		n = sendmmsg(replies->fd, out + sent, replies->count - sent,
			     MSG_DONTWAIT);
		if (n > 0)
			sent += (unsigned)n;
		else if (errno == EAGAIN || errno == ENOBUFS)
			break;
		else if (errno != EINTR)
			sent++; /* that one cannot be reached */
	}
	replies->count = 0;
	lf_buf_reset(&replies->bytes);
}

void lf_sip_replies_flush(struct lf_sip *sip)
{
	for (struct lf_sip_replies *r = sip->replies; r; r = r->next)
		if (r->count)
			flush(r);
}

/* ---- writing ---- */

const char *lf_sip_raw_value(const msg_header_t *h, size_t *ret_len)
{
	const char *raw = h->sh_data, *end, *value;

	/* Of several in one line the first has it all. */
	if (!raw || h->sh_len < 2 || h->sh_next)
		return NULL;
	end = raw + h->sh_len - 2;
	value = memchr(raw, ':', h->sh_len);
	if (!value || memcmp(end, "\r\n", 2))
		return NULL;
	value++;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*ret_len = (size_t)(end - value);
	return memchr(value, '\r', *ret_len) || memchr(value, '\n', *ret_len) ||
			       memchr(value, '\0', *ret_len)
		       ? NULL
		       : value;
}

static int add_value(struct lf_buf *out, const msg_header_t *h)
{
	char text[REPLY_MAX];
	size_t len;
	const char *raw = lf_sip_raw_value(h, &len);
	issize_t n;

	if (raw) {
		lf_buf_add(out, raw, len);
		return 0;
	}
	n = msg_header_field_e(text, sizeof(text), h, 0);
	if (n < 0 || n >= (issize_t)sizeof(text))
		return -E2BIG;
	lf_buf_add(out, text, (size_t)n);
	return 0;
}

static int add_line(struct lf_buf *out, const char *name, const void *header)
{
	int err;

	lf_buf_adds(out, name);
	err = add_value(out, header);
	lf_buf_add(out, "\r\n", 2);
	return err;
}

/* Several may stand in one line, and the first was changed: sofia writes. */
static int add_vias(struct lf_buf *out, const sip_via_t *via)
{
	char text[1024];
	issize_t n;

	for (; via; via = via->v_next) {
		n = msg_header_field_e(text, sizeof(text),
				       (const msg_header_t *)via, 0);
		if (n < 0 || n >= (issize_t)sizeof(text))
			return -E2BIG;
		lf_buf_adds(out, "Via: ");
		lf_buf_add(out, text, (size_t)n);
		lf_buf_add(out, "\r\n", 2);
	}
	return 0;
}

static int add_to(struct lf_buf *out, const sip_to_t *to, const char *tag)
{
	int err;

	lf_buf_adds(out, "To: ");
	err = add_value(out, (const msg_header_t *)to);
	if (!to->a_tag) {
		lf_buf_adds(out, ";tag=");
		lf_buf_adds(out, tag);
	}
	lf_buf_add(out, "\r\n", 2);
	return err;
}

static void add_status(struct lf_buf *out, int status, const char *phrase)
{
	char digits[] = "200 ";

	digits[0] = (char)('0' + status / 100);
	digits[1] = (char)('0' + status / 10 % 10);
	digits[2] = (char)('0' + status % 10);
	lf_buf_adds(out, "SIP/2.0 ");
	lf_buf_adds(out, digits);
	lf_buf_adds(out, phrase);
	lf_buf_add(out, "\r\n", 2);
}

static int write_reply(struct lf_buf *out, const struct lf_sip *sip,
		       const sip_t *request, const struct lf_sip_answer *answer)
{
	int err;

	add_status(out, answer->status, answer->phrase);
	err = add_vias(out, request->sip_via);
	if (!err)
		err = add_line(out, "From: ", request->sip_from);
	if (!err)
		err = add_to(out, request->sip_to, answer->tag);
	if (!err)
		err = add_line(out, "Call-ID: ", request->sip_call_id);
	if (!err)
		err = add_line(out, "CSeq: ", request->sip_cseq);
	if (answer->lines)
		lf_buf_adds(out, answer->lines);
	lf_buf_adds(out, "Server: ");
	lf_buf_adds(out, sip->user_agent);
	lf_buf_adds(out, "\r\nContent-Length: 0\r\n\r\n");
	return err ? err : lf_buf_error(out);
}

/* RFC 3261, 18.2.2 and RFC 3581: the answer goes back to where it came from. */
static bool returns_to_source(const sip_via_t *via, msg_t *msg)
{
	uint16_t port = ntohs(msg_addr(msg)->su_port);

	return !via->v_maddr &&
	       (via->v_rport ||
		strtoul(via->v_port ? via->v_port : "5060", NULL, 10) == port);
}

/* Those of the socket it came to; NULL: the answer is sofia's. */
static struct lf_sip_replies *replies_for(const struct lf_sip *sip, msg_t *msg,
					  const sip_t *request)
{
	const sip_via_t *via = request->sip_via;
	struct lf_sip_replies *r = sip->replies;
	const tport_t *tport;

	if (!via || !returns_to_source(via, msg) || !request->sip_from ||
	    !request->sip_to || !request->sip_call_id || !request->sip_cseq)
		return NULL;
	tport = tport_delivered_by(nta_agent_tports(sip->agent), msg);
	while (r && r->tport != tport)
		r = r->next;
	return r;
}

/* False: it is as it was, and sofia's. */
static bool put_in_batch(struct lf_sip *sip, msg_t *msg, const sip_t *request,
			 const struct lf_sip_answer *answer)
{
	struct lf_sip_replies *replies = replies_for(sip, msg, request);
	struct reply *reply;

	if (!replies)
		return false;
	if (replies->count == BATCH)
		flush(replies);
	reply = &replies->batch[replies->count];
	reply->at = replies->bytes.len;
	if (write_reply(&replies->bytes, sip, request, answer) ||
	    replies->bytes.len - reply->at > REPLY_MAX) {
		if (replies->bytes.failed)
			flush(replies); /* what was whole */
		else
			replies->bytes.len = reply->at;
		return false;
	}
	reply->len = replies->bytes.len - reply->at;
	memcpy(&reply->to, msg_addr(msg), sizeof(reply->to));
	replies->count++;
	if (!answer->is_strangers)
		lf_sip_trace_text(sip, true, &reply->to.any,
				  request->sip_call_id->i_id,
				  strlen(request->sip_call_id->i_id),
				  replies->bytes.data + reply->at, reply->len);
	return true;
}

static void reply_by_sofia(struct lf_sip *sip, msg_t *msg, const sip_t *request,
			   const struct lf_sip_answer *answer)
{
	const tport_t *tport =
		tport_delivered_by(nta_agent_tports(sip->agent), msg);
	msg_t *reply = nta_msg_create(sip->agent, 0);
	su_home_t *home = msg_home(msg);
	const char *to = NULL;
	msg_t *seen;

	if (!reply) {
		nta_msg_discard(sip->agent, msg);
		return;
	}
	if (!request->sip_to->a_tag) {
		to = sip_header_as_string(home, (const void *)request->sip_to);
		to = to ? su_sprintf(home, "%s;tag=%s", to, answer->tag) : NULL;
	}
	seen = msg_ref_create(reply);
	nta_msg_mreply(sip->agent, reply, sip_object(reply), answer->status,
		       answer->phrase, msg, TAG_IF(to, SIPTAG_TO_STR(to)),
		       TAG_IF(answer->lines, SIPTAG_HEADER_STR(answer->lines)),
		       SIPTAG_SERVER_STR(sip->user_agent), TAG_END());
	if (!answer->is_strangers)
		lf_sip_trace_msg(sip, true, seen, tport);
	msg_destroy(seen);
}

void lf_sip_reply_plain(struct lf_sip *sip, msg_t *msg,
			const struct lf_sip_answer *answer)
{
	const sip_t *request = sip_object(msg);
	struct lf_sip_answer whole = *answer;
	char tag[LF_TAG_SIZE];

	if (!whole.phrase)
		whole.phrase = sip_status_phrase(whole.status);
	if (!whole.tag) {
		lf_sip_watcher_tag(sip, request, tag);
		whole.tag = tag;
	}
	if (put_in_batch(sip, msg, request, &whole))
		nta_msg_discard(sip->agent, msg);
	else
		reply_by_sofia(sip, msg, request, &whole);
}

/* ---- life ---- */

static int open_one(struct lf_sip *sip, const tport_t *tport)
{
	int fd = lf_net_datagram_socket(tport_get_address(tport)->ai_addr);
	struct lf_sip_replies *replies;

	if (fd < 0)
		return 0; /* sofia knows which */
	replies = calloc(1, sizeof(*replies));
	if (!replies)
		return -ENOMEM;
	replies->tport = tport;
	replies->fd = fd;
	replies->next = sip->replies;
	sip->replies = replies;
	return 0;
}

/* Sofia has a socket for each address of ours, unless it is told one. */
int lf_sip_replies_open(struct lf_sip *sip)
{
	const tport_t *tport = tport_primaries(nta_agent_tports(sip->agent));
	int err = 0;

	for (; tport && !err; tport = tport_next(tport))
		if (tport_is_udp(tport))
			err = open_one(sip, tport);
	return err;
}

void lf_sip_replies_free(struct lf_sip *sip)
{
	struct lf_sip_replies *next;

	for (struct lf_sip_replies *r = sip->replies; r; r = next) {
		next = r->next;
		lf_buf_done(&r->bytes);
		free(r);
	}
	sip->replies = NULL;
}
