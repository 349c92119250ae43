/*
 * core/xml.c - hostile XML, read into a small tree. The home of libxml2.
 *
 * On the path of every NOTIFY, so no libxml2 tree is built: its SAX2 parser
 * calls us, and our nodes lie in one arena. Names and namespaces are the
 * parser's interned strings; the document keeps its dictionary alive.
 */
#include "core/xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "core/xml_internal.h"

#include "core/banned.h"

#define FIRST_BLOCK 4096
#define NEXT_BLOCK 16384
#define NAMES_MAX (64 * 1024) /* bytes of interned names in a kept parser */

/* One parse: what the SAX callbacks are given. */
struct reading {
	xmlParserCtxt *ctxt;
	struct lf_xml *xml;
	struct lf_xml_node *open; /* the innermost open element */
	unsigned depth, nodes, lines_before;
	struct lf_xml_fault *fault; /* NULL: nobody asks */
	int err;
};

static void *arena_alloc(struct lf_xml *xml, size_t size)
{
	struct lf_xml_block *b = xml->blocks;
	size_t room;
	void *p;

	size = (size + 7) & ~(size_t)7;
	if (!b || b->size - b->used < size) {
		room = b ? NEXT_BLOCK : FIRST_BLOCK;
		if (room < size)
			room = size;
		b = malloc(sizeof(*b) + room);
		if (!b)
			return NULL;
		b->next = xml->blocks;
		b->used = 0;
		b->size = room;
		xml->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += size;
	return p;
}

static unsigned line_now(const struct reading *r)
{
	return r->lines_before + (unsigned)r->ctxt->input->line;
}

/* The first fault is the cause. */
static void tell(struct reading *r, unsigned line, const char *what)
{
	if (!r->fault || r->fault->line)
		return;
	r->fault->line = line;
	lf_text_copy_n(r->fault->what, sizeof(r->fault->what), what,
		       strcspn(what, "\n"));
}

static void stop(struct reading *r, int err)
{
	if (!r->err)
		r->err = err;
	tell(r, line_now(r),
	     err == -ENOMEM  ? "out of memory"
	     : err == -E2BIG ? "too many elements, or too deep"
			     : "a DOCTYPE is not read");
	xmlStopParser(r->ctxt);
}

static const char *text_of(const xmlChar *text)
{
	return text ? (const char *)text : "";
}

/* SAX2 gives five pointers an attribute: name, prefix, URI, value, its end. */
static int copy_attrs(struct lf_xml *xml, struct lf_xml_node *node,
		      const xmlChar **attributes)
{
	size_t len;
	unsigned i;
	char *value;

	for (i = 0; i < node->n_attrs; i++, attributes += 5) {
		len = (size_t)(attributes[4] - attributes[3]);
		value = arena_alloc(xml, len + 1);
		if (!value)
			return -ENOMEM;
		memcpy(value, attributes[3], len);
		value[len] = '\0';
		node->attrs[i].name = (const char *)attributes[0];
		node->attrs[i].value = value;
		node->attrs[i].has_prefix = attributes[1] != NULL;
	}
	return 0;
}

static void link_node(struct reading *r, struct lf_xml_node *node)
{
	struct lf_xml_node *parent = r->open;

	node->parent = parent;
	if (!parent)
		r->xml->root = node;
	else if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	if (parent)
		parent->last = node;
	r->open = node;
}

static void on_start(void *arg, const xmlChar *name, const xmlChar *prefix,
		     const xmlChar *uri, int n_namespaces,
		     const xmlChar **namespaces, int n_attributes,
		     int n_defaulted, const xmlChar **attributes)
{
	struct reading *r = arg;
	struct lf_xml_node *node;
	size_t n = (size_t)n_attributes, size;

	if (++r->depth > LF_XML_MAX_DEPTH || ++r->nodes > LF_XML_MAX_NODES) {
		stop(r, -E2BIG);
		return;
	}
	size = sizeof(*node) + n * sizeof(node->attrs[0]);
	node = arena_alloc(r->xml, size);
	if (!node) {
		stop(r, -ENOMEM);
		return;
	}
	memset(node, 0, size);
	node->name = (const char *)name;
	node->ns = text_of(uri);
	node->line = line_now(r);
	node->n_attrs = (unsigned)n;
	if (copy_attrs(r->xml, node, attributes)) {
		stop(r, -ENOMEM);
		return;
	}
	link_node(r, node);
}

static void on_end(void *arg, const xmlChar *name, const xmlChar *prefix,
		   const xmlChar *uri)
{
	struct reading *r = arg;

	if (r->err)
		return;
	r->depth--;
	r->open = r->open->parent;
}

/* May come in several pieces; space before the first letter is dropped. */
static void on_text(void *arg, const xmlChar *text, int len)
{
	struct reading *r = arg;
	struct lf_xml_node *node = r->open;
	struct lf_xml_chunk *chunk;

	if (r->err || !node)
		return;
	if (!node->text)
		for (; len && lf_xml_is_space((char)*text); len--)
			text++;
	if (len <= 0)
		return;
	chunk = arena_alloc(r->xml, sizeof(*chunk) + (size_t)len);
	if (!chunk) {
		stop(r, -ENOMEM);
		return;
	}
	chunk->next = NULL;
	chunk->len = (size_t)len;
	memcpy(chunk->bytes, text, (size_t)len);
	if (node->last_text)
		node->last_text->next = chunk;
	else
		node->text = chunk;
	node->last_text = chunk;
}

/* Should one get here all the same: before anything inside it is read. */
static void on_doctype(void *arg, const xmlChar *name, const xmlChar *id,
		       const xmlChar *system)
{
	stop(arg, -EPROTO);
}

/*
 * libxml2 goes on after running out of memory and ends with some error that
 * follows from it: remember the first cause.
 */
static void on_error(void *arg, xmlError *error)
{
	struct reading *r = arg;

	if (!r->err && error->code == XML_ERR_NO_MEMORY)
		r->err = -ENOMEM;
	tell(r, r->lines_before + (unsigned)(error->line > 0 ? error->line : 1),
	     error->message ? error->message : "this is no XML");
}

/* ---- the parser ---- */

/*
 * One is kept from document to document, in each thread, with the names it has
 * interned: making one costs as much as reading a short document. A peer that
 * makes up names fills it with them, so it is given up when it has grown.
 */
static _Thread_local xmlParserCtxt *spare;

static xmlParserCtxt *take_parser(void)
{
	static const xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_doctype,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.serror = on_error,
	};
	xmlParserCtxt *ctxt = spare;

	spare = NULL;
	if (ctxt)
		return ctxt;
	ctxt = xmlNewParserCtxt();
	if (ctxt)
		*ctxt->sax = handler;
	return ctxt;
}

/*
 * After an error it may be half made, which only xmlFreeParserCtxt() can bear.
 * No tree is built, but an entity declaration would hang one in here.
 */
static void leave_parser(xmlParserCtxt *ctxt, bool is_sound)
{
	if (is_sound && xmlDictGetUsage(ctxt->dict) < NAMES_MAX) {
		xmlCtxtReset(ctxt);
		ctxt->userData = NULL;
		spare = ctxt;
		return;
	}
	if (ctxt)
		xmlFreeDoc(ctxt->myDoc);
	xmlFreeParserCtxt(ctxt);
}

/*
 * All of it is in memory: with a read callback libxml2 tries to read more at
 * every token of the last 250 bytes, a third of the whole cost. What must be
 * converted first is really read piece by piece.
 */
static int push_input(xmlParserCtxt *ctxt, const char *data, size_t len,
		      bool is_utf8)
{
	xmlParserInputBuffer *buffer = xmlParserInputBufferCreateMem(
		data, (int)len, XML_CHAR_ENCODING_NONE);
	xmlParserInput *input;

	if (!buffer)
		return -ENOMEM;
	if (is_utf8)
		buffer->readcallback = NULL;
	input = xmlNewIOInputStream(ctxt, buffer, XML_CHAR_ENCODING_NONE);
	if (!input) {
		xmlFreeParserInputBuffer(buffer);
		return -ENOMEM;
	}
	if (inputPush(ctxt, input) < 0) {
		xmlFreeInputStream(input);
		return -ENOMEM;
	}
	return 0;
}

static int run_parser(struct reading *r, const char *data, size_t len,
		      bool is_utf8)
{
	int err;

	r->ctxt->userData = r;
	err = push_input(r->ctxt, data, len, is_utf8);
	if (err)
		return err;
	/*
	 * NOENT only turns &amp; and the like in attributes into what they
	 * stand for. Entities of the peer's own cannot exist: they need a
	 * DOCTYPE, and that ends the parse.
	 */
	xmlCtxtUseOptions(r->ctxt, XML_PARSE_NONET | XML_PARSE_NOENT |
					   XML_PARSE_NOERROR |
					   XML_PARSE_NOWARNING);
	xmlParseDocument(r->ctxt);
	if (r->err)
		return r->err;
	return r->ctxt->wellFormed && r->xml->root ? 0 : -EPROTO;
}

static unsigned count_lines(const char *from, const char *to)
{
	unsigned n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

static int refuse(struct reading *r, int err, const char *what)
{
	tell(r, r->lines_before + 1, what);
	return err;
}

int lf_xml_parse_told(struct lf_xml **ret, const char *data, size_t len,
		      struct lf_xml_fault *fault)
{
	struct reading r = {.fault = fault};
	const char *start;
	bool is_utf8;
	int err = -ENOMEM;

	if (fault)
		fault->line = 0;
	if (len > LF_XML_MAX_BYTES)
		return refuse(&r, -E2BIG, "the document is too large");
	start = len ? memchr(data, '<', len) : NULL;
	if (!start)
		return refuse(&r, -EPROTO, "this is no XML");
	r.lines_before = fault ? count_lines(data, start) : 0;
	len -= (size_t)(start - data);
	/* No NUL belongs here; with them libxml2 would guess at UTF-16. */
	if (memchr(start, '\0', len) ||
	    !lf_xml_is_encoding_known(start, len, &is_utf8))
		return refuse(&r, -EPROTO, "this encoding is not read");
	if (lf_xml_has_doctype(start, len))
		return refuse(&r, -EPROTO, "a DOCTYPE is not read");

	r.xml = calloc(1, sizeof(*r.xml));
	r.ctxt = r.xml ? take_parser() : NULL;
	if (r.ctxt) {
		r.xml->dict = r.ctxt->dict;
		xmlDictReference(r.xml->dict);
		err = run_parser(&r, start, len, is_utf8);
	}
	leave_parser(r.ctxt, !err);
	if (!err) {
		*ret = r.xml;
		return 0;
	}
	lf_xml_free(r.xml);
	return refuse(&r, err,
		      err == -ENOMEM ? "out of memory" : "this is no XML");
}

int lf_xml_parse(struct lf_xml **ret, const char *data, size_t len)
{
	return lf_xml_parse_told(ret, data, len, NULL);
}

void lf_xml_free(struct lf_xml *xml)
{
	struct lf_xml_block *b, *next;

	if (!xml)
		return;
	for (b = xml->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	xmlDictFree(xml->dict);
	free(xml);
}
