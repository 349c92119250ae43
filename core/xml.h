/*
 * core/xml.h - hostile XML, read into a small tree. The home of libxml2.
 *
 * No DTD is loaded, no entity beyond the five is expanded, no network, no
 * file. Bytes before the prolog are skipped (some PBXs send blank lines).
 */
#ifndef LF_CORE_XML_H
#define LF_CORE_XML_H

#include <stdbool.h>
#include <stddef.h>

#define LF_XML_MAX_BYTES (256 * 1024)
#define LF_XML_MAX_DEPTH 32
#define LF_XML_MAX_NODES 20000

struct lf_xml;      /* a document; owns its nodes */
struct lf_xml_node; /* an element; NULL is accepted and has nothing */

/* -EPROTO: not well-formed, or a DTD; -E2BIG: over a bound; -ENOMEM. */
int lf_xml_parse(struct lf_xml **ret, const char *data, size_t len);
void lf_xml_free(struct lf_xml *xml);

/* The same for who can be told what is wrong, and where. */
struct lf_xml_fault {
	unsigned line; /* of `data`, from 1 */
	char what[128];
};
int lf_xml_parse_told(struct lf_xml **ret, const char *data, size_t len,
		      struct lf_xml_fault *fault);

const struct lf_xml_node *lf_xml_root(const struct lf_xml *xml);
const struct lf_xml_node *lf_xml_first(const struct lf_xml_node *parent);
const struct lf_xml_node *lf_xml_next(const struct lf_xml_node *node);

const char *lf_xml_name(const struct lf_xml_node *node); /* local; "" */
const char *lf_xml_ns(const struct lf_xml_node *node);   /* URI; "" */
unsigned lf_xml_line(const struct lf_xml_node *node);    /* in what was read */
bool lf_xml_is(const struct lf_xml_node *node, const char *name);

/* First child element with that local name, any namespace; NULL if none. */
const struct lf_xml_node *lf_xml_child(const struct lf_xml_node *parent,
				       const char *name);

/* Attribute by local name. Lives as long as the document. NULL if absent. */
const char *lf_xml_attr(const struct lf_xml_node *node, const char *name);

/* Text directly inside the element, trimmed, "" if none; cut to size-1. */
char *lf_xml_text(const struct lf_xml_node *node, char *out, size_t size);

#endif
