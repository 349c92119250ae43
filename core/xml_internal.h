/* core/xml_internal.h - the tree behind core/xml.h, for its files only. */
#ifndef LF_CORE_XML_INTERNAL_H
#define LF_CORE_XML_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

struct _xmlDict; /* of libxml2 */

/* A piece of an element's text. */
struct lf_xml_chunk {
	struct lf_xml_chunk *next;
	size_t len;
	char bytes[];
};

struct lf_xml_attr {
	const char *name, *value;
	bool has_prefix;
};

struct lf_xml_node {
	const char *name, *ns;
	struct lf_xml_node *parent, *first, *last, *next;
	struct lf_xml_chunk *text, *last_text;
	unsigned line, n_attrs;
	struct lf_xml_attr attrs[];
};

struct lf_xml_block {
	struct lf_xml_block *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

struct lf_xml {
	struct _xmlDict *dict; /* keeps the names */
	struct lf_xml_node *root;
	struct lf_xml_block *blocks;
};

static inline bool lf_xml_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* ---- xml_prolog.c: before libxml2 sees it ---- */
bool lf_xml_has_doctype(const char *data, size_t len);
/* False: the prolog names an encoding that we do not mean to read. */
bool lf_xml_is_encoding_known(const char *data, size_t len, bool *ret_is_utf8);

#endif
