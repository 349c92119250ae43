/*
 * presence/resource_lists.c - documents of addresses (RFC 4826), nested lists
 * and all. What a SUBSCRIBE carries is read leniently (RFC 5367: a server may
 * discard what it does not follow), what an administrator keeps strictly.
 */
#include "presence/resource_lists.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "core/xml.h"

#include "core/banned.h"

#define NS "urn:ietf:params:xml:ns:resource-lists"

struct walk {
	lf_resource_fn *fn;
	void *arg;
	unsigned count;
	char *err_text; /* NULL: lenient */
};

__attribute__((format(printf, 4, 5))) static int
refuse(const struct walk *walk, int err, unsigned line, const char *fmt, ...)
{
	char what[LF_RESOURCE_ERROR_SIZE - 32];
	va_list ap;

	if (!walk->err_text)
		return err;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(walk->err_text, LF_RESOURCE_ERROR_SIZE, "line %u: %s", line,
		 what);
	return err;
}

static bool is_sip(const char *uri)
{
	size_t scheme = lf_text_starts(uri, "sip:")    ? 4
			: lf_text_starts(uri, "sips:") ? 5
						       : 0;

	return scheme && uri[scheme] && uri[scheme] != '@' &&
	       strlen(uri) < LF_RESOURCE_URI && !strpbrk(uri, " \t\r\n<>\"");
}

static int read_entry(struct walk *walk, const struct lf_xml_node *entry)
{
	char name[LF_RESOURCE_NAME];
	const char *uri = lf_xml_attr(entry, "uri");
	const struct lf_resource r = {uri, name};
	unsigned line = lf_xml_line(entry);

	if (!uri || !*uri)
		return refuse(walk, walk->err_text ? -EPROTO : 0, line,
			      "an <entry> needs a uri");
	if (walk->err_text && !is_sip(uri))
		return refuse(walk, -EPROTO, line,
			      "\"%.100s\" is no SIP address", uri);
	if (walk->count++ == LF_RESOURCES_MAX)
		return refuse(walk, -E2BIG, line, "more than %d entries",
			      LF_RESOURCES_MAX);
	lf_xml_text(lf_xml_child(entry, "display-name"), name, sizeof(name));
	return walk->fn ? walk->fn(&r, walk->arg) : 0;
}

/* What stands in a list and is neither entry nor list. */
static int read_other(struct walk *walk, const struct lf_xml_node *node)
{
	unsigned line = lf_xml_line(node);

	if (!walk->err_text || lf_xml_is(node, "display-name") ||
	    (*lf_xml_ns(node) && strcmp(lf_xml_ns(node), NS)))
		return 0;
	if (lf_xml_is(node, "external"))
		return refuse(walk, -EPROTO, line,
			      "<external> is a list on another server, which "
			      "is not fetched; write its entries");
	if (lf_xml_is(node, "entry-ref"))
		return refuse(walk, -EPROTO, line,
			      "<entry-ref> is in a document of an XCAP "
			      "server, which is not fetched; write an <entry>");
	return refuse(walk, -EPROTO, line, "a list has no <%.60s>",
		      lf_xml_name(node));
}

/* core/xml.h bounds the depth. */
static int walk_list(struct walk *walk, const struct lf_xml_node *list)
{
	const struct lf_xml_node *child;
	int err = 0;

	for (child = lf_xml_first(list); child && !err;
	     child = lf_xml_next(child)) {
		if (lf_xml_is(child, "list"))
			err = walk_list(walk, child);
		else if (lf_xml_is(child, "entry"))
			err = read_entry(walk, child);
		else
			err = read_other(walk, child);
	}
	return err;
}

static int walk_root(struct walk *walk, const struct lf_xml_node *root)
{
	if (!lf_xml_is(root, "resource-lists") ||
	    (walk->err_text && strcmp(lf_xml_ns(root), NS)))
		return refuse(walk, -EPROTO, lf_xml_line(root),
			      "the outermost element must be <resource-lists "
			      "xmlns=\"" NS "\">");
	return walk_list(walk, root);
}

int lf_resource_lists_read(const char *data, size_t len, lf_resource_fn *fn,
			   void *arg)
{
	struct walk walk = {.fn = fn, .arg = arg};
	struct lf_xml *xml;
	int err = lf_xml_parse(&xml, data, len);

	if (err)
		return err;
	err = walk_root(&walk, lf_xml_root(xml));
	lf_xml_free(xml);
	return err;
}

int lf_resource_lists_check(const char *data, size_t len, lf_resource_fn *fn,
			    void *arg, char err_text[LF_RESOURCE_ERROR_SIZE])
{
	struct walk walk = {.fn = fn, .arg = arg, .err_text = err_text};
	struct lf_xml_fault fault;
	struct lf_xml *xml;
	int err = lf_xml_parse_told(&xml, data, len, &fault);

	if (err)
		return refuse(&walk, err, fault.line, "%s", fault.what);
	err = walk_root(&walk, lf_xml_root(xml));
	lf_xml_free(xml);
	return err;
}
