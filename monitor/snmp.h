/*
 * monitor/snmp.h - SNMP notifications on the wire. The home of net-snmp: none
 * of its types leaves snmp.c.
 *
 * net-snmp blocks (names, engine discovery, informs) and keeps its state in
 * the process: call lf_snmp_send() from a worker thread, one at a time.
 */
#ifndef LF_MONITOR_SNMP_H
#define LF_MONITOR_SNMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LF_SNMP_ENGINE_MAX 32
#define LF_SNMP_BATCH 32
#define LF_SNMP_TEXT 256

struct lf_snmp_item {
	int event, severity;
	int64_t number;
	char text[LF_SNMP_TEXT], subject[LF_SNMP_TEXT], remedy[LF_SNMP_TEXT];
};

/* One manager, and what it is to be told. */
struct lf_snmp_job {
	char manager[LF_SNMP_TEXT]; /* host, host:port */
	char base_oid[LF_SNMP_TEXT], node[LF_SNMP_TEXT];
	bool is_v3, is_inform;
	unsigned timeout_ms, retries; /* informs */
	char community[LF_SNMP_TEXT];
	/* v3; protocols "" for none */
	char user[LF_SNMP_TEXT], auth[16], privacy[16];
	char auth_password[LF_SNMP_TEXT], privacy_password[LF_SNMP_TEXT];
	uint8_t engine[LF_SNMP_ENGINE_MAX];
	size_t engine_len;
	unsigned boots;
	uint32_t uptime_cs; /* hundredths of a second */
	struct lf_snmp_item items[LF_SNMP_BATCH];
	size_t n;

	/* the answer */
	size_t sent; /* the first so many are done */
	char why[LF_SNMP_TEXT];
};

/* 0: all were sent (informs: confirmed); otherwise `why` says what stopped
 * it. */
int lf_snmp_send(struct lf_snmp_job *job);
/* Would it be accepted? "sha", "aes", ".1.3.6.1.4.1.39801". */
bool lf_snmp_is_oid(const char *text);

#endif
