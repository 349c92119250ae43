/*
 * sip/dialog.c - a subscriber's dialog, written and read:
 *
 *     1 call-id our-tag peer-tag CSeq NOTIFY's-CSeq target route,route
 *
 * "-" where there is none. Only subscribe.c calls it. Our own URI and the
 * peer's are not in it: they are configuration, and tags are what matches.
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

#define SAVED_MAX 4096
#define FIELDS 8

void lf_sip_call_id_new(char out[LF_CALL_ID_SIZE])
{
	unsigned char bytes[(LF_CALL_ID_SIZE - 1) / 2];

	su_randmem(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- writing ---- */

static int add_field(struct lf_buf *out, const char *text)
{
	if (!text || !*text)
		text = "-";
	if (strpbrk(text, " \t\r\n"))
		return -EINVAL; /* from the wire, and not to be saved */
	lf_buf_addc(out, ' ');
	lf_buf_adds(out, text);
	return 0;
}

static int add_url(struct lf_buf *out, const url_t *url)
{
	char text[LF_SIP_URI_MAX];

	if (url_e(text, sizeof(text), url) >= (issize_t)sizeof(text))
		return -E2BIG;
	return add_field(out, text);
}

static int add_routes(struct lf_buf *out, const sip_route_t *route)
{
	char text[LF_SIP_URI_MAX];

	if (!route)
		return add_field(out, NULL);
	for (char sep = ' '; route; route = route->r_next, sep = ',') {
		if (url_e(text, sizeof(text), route->r_url) >=
			    (issize_t)sizeof(text) ||
		    strpbrk(text, " \t\r\n>"))
			return -EINVAL;
		lf_buf_addf(out, "%c<%s>", sep, text);
	}
	return 0;
}

int lf_sip_dialog_save(nta_leg_t *leg, const char *call_id, uint32_t cseq_ahead,
		       uint32_t notify_cseq, struct lf_buf *out)
{
	const sip_contact_t *target = NULL;
	const sip_route_t *route = NULL;
	struct lf_buf line = {0};
	int err;

	nta_leg_get_route(leg, &route, &target);
	lf_buf_addf(&line, "1 %s", call_id);
	err = add_field(&line, nta_leg_get_tag(leg));
	if (!err)
		err = add_field(&line, nta_leg_get_rtag(leg));
	lf_buf_addf(&line, " %u %u", nta_leg_get_seq(leg) + cseq_ahead,
		    notify_cseq);
	if (!err)
		err = target ? add_url(&line, target->m_url)
			     : add_field(&line, NULL);
	if (!err)
		err = add_routes(&line, route);
	if (!err)
		err = lf_buf_error(&line);
	if (!err && line.len > SAVED_MAX)
		err = -E2BIG;
	if (!err) {
		lf_buf_add(out, line.data, line.len);
		err = lf_buf_error(out);
	}
	lf_buf_done(&line);
	return err;
}

/* ---- reading ---- */

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
	return strlen(text) < LF_SIP_URI_MAX && text[span_token(text)] == '\0';
}

static sip_contact_t *make_target(su_home_t *home, const char *text)
{
	sip_contact_t *target;

	target = sip_contact_format(home, "<%s>", text);
	if (!target || target->m_url->url_type <= url_any)
		return NULL;
	return target;
}

/* The tags belong to From and To as parameters. */
static int create_leg(nta_leg_t **ret, su_home_t *home, char *fields[FIELDS],
		      const struct lf_sip_dialog_opts *opts)
{
	sip_contact_t *target = NULL;
	sip_route_t *route = NULL;
	const char *from, *to;

	if (strcmp(fields[6], "-")) {
		target = make_target(home, fields[6]);
		if (!target)
			return -EINVAL;
	}
	if (strcmp(fields[7], "-")) {
		route = sip_route_make(home, fields[7]);
		if (!route)
			return -EINVAL;
	}
	from = su_sprintf(home, "%s;tag=%s", opts->from, fields[2]);
	to = strcmp(fields[3], "-")
		     ? su_sprintf(home, "%s;tag=%s", opts->to, fields[3])
		     : opts->to;
	if (!from || !to)
		return -ENOMEM;
	*ret = nta_leg_tcreate(opts->agent, opts->fn, opts->arg,
			       SIPTAG_CALL_ID_STR(fields[1]),
			       SIPTAG_FROM_STR(from), SIPTAG_TO_STR(to),
			       SIPTAG_CSEQ_STR(fields[4]), TAG_END());
	if (!*ret)
		return -ENOMEM;
	/* Given as tags, sofia would take loose routers for strict ones. */
	nta_leg_server_route(*ret, route, target);
	return 0;
}

int lf_sip_dialog_restore(nta_leg_t **ret, const char *saved,
			  const struct lf_sip_dialog_opts *opts,
			  char call_id[LF_CALL_ID_SIZE],
			  uint32_t *ret_notify_cseq)
{
	su_home_t home[1] = {SU_HOME_INIT(home)};
	char line[SAVED_MAX + 1], *fields[FIELDS];
	int64_t cseq, notify_cseq;
	int err = -EINVAL;

	if (!lf_text_copy(line, sizeof(line), saved) || split(line, fields) ||
	    strcmp(fields[0], "1") || strlen(fields[1]) >= LF_CALL_ID_SIZE ||
	    !is_token(fields[1]) || !is_token(fields[2]) ||
	    !is_token(fields[3]) ||
	    lf_text_int(&cseq, fields[4], 1, INT32_MAX) ||
	    lf_text_int(&notify_cseq, fields[5], 0, UINT32_MAX))
		goto out;
	err = create_leg(ret, home, fields, opts);
	if (err)
		goto out;
	lf_text_copy(call_id, LF_CALL_ID_SIZE, fields[1]);
	*ret_notify_cseq = (uint32_t)notify_cseq;
out:
	su_home_deinit(home);
	return err;
}
