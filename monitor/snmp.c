/* monitor/snmp.c - see snmp.h. */
#include "monitor/snmp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include "core/text.h"

#include "core/banned.h"

#define BASE_MAX 64

static const oid sys_up_time[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
static const oid snmp_trap_oid[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};

/* Our settings come from the store: no files, no MIBs, no words on stderr. */
static void start_library(void)
{
	static bool is_started;

	if (is_started)
		return;
	is_started = true;
	setenv("MIBS", "", 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID,
			       NETSNMP_DS_LIB_DONT_READ_CONFIGS, 1);
	netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID,
			       NETSNMP_DS_LIB_DONT_PERSIST_STATE, 1);
	snmp_disable_log();
	init_snmp("lampfield");
}

/* ---- OIDs ---- */

static size_t parse_oid(oid out[BASE_MAX], const char *text)
{
	unsigned long long part;
	size_t n = 0;
	char *end;

	if (*text == '.')
		text++;
	while (*text >= '0' && *text <= '9' && n < BASE_MAX - 4) {
		part = strtoull(text, &end, 10);
		if (part > UINT32_MAX)
			return 0;
		out[n++] = (oid)part;
		if (!*end)
			return n;
		if (*end != '.')
			return 0;
		text = end + 1;
	}
	return 0;
}

bool lf_snmp_is_oid(const char *text)
{
	oid parts[BASE_MAX];

	return parse_oid(parts, text) >= 7;
}

/* ---- one notification ---- */

struct builder {
	netsnmp_pdu *pdu;
	oid name[BASE_MAX];
	size_t base;
};

static void add_type(struct builder *b, oid number, u_char type,
		     const void *data, size_t len)
{
	b->name[b->base] = 1;
	b->name[b->base + 1] = number;
	snmp_pdu_add_variable(b->pdu, b->name, b->base + 2, type, data, len);
}

static void add_text(struct builder *b, oid number, const char *text)
{
	add_type(b, number, ASN_OCTET_STR, text, strlen(text));
}

static netsnmp_pdu *build(const struct lf_snmp_job *job,
			  const struct lf_snmp_item *item)
{
	struct builder b = {0};
	struct counter64 number = {
		.high = (u_long)((uint64_t)item->number >> 32),
		.low = (u_long)((uint64_t)item->number & UINT32_MAX),
	};
	u_long uptime = job->uptime_cs;
	long severity = item->severity;

	b.pdu = snmp_pdu_create(job->is_inform ? SNMP_MSG_INFORM
					       : SNMP_MSG_TRAP2);
	if (!b.pdu)
		return NULL;
	b.base = parse_oid(b.name, job->base_oid);
	snmp_pdu_add_variable(b.pdu, sys_up_time, OID_LENGTH(sys_up_time),
			      ASN_TIMETICKS, &uptime, sizeof(uptime));
	b.name[b.base] = 2;
	b.name[b.base + 1] = 0;
	b.name[b.base + 2] = (oid)item->event;
	snmp_pdu_add_variable(b.pdu, snmp_trap_oid, OID_LENGTH(snmp_trap_oid),
			      ASN_OBJECT_ID, b.name,
			      (b.base + 3) * sizeof(oid));
	add_text(&b, 1, item->text);
	add_type(&b, 2, ASN_INTEGER, &severity, sizeof(severity));
	add_text(&b, 3, item->subject);
	add_type(&b, 4, ASN_COUNTER64, &number, sizeof(number));
	add_text(&b, 5, item->remedy);
	add_text(&b, 6, job->node);
	return b.pdu;
}

/* ---- one manager ---- */

struct auth {
	const char *name;
	const oid *oid;
	size_t len;
};

static const struct auth *find_auth(const struct auth *list, const char *name)
{
	for (; list->name; list++) {
		if (!strcmp(list->name, name))
			return list;
	}
	return NULL;
}

static int make_key(netsnmp_session *s, const char *password, u_char *key,
		    size_t *len)
{
	*len = USM_AUTH_KU_LEN;
	return generate_Ku(s->securityAuthProto, (u_int)s->securityAuthProtoLen,
			   (const u_char *)password, strlen(password), key,
			   len) == SNMPERR_SUCCESS
		       ? 0
		       : -EINVAL;
}

static int set_keys(netsnmp_session *s, const struct lf_snmp_job *job)
{
	static const struct auth auths[] = {
		{"md5", usmHMACMD5AuthProtocol, 10},
		{"sha", usmHMACSHA1AuthProtocol, 10},
		{"sha256", usmHMAC192SHA256AuthProtocol, 10},
		{"sha512", usmHMAC384SHA512AuthProtocol, 10},
		{NULL, NULL, 0},
	};
	const struct auth *auth = find_auth(auths, job->auth);

	s->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
	if (!auth)
		return 0;
	s->securityLevel = SNMP_SEC_LEVEL_AUTHNOPRIV;
	s->securityAuthProto = snmp_duplicate_objid(auth->oid, auth->len);
	s->securityAuthProtoLen = auth->len;
	if (make_key(s, job->auth_password, s->securityAuthKey,
		     &s->securityAuthKeyLen))
		return -EINVAL;
	if (strcmp(job->privacy, "aes"))
		return 0;
	s->securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
	s->securityPrivProto = snmp_duplicate_objid(usmAESPrivProtocol, 10);
	s->securityPrivProtoLen = 10;
	return make_key(s, job->privacy_password, s->securityPrivKey,
			&s->securityPrivKeyLen);
}

/*
 * A trap's sender is the authority for its time, an inform's receiver is:
 * only for traps do we say who we are.
 */
static int set_v3(netsnmp_session *s, struct lf_snmp_job *job)
{
	int err;

	s->version = SNMP_VERSION_3;
	s->securityName = job->user;
	s->securityNameLen = strlen(job->user);
	s->securityModel = SNMP_SEC_MODEL_USM;
	err = set_keys(s, job);
	if (err) {
		snprintf(job->why, sizeof(job->why),
			 "the passwords of SNMPv3 have 8 characters or more");
		return err;
	}
	if (job->is_inform)
		return 0;
	s->securityEngineID = job->engine;
	s->securityEngineIDLen = job->engine_len;
	s->contextEngineID = job->engine;
	s->contextEngineIDLen = job->engine_len;
	s->engineBoots = job->boots;
	s->engineTime = job->uptime_cs / 100;
	return 0;
}

static void explain(struct lf_snmp_job *job, void *handle)
{
	char *text = NULL;
	int system_error, library_error;

	if (handle)
		snmp_sess_error(handle, &system_error, &library_error, &text);
	snprintf(job->why, sizeof(job->why), "%s",
		 text ? text : snmp_api_errstring(snmp_errno));
	free(text);
}

static int send_one(struct lf_snmp_job *job, void *handle,
		    const struct lf_snmp_item *item)
{
	netsnmp_pdu *pdu = build(job, item), *answer = NULL;
	int status;

	if (!pdu)
		return -ENOMEM;
	if (!job->is_inform) {
		if (snmp_sess_send(handle, pdu))
			return 0;
		explain(job, handle);
		snmp_free_pdu(pdu);
		return -EIO;
	}
	status = snmp_sess_synch_response(handle, pdu, &answer);
	if (status == STAT_SUCCESS && answer && !answer->errstat) {
		snmp_free_pdu(answer);
		return 0;
	}
	if (status == STAT_TIMEOUT)
		snprintf(job->why, sizeof(job->why),
			 "no confirmation within %u attempts of %u ms",
			 job->retries + 1, job->timeout_ms);
	else
		explain(job, handle);
	if (answer)
		snmp_free_pdu(answer);
	return status == STAT_TIMEOUT ? -ETIMEDOUT : -EPROTO;
}

/* "udp:host:port"; IPv6 as net-snmp wants it. */
static void write_peer(char *out, size_t size, const char *manager)
{
	bool has_port = strrchr(manager, ':') &&
			(strchr(manager, ':') == strrchr(manager, ':') ||
			 strstr(manager, "]:"));

	snprintf(out, size, "%s:%s%s", *manager == '[' ? "udp6" : "udp",
		 manager, has_port ? "" : ":162");
}

static int open_session(void **ret, struct lf_snmp_job *job, char *peer)
{
	netsnmp_session s;
	int err = 0;

	snmp_sess_init(&s);
	s.peername = peer;
	s.timeout = (long)job->timeout_ms * 1000;
	s.retries = (int)job->retries;
	s.version = SNMP_VERSION_2c;
	if (job->is_v3) {
		err = set_v3(&s, job);
	} else {
		s.community = (u_char *)job->community;
		s.community_len = strlen(job->community);
	}
	if (!err) {
		*ret = snmp_sess_open(&s);
		if (!*ret) {
			err = -EHOSTUNREACH;
			explain(job, NULL);
		}
	}
	free(s.securityAuthProto);
	free(s.securityPrivProto);
	return err;
}

/* The library keeps keys of users; passwords may have changed since. */
static void forget_users(void)
{
	struct usmUser *user;

	while ((user = usm_get_userList())) {
		usm_remove_user(user);
		usm_free_user(user);
	}
}

int lf_snmp_send(struct lf_snmp_job *job)
{
	char peer[LF_SNMP_TEXT + 16];
	void *handle = NULL;
	int err;

	start_library();
	forget_users();
	write_peer(peer, sizeof(peer), job->manager);
	err = open_session(&handle, job, peer);
	while (!err && job->sent < job->n) {
		err = send_one(job, handle, &job->items[job->sent]);
		if (!err)
			job->sent++;
	}
	if (handle)
		snmp_sess_close(handle);
	return err;
}
