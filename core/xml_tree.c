/* core/xml_tree.c - walking in the tree that core/xml.c has read. */
#include "core/xml.h"

#include <string.h>

#include "core/text.h"
#include "core/xml_internal.h"

#include "core/banned.h"

const struct lf_xml_node *lf_xml_root(const struct lf_xml *xml)
{
	return xml ? xml->root : NULL;
}

const struct lf_xml_node *lf_xml_first(const struct lf_xml_node *parent)
{
	return parent ? parent->first : NULL;
}

const struct lf_xml_node *lf_xml_next(const struct lf_xml_node *node)
{
	return node ? node->next : NULL;
}

const char *lf_xml_name(const struct lf_xml_node *node)
{
	return node ? node->name : "";
}

unsigned lf_xml_line(const struct lf_xml_node *node)
{
	return node ? node->line : 0;
}

const char *lf_xml_ns(const struct lf_xml_node *node)
{
	return node ? node->ns : "";
}

bool lf_xml_is(const struct lf_xml_node *node, const char *name)
{
	return node && !strcmp(node->name, name);
}

const struct lf_xml_node *lf_xml_child(const struct lf_xml_node *parent,
				       const char *name)
{
	const struct lf_xml_node *node = lf_xml_first(parent);

	while (node && strcmp(node->name, name))
		node = node->next;
	return node;
}

/* id="1" xml:id="2": the one without a prefix is the element's own. */
const char *lf_xml_attr(const struct lf_xml_node *node, const char *name)
{
	const char *prefixed = NULL;
	unsigned i;

	for (i = 0; node && i < node->n_attrs; i++) {
		if (strcmp(node->attrs[i].name, name))
			continue;
		if (!node->attrs[i].has_prefix)
			return node->attrs[i].value;
		if (!prefixed)
			prefixed = node->attrs[i].value;
	}
	return prefixed;
}

char *lf_xml_text(const struct lf_xml_node *node, char *out, size_t size)
{
	const struct lf_xml_chunk *chunk = node ? node->text : NULL;
	size_t len = 0;

	out[0] = '\0';
	for (; chunk; chunk = chunk->next) {
		if (!lf_text_copy_n(out + len, size - len, chunk->bytes,
				    chunk->len))
			break;
		len += chunk->len;
	}
	lf_text_trim(out); /* the front is trimmed already: stays in place */
	return out;
}
