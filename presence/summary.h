/* presence/summary.h - waiting voice mail (RFC 3842). */
#ifndef LF_PRESENCE_SUMMARY_H
#define LF_PRESENCE_SUMMARY_H

#include <stddef.h>

struct lf_report;

/* Fills LF_KNOWS_VOICEMAIL. Counts over 65535 are cut. -EPROTO: the line
 * "Messages-Waiting" is missing or says neither yes nor no. */
int lf_summary_read(struct lf_report *ret, const char *data, size_t len);

#endif
