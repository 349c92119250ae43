/*
 * monitor/document.h - the catalogue in the forms that others read: SNMP
 * managers, people, translators. Used by `lampctl mib` and by the test that
 * keeps the files under docs/ equal to the code.
 */
#ifndef LF_MONITOR_DOCUMENT_H
#define LF_MONITOR_DOCUMENT_H

struct lf_buf;

#define LF_MIB_DEFAULT_BASE ".1.3.6.1.4.1.39801"

/* SMIv2. -EINVAL: the base is not below .1.3.6.1.4.1 (enterprises). */
int lf_document_mib(struct lf_buf *out, const char *base_oid);
void lf_document_markdown(struct lf_buf *out); /* docs/events.md */
/* {"event.2001.text":"...","event.2001.remedy":"..."} */
void lf_document_keys(struct lf_buf *out);

#endif
