/*
 * bench/presload_sip.c - the messages of the load. It reads only what it needs,
 * and fast: the server is measured, not the generator.
 */
#include "bench/presload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/text.h"

#include "core/banned.h"

#define DOMAIN "127.0.0.1"
#define AT_ONCE 64
#define MESSAGE 4096
#define BUFFER (16 << 20)

/* Datagrams that leave together. */
struct out {
	unsigned count;
	size_t used;
	struct mmsghdr messages[AT_ONCE];
	struct iovec iov[AT_ONCE];
	struct sockaddr_in to[AT_ONCE];
	char bytes[AT_ONCE][MESSAGE];
};

static int sockets[SOCKETS], epoll;
static uint16_t first_port;
static struct sockaddr_in server;
static struct out outs[SOCKETS];
static char in_bytes[AT_ONCE][MESSAGE + 1];

/* ---- out ---- */

static void flush(unsigned i)
{
	struct out *out = &outs[i];
	unsigned done = 0;

	while (done < out->count) {
		int n = sendmmsg(sockets[i], out->messages + done,
				 out->count - done, 0);

		if (n > 0)
			done += (unsigned)n;
		else if (errno == EAGAIN || errno == ENOBUFS)
			usleep(100);
		else
			done++;
	}
	out->count = 0;
}

void wire_flush(void)
{
	for (unsigned i = 0; i < SOCKETS; i++)
		if (outs[i].count)
			flush(i);
}

static char *begin_message(unsigned i)
{
	if (outs[i].count == AT_ONCE)
		flush(i);
	return outs[i].bytes[outs[i].count];
}

static void end_message(unsigned i, size_t len, const struct sockaddr_in *to)
{
	struct out *out = &outs[i];
	unsigned n = out->count++;

	out->to[n] = *to;
	out->iov[n] = (struct iovec){out->bytes[n], len};
	out->messages[n].msg_hdr = (struct msghdr){
		.msg_name = &out->to[n],
		.msg_namelen = sizeof(out->to[n]),
		.msg_iov = &out->iov[n],
		.msg_iovlen = 1,
	};
}

static size_t write_document(char *out, size_t size, uint32_t author,
			     uint32_t version)
{
	return (size_t)snprintf(
		out, size,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
		"xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
		"xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" "
		"entity=\"sip:u%u@" DOMAIN "\">\n <tuple id=\"t%u\">\n"
		"  <status><basic>open</basic></status>\n"
		"  <contact priority=\"0.8\">sip:u%u@" DOMAIN "</contact>\n"
		"  <timestamp>2026-11-21T23:12:32Z</timestamp>\n </tuple>\n"
		" <dm:person id=\"p%u\">\n  <rpid:activities><rpid:%s/>"
		"</rpid:activities>\n  <dm:note>mk-%u-%u-</dm:note>\n"
		" </dm:person>\n</presence>\n",
		author, author, author, author,
		version & 1 ? "on-the-phone" : "away", author, version);
}

void wire_publish(struct load *load, uint32_t id)
{
	struct author *a = &load->authors[id];
	unsigned i = id % SOCKETS;
	char body[1024], if_match[96] = "";
	size_t len = write_document(body, sizeof(body), id, a->version);
	int n;

	if (*a->etag)
		snprintf(if_match, sizeof(if_match), "SIP-If-Match: %s\r\n",
			 a->etag);
	n = snprintf(begin_message(i), MESSAGE,
		     "PUBLISH sip:u%u@" DOMAIN " SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP "
		     "127.0.0.1:%u;rport;branch=z9hG4bKp%u-%u-%u\r\n"
		     "Max-Forwards: 70\r\nFrom: <sip:u%u@" DOMAIN
		     ">;tag=p%u\r\n"
		     "To: <sip:u%u@" DOMAIN ">\r\nCall-ID: p%u-%u@presload\r\n"
		     "CSeq: %u PUBLISH\r\nEvent: presence\r\n"
		     "Content-Type: application/pidf+xml\r\n%sExpires: %u\r\n"
		     "User-Agent: presload\r\nContent-Length: %zu\r\n\r\n%s",
		     id, first_port + i, id, a->cseq, load->run, id, id, id, id,
		     load->run, a->cseq, if_match, load->expires_s, len, body);
	end_message(i, (size_t)n, &server);
	a->sent_ns = now_ns();
}

void wire_subscribe(struct load *load, uint32_t id)
{
	struct watcher *w = &load->watchers[id];
	unsigned i = id % SOCKETS;
	char uri[80];
	int n;

	if (*w->target)
		lf_text_copy(uri, sizeof(uri), w->target);
	else
		snprintf(uri, sizeof(uri), "sip:u%u@" DOMAIN, w->author);
	n = snprintf(
		begin_message(i), MESSAGE,
		"SUBSCRIBE %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP "
		"127.0.0.1:%u;rport;branch=z9hG4bKs%u-%u-%u\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:w%u@" DOMAIN ">;tag=f%u\r\n"
		"To: <sip:u%u@" DOMAIN ">%s%s\r\nCall-ID: s%u-%u@presload\r\n"
		"CSeq: %u SUBSCRIBE\r\nContact: <sip:w%u@127.0.0.1:%u>\r\n"
		"Event: presence\r\nAccept: application/pidf+xml\r\n"
		"Expires: %u\r\nUser-Agent: presload\r\n"
		"Content-Length: 0\r\n\r\n",
		uri, first_port + i, id, w->cseq, load->run, id, id, w->author,
		*w->tag ? ";tag=" : "", w->tag, id, load->run, w->cseq, id,
		first_port + i, w->is_leaving ? 0 : load->expires_s);
	end_message(i, (size_t)n, &server);
	w->sent_ns = now_ns();
}

/* ---- in ---- */

struct slice {
	const char *p;
	size_t len;
};

struct message {
	struct slice via[4], from, to, call_id, cseq, contact, etag, state;
	unsigned vias;
	const char *start, *body, *end;
};

static bool is_name(const char *line, size_t len, const char *name)
{
	return len == strlen(name) && !strncasecmp(line, name, len);
}

static void take_header(struct message *m, const char *line, size_t len,
			struct slice value)
{
	if (is_name(line, len, "Via") || is_name(line, len, "v")) {
		if (m->vias < 4)
			m->via[m->vias++] = value;
	} else if (is_name(line, len, "From") || is_name(line, len, "f")) {
		m->from = value;
	} else if (is_name(line, len, "To") || is_name(line, len, "t")) {
		m->to = value;
	} else if (is_name(line, len, "Call-ID") || is_name(line, len, "i")) {
		m->call_id = value;
	} else if (is_name(line, len, "CSeq")) {
		m->cseq = value;
	} else if (is_name(line, len, "Contact") || is_name(line, len, "m")) {
		m->contact = value;
	} else if (is_name(line, len, "SIP-ETag")) {
		m->etag = value;
	} else if (is_name(line, len, "Subscription-State")) {
		m->state = value;
	}
}

static bool read_message(struct message *m, const char *data, size_t len)
{
	const char *line, *next;

	memset(m, 0, sizeof(*m));
	m->start = data;
	m->end = data + len;
	line = memchr(data, '\n', len);
	for (; line && ++line < m->end; line = next) {
		const char *colon;
		struct slice value;

		next = memchr(line, '\n', (size_t)(m->end - line));
		if (!next || *line == '\r' || *line == '\n') {
			m->body = next ? next + 1 : m->end;
			break;
		}
		colon = memchr(line, ':', (size_t)(next - line));
		if (!colon)
			continue;
		value.p = colon + 1 + strspn(colon + 1, " ");
		value.len = (size_t)(next - value.p);
		if (value.len && value.p[value.len - 1] == '\r')
			value.len--;
		take_header(m, line, (size_t)(colon - line), value);
	}
	return m->call_id.p && m->cseq.p && m->vias;
}

/* "s17-4711@presload" is watcher 17 of run 4711. */
static bool read_id(const struct load *load, struct slice call_id, char *kind,
		    uint32_t *id)
{
	char text[48], *rest;

	if (!lf_text_copy_n(text, sizeof(text), call_id.p, call_id.len))
		return false;
	*kind = text[0];
	*id = (uint32_t)strtoul(text + 1, &rest, 10);
	return *rest == '-' && strtoul(rest + 1, NULL, 10) == load->run &&
	       *id < (*kind == 'p' ? load->author_count : load->watcher_count);
}

static void copy_tag(char *out, size_t size, struct slice header)
{
	const char *tag = memmem(header.p, header.len, ";tag=", 5);
	size_t len;

	if (*out || !tag)
		return;
	tag += 5;
	len = strcspn(tag, "; \r\n");
	lf_text_copy_n(out, size, tag, len);
}

static void copy_target(char *out, size_t size, struct slice contact)
{
	const char *open = contact.p ? memchr(contact.p, '<', contact.len) : 0;

	if (!*out && open)
		lf_text_copy_n(out, size, open + 1, strcspn(open + 1, ">"));
}

static void take_response(struct load *load, const struct message *m)
{
	int status = (int)strtol(m->start + 8, NULL, 10);
	uint32_t id, cseq = (uint32_t)strtoul(m->cseq.p, NULL, 10);
	char kind;

	if (status < 200)
		return;
	if (!read_id(load, m->call_id, &kind, &id)) {
		load->counters.stray++;
	} else if (kind == 'p' && cseq == load->authors[id].cseq) {
		if (m->etag.p)
			lf_text_copy_n(load->authors[id].etag,
				       sizeof(load->authors[id].etag),
				       m->etag.p, m->etag.len);
		on_publish_answer(load, id, status);
	} else if (kind == 's' && cseq == load->watchers[id].cseq) {
		struct watcher *w = &load->watchers[id];

		copy_tag(w->tag, sizeof(w->tag), m->to);
		copy_target(w->target, sizeof(w->target), m->contact);
		on_subscribe_answer(load, id, status);
	}
}

static char *add(char *to, const char *name, struct slice value)
{
	size_t len = strlen(name);

	memcpy(to, name, len);
	memcpy(to + len, value.p, value.len);
	memcpy(to + len + value.len, "\r\n", 2);
	return to + len + value.len + 2;
}

static void answer(unsigned i, const struct message *m, const char *start,
		   const struct sockaddr_in *to)
{
	static const char end[] = "Content-Length: 0\r\n\r\n";
	char *begin = begin_message(i), *p = begin;

	if ((size_t)(m->end - m->start) > MESSAGE - 256)
		return;
	memcpy(p, start, strlen(start));
	p += strlen(start);
	for (unsigned v = 0; v < m->vias; v++)
		p = add(p, "Via: ", m->via[v]);
	p = add(p, "From: ", m->from);
	p = add(p, "To: ", m->to);
	p = add(p, "Call-ID: ", m->call_id);
	p = add(p, "CSeq: ", m->cseq);
	memcpy(p, end, sizeof(end) - 1);
	end_message(i, (size_t)(p - begin) + sizeof(end) - 1, to);
}

static void take_notify(struct load *load, const struct message *m)
{
	uint32_t id, cseq, author = 0, version = 0;
	const char *mark = NULL;
	struct watcher *w;
	char kind, *rest;

	if (!read_id(load, m->call_id, &kind, &id) || kind != 's') {
		load->counters.stray++;
		return;
	}
	w = &load->watchers[id];
	cseq = (uint32_t)strtoul(m->cseq.p, NULL, 10);
	if (cseq <= w->notify_cseq) {
		load->counters.duplicates++;
		return;
	}
	w->notify_cseq = cseq;
	load->counters.notifies++;
	copy_tag(w->tag, sizeof(w->tag), m->from);
	if (m->body && m->body < m->end)
		mark = memmem(m->body, (size_t)(m->end - m->body), "mk-", 3);
	if (mark) {
		author = (uint32_t)strtoul(mark + 3, &rest, 10);
		version = (uint32_t)strtoul(rest + 1, NULL, 10);
	}
	on_notify(load, id, author, version,
		  m->state.len >= 10 && !memcmp(m->state.p, "terminated", 10));
}

static void take(struct load *load, unsigned i, char *data, size_t len,
		 const struct sockaddr_in *from)
{
	struct message m;

	data[len] = '\0';
	if (!read_message(&m, data, len)) {
		load->counters.stray++;
	} else if (!memcmp(data, "SIP/2.0 ", 8)) {
		take_response(load, &m);
	} else {
		answer(i, &m, "SIP/2.0 200 OK\r\n", from);
		take_notify(load, &m);
	}
}

static void receive(struct load *load, unsigned i)
{
	struct mmsghdr in[AT_ONCE];
	struct iovec iov[AT_ONCE];
	struct sockaddr_in from[AT_ONCE];
	int n = AT_ONCE;

	for (int round = 0; round < 4 && n == AT_ONCE; round++) {
		for (int k = 0; k < AT_ONCE; k++) {
			iov[k] = (struct iovec){in_bytes[k], MESSAGE};
			in[k].msg_hdr = (struct msghdr){
				.msg_name = &from[k],
				.msg_namelen = sizeof(from[k]),
				.msg_iov = &iov[k],
				.msg_iovlen = 1,
			};
		}
		n = recvmmsg(sockets[i], in, AT_ONCE, MSG_DONTWAIT, NULL);
		for (int k = 0; k < n; k++)
			take(load, i, in_bytes[k], in[k].msg_len, &from[k]);
	}
}

void wire_receive(struct load *load)
{
	struct epoll_event events[SOCKETS];
	int n = epoll_wait(epoll, events, SOCKETS, 0);

	for (int i = 0; i < n; i++)
		receive(load, events[i].data.u32);
}

/* ---- life ---- */

static int open_socket(unsigned i)
{
	const struct sockaddr_in here = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)(first_port + i)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
	const int buffer = BUFFER;

	sockets[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (sockets[i] < 0)
		return -errno;
	setsockopt(sockets[i], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	setsockopt(sockets[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	if (bind(sockets[i], (const struct sockaddr *)&here, sizeof(here)) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, sockets[i], &event))
		return -errno;
	return 0;
}

int wire_open(const char *port, uint16_t first, int *ret_epoll)
{
	int64_t number;
	int err = 0;

	if (lf_text_int(&number, port, 1, 65535))
		return -EINVAL;
	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)number);
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	first_port = first;
	epoll = epoll_create1(0);
	if (epoll < 0)
		return -errno;
	for (unsigned i = 0; i < SOCKETS && !err; i++)
		err = open_socket(i);
	*ret_epoll = epoll;
	return err;
}
