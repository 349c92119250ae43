/* tests/fake_notify.c - see tests/fake_notify.h. */
#include "tests/fake_notify.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/list.h"
#include "core/text.h"

#include "core/banned.h"

#define HANDLERS 8
#define TEXT 256

struct lf_sip_body {
	unsigned refs;
	size_t len;
	char type[128];
	char bytes[];
};

struct lf_sip_notifier {
	struct lf_list node;
	const struct lf_sip_notifier_ops *ops; /* NULL: it leaves */
	void *arg;
	char call_id[32], event[TEXT];
	bool is_busy, is_terminated;
	uint32_t cseq;
	unsigned sent;
	size_t room;
	struct fake_notify last, *waiting;
};

struct lf_sip_request {
	char method[16], uri[TEXT], from[TEXT], user[TEXT];
	char headers[1024], value[TEXT];
	char body[256 << 10];
	bool is_open;
	struct lf_sip_notifier *dialog;
};

static struct handler {
	char method[16];
	lf_sip_request_fn *fn;
	void *arg;
} handlers[HANDLERS];
static size_t n_handlers;
static struct lf_list notifiers = {&notifiers, &notifiers};
static struct lf_sip_request request;
static struct fake_reply reply;
static char asker[TEXT] = "sip:bob@corp.example", asker_user[TEXT];
static char trusted[TEXT];
static bool refuses_trusted;
static unsigned sends_to_fail, calls, cseqs;
static int send_err;
static fake_notify_fn *on_notify;
static int any;

struct lf_sip *fake_sip_endpoint(void)
{
	return (struct lf_sip *)&any;
}

static struct lf_sip_notifier *notifier_of(struct lf_list *node)
{
	return LF_CONTAINER_OF(node, struct lf_sip_notifier, node);
}

void fake_notify_reset(void)
{
	assert(lf_list_is_empty(&notifiers));
	n_handlers = 0;
	memset(&reply, 0, sizeof(reply));
	sends_to_fail = 0;
	on_notify = NULL;
	refuses_trusted = false;
	fake_ask_as("sip:bob@corp.example", NULL);
}

/* ---- bodies ---- */

int lf_sip_body_new(struct lf_sip_body **ret, const char *content_type,
		    const char *data, size_t len)
{
	struct lf_sip_body *body = malloc(sizeof(*body) + len + 1);

	if (!body)
		return -ENOMEM;
	body->refs = 1;
	body->len = len;
	lf_text_copy(body->type, sizeof(body->type), content_type);
	memcpy(body->bytes, data, len);
	body->bytes[len] = '\0';
	*ret = body;
	return 0;
}

struct lf_sip_body *lf_sip_body_ref(struct lf_sip_body *body)
{
	body->refs++;
	return body;
}

struct lf_sip_body *lf_sip_body_unref(struct lf_sip_body *body)
{
	if (body && --body->refs == 0)
		free(body);
	return NULL;
}

/* ---- requests ---- */

void fake_ask_as(const char *from, const char *user)
{
	snprintf(asker, sizeof(asker), "%s", from);
	snprintf(asker_user, sizeof(asker_user), "%s", user ? user : "");
}

static void hand_over(void)
{
	memset(&reply, 0, sizeof(reply));
	request.is_open = true;
	for (size_t i = 0; i < n_handlers; i++)
		if (!strcmp(handlers[i].method, request.method))
			handlers[i].fn(&request, handlers[i].arg);
	assert(!request.is_open);
	assert(reply.status);
}

void fake_ask(const char *method, const char *uri, const char *headers,
	      const char *body)
{
	bool is_named = strstr(headers, "Call-ID: ") != NULL;

	memset(&request, 0, sizeof(request));
	snprintf(request.method, sizeof(request.method), "%s", method);
	snprintf(request.uri, sizeof(request.uri), "%s", uri);
	snprintf(request.from, sizeof(request.from), "%s", asker);
	snprintf(request.user, sizeof(request.user), "%s", asker_user);
	snprintf(request.headers, sizeof(request.headers), "%sCSeq: %u %s\n%s",
		 headers, ++cseqs, method, is_named ? "" : "Call-ID: fake\n");
	snprintf(request.body, sizeof(request.body), "%s", body ? body : "");
	hand_over();
}

void fake_ask_again(void)
{
	hand_over();
}

void fake_refresh(struct lf_sip_notifier *n, uint32_t expires_s)
{
	memset(&request, 0, sizeof(request));
	memset(&reply, 0, sizeof(reply));
	request.is_open = true;
	request.dialog = n;
	n->ops->on_refresh(n, &request, expires_s, n->arg);
	assert(!request.is_open);
}

const struct fake_reply *fake_reply(void)
{
	return &reply;
}

static const char *find_header(char *out, size_t size, const char *lines,
			       const char *name)
{
	size_t len = strlen(name);

	for (; *lines; lines += strcspn(lines, "\n"), lines += *lines == '\n')
		if (!strncasecmp(lines, name, len) && lines[len] == ':') {
			snprintf(out, size, "%.*s",
				 (int)strcspn(lines + len + 2, "\n"),
				 lines + len + 2);
			return out;
		}
	return NULL;
}

const char *fake_reply_header(const char *name)
{
	static char value[TEXT];
	const char *found =
		find_header(value, sizeof(value), reply.headers, name);

	return found ? found : "";
}

int lf_sip_on_repeatable(struct lf_sip *sip, const char *method,
			 lf_sip_request_fn *fn, void *arg)
{
	struct handler *h = &handlers[n_handlers++];

	assert(n_handlers <= HANDLERS);
	snprintf(h->method, sizeof(h->method), "%s", method);
	h->fn = fn;
	h->arg = arg;
	return 0;
}

void fake_refuse_trusted(void)
{
	refuses_trusted = true;
}

const char *fake_trusted(void)
{
	return trusted;
}

int lf_sip_set_trusted(struct lf_sip *sip, const char *const *list)
{
	size_t len = 0;

	if (refuses_trusted) {
		refuses_trusted = false;
		return -EINVAL;
	}
	trusted[0] = '\0';
	for (; *list; list++)
		len += (size_t)snprintf(trusted + len, TEXT - len, "%s%s",
					len ? "," : "", *list);
	return 0;
}

int lf_sip_tell_options(struct lf_sip *sip, const struct lf_sip_header *extra)
{
	return 0;
}

int lf_sip_set_trusted_certificates(struct lf_sip *sip,
				    const char *const *names)
{
	return 0;
}

int lf_sip_set_users(struct lf_sip *sip, const char *realm,
		     lf_sip_ha1_fn *lookup, void *arg)
{
	return 0;
}

const char *lf_sip_request_uri(const struct lf_sip_request *req)
{
	return req->uri;
}

const char *lf_sip_request_from(const struct lf_sip_request *req)
{
	return req->from;
}

const char *lf_sip_request_asserted(struct lf_sip_request *req)
{
	return req->from;
}

void lf_sip_request_source(const struct lf_sip_request *req,
			   struct lf_sip_source *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->address, sizeof(out->address), "192.0.2.7");
}

const char *lf_sip_request_user(const struct lf_sip_request *req)
{
	return *req->user ? req->user : NULL;
}

/* A real one keeps what it said until the request is answered. */
const char *lf_sip_request_header(struct lf_sip_request *req, const char *name)
{
	static char values[16][TEXT];
	static unsigned next;

	return find_header(values[next++ % 16], TEXT, req->headers, name);
}

const char *lf_sip_request_body(const struct lf_sip_request *req,
				size_t *ret_len)
{
	*ret_len = strlen(req->body);
	return req->body;
}

static void close_request(struct lf_sip_request *req, int status,
			  uint32_t expires_s)
{
	assert(req->is_open);
	req->is_open = false;
	reply.status = status;
	reply.expires_s = expires_s;
}

void lf_sip_reply(struct lf_sip_request *req, int status, const char *phrase,
		  const struct lf_sip_header *extra)
{
	size_t len = 0;

	close_request(req, status, LF_SIP_ABSENT);
	for (; extra && extra->name; extra++)
		len += (size_t)snprintf(reply.headers + len,
					sizeof(reply.headers) - len, "%s: %s\n",
					extra->name, extra->value);
}

/* ---- notifiers ---- */

size_t fake_notifiers(void)
{
	size_t n = 0;

	LF_LIST_FOREACH (node, &notifiers)
		n++;
	return n;
}

struct lf_sip_notifier *fake_notifier_at(size_t i)
{
	LF_LIST_FOREACH (node, &notifiers)
		if (i-- == 0)
			return notifier_of(node);
	return NULL;
}

unsigned fake_notifies(const struct lf_sip_notifier *n)
{
	return n->sent;
}

const struct fake_notify *fake_last(const struct lf_sip_notifier *n)
{
	return &n->last;
}

void fake_fail_sends(unsigned n, int err)
{
	sends_to_fail = n;
	send_err = err;
}

void fake_set_room(struct lf_sip_notifier *n, size_t bytes)
{
	n->room = bytes;
}

void fake_on_notify(fake_notify_fn *fn)
{
	on_notify = fn;
}

const char *fake_call_id(const struct lf_sip_notifier *n)
{
	return n->call_id;
}

static void destroy(struct lf_sip_notifier *n)
{
	lf_list_del(&n->node);
	free(n->waiting);
	free(n);
}

static void send_now(struct lf_sip_notifier *n,
		     const struct fake_notify *notify)
{
	n->last = *notify;
	n->last.cseq = ++n->cseq;
	n->is_busy = true;
	n->sent++;
	if (on_notify)
		on_notify(n, &n->last);
}

void fake_answer(struct lf_sip_notifier *n, int status)
{
	struct fake_notify *next = n->waiting;
	bool is_gone = status == 408 || status == 481 || status == 404;

	assert(n->is_busy);
	n->is_busy = false;
	n->waiting = NULL;
	if (next && !is_gone)
		send_now(n, next);
	free(next);
	if (n->ops)
		n->ops->on_result(n, status, n->arg);
	else if (!n->is_busy)
		destroy(n);
}

static struct lf_sip_notifier *find_busy(void)
{
	LF_LIST_FOREACH (node, &notifiers)
		if (notifier_of(node)->is_busy)
			return notifier_of(node);
	return NULL;
}

void fake_answer_all(int status)
{
	struct lf_sip_notifier *n;

	while ((n = find_busy()) != NULL)
		fake_answer(n, status);
}

static struct lf_sip_notifier *allocate(const struct lf_sip_notifier_ops *ops,
					void *arg)
{
	struct lf_sip_notifier *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->ops = ops;
	n->arg = arg;
	return n;
}

int lf_sip_notifier_accept(struct lf_sip_notifier **ret,
			   struct lf_sip_request *req, int status,
			   uint32_t expires_s,
			   const struct lf_sip_notifier_ops *ops, void *arg)
{
	const char *event = lf_sip_request_header(req, "Event");
	struct lf_sip_notifier *n;

	if (!event)
		return -EPROTO;
	n = allocate(ops, arg);
	if (!n)
		return -ENOMEM;
	lf_list_add_tail(&notifiers, &n->node);
	snprintf(n->call_id, sizeof(n->call_id), "call-%u", ++calls);
	snprintf(n->event, TEXT, "%s", event);
	close_request(req, status, expires_s);
	reply.notifier = n;
	*ret = n;
	return 0;
}

void lf_sip_notifier_answer(struct lf_sip_notifier *n,
			    struct lf_sip_request *req, int status,
			    const char *phrase, uint32_t expires_s)
{
	assert(req->dialog == n);
	close_request(req, status, expires_s);
}

static void copy_out(struct fake_notify *to,
		     const struct lf_sip_notify_out *out)
{
	memset(to, 0, sizeof(*to));
	to->expires_s = out->expires_s;
	to->state = out->state;
	to->reason = out->reason;
	assert(!out->content_type); /* the presence server shares bodies */
	if (!out->shared)
		return;
	lf_text_copy(to->type, sizeof(to->type), out->shared->type);
	snprintf(to->body, sizeof(to->body), "%s", out->shared->bytes);
}

int lf_sip_notifier_send(struct lf_sip_notifier *n,
			 const struct lf_sip_notify_out *out)
{
	static struct fake_notify notify;
	struct fake_notify *waiting;

	if (n->is_terminated)
		return -EPIPE;
	if (sends_to_fail) {
		sends_to_fail--;
		return send_err;
	}
	copy_out(&notify, out);
	if (n->is_busy) {
		waiting = malloc(sizeof(*waiting));
		if (!waiting)
			return -ENOMEM;
		*waiting = notify;
		free(n->waiting);
		n->waiting = waiting;
	} else {
		send_now(n, &notify);
	}
	n->is_terminated = out->state == LF_SUB_TERMINATED;
	return 0;
}

bool lf_sip_notifier_is_busy(const struct lf_sip_notifier *n)
{
	return n->is_busy;
}

const char *lf_sip_notifier_event(const struct lf_sip_notifier *n)
{
	return n->event;
}

const char *lf_sip_notifier_target(const struct lf_sip_notifier *n)
{
	return "sip:w@192.0.2.7:5060";
}

const char *lf_sip_notifier_transport(const struct lf_sip_notifier *n)
{
	return "express";
}

size_t lf_sip_notifier_room(const struct lf_sip_notifier *n)
{
	return n->room ? n->room : 60000;
}

uint32_t lf_sip_notifier_cseq(const struct lf_sip_notifier *n)
{
	return n->cseq;
}

int lf_sip_notifier_save(const struct lf_sip_notifier *n, uint32_t cseq_ahead,
			 struct lf_buf *out)
{
	lf_buf_addf(out, "%s %u %s", n->call_id, n->cseq + cseq_ahead,
		    n->event);
	return lf_buf_error(out);
}

int lf_sip_notifier_restore(struct lf_sip_notifier **ret, struct lf_sip *sip,
			    const char *saved, size_t len,
			    const struct lf_sip_notifier_ops *ops, void *arg)
{
	struct lf_sip_notifier *n = allocate(ops, arg);
	char text[TEXT];

	if (!n)
		return -ENOMEM;
	snprintf(text, sizeof(text), "%.*s", (int)len, saved);
	if (sscanf(text, "%31s %u %255[^\n]", n->call_id, &n->cseq, n->event) !=
	    3) {
		free(n);
		return -EINVAL;
	}
	LF_LIST_FOREACH (node, &notifiers)
		assert(strcmp(notifier_of(node)->call_id, n->call_id));
	lf_list_add_tail(&notifiers, &n->node);
	*ret = n;
	return 0;
}

void lf_sip_notifier_free(struct lf_sip_notifier *n)
{
	if (!n)
		return;
	if (n->is_busy && n->waiting && n->is_terminated)
		n->ops = NULL;
	else
		destroy(n);
}
