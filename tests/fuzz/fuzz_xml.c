/* tests/fuzz/fuzz_xml.c - XML from a PBX, or from somebody who poses as one. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/text.h"
#include "core/xml.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned walk(const struct lf_xml_node *node, unsigned depth)
{
	unsigned n = 0;
	char text[64];

	if (depth > LF_XML_MAX_DEPTH)
		abort();
	for (; node; node = lf_xml_next(node), n++) {
		lf_xml_text(node, text, sizeof(text));
		if (!lf_text_is_utf8(text, strlen(text)) ||
		    !lf_text_is_utf8(lf_xml_name(node),
				     strlen(lf_xml_name(node))))
			abort();
		lf_xml_attr(node, "id");
		lf_xml_child(node, "status");
		n += walk(lf_xml_first(node), depth + 1);
	}
	return n;
}

/* The escape of any text must survive as content and as an attribute. */
static void check_escape(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct lf_buf buf = {0};
	struct lf_xml *xml;

	if (!text)
		abort();
	lf_buf_adds(&buf, "<a b=\"");
	lf_buf_add_xml(&buf, text);
	lf_buf_adds(&buf, "\">");
	lf_buf_add_xml(&buf, text);
	lf_buf_adds(&buf, "</a>");
	if (buf.len <= LF_XML_MAX_BYTES) {
		if (lf_xml_parse(&xml, buf.data, buf.len) ||
		    !lf_xml_attr(lf_xml_root(xml), "b"))
			abort();
		lf_xml_free(xml);
	}
	lf_buf_done(&buf);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_xml *xml;

	check_escape(data, size);
	if (lf_xml_parse(&xml, (const char *)data, size))
		return 0;
	if (walk(lf_xml_root(xml), 1) > LF_XML_MAX_NODES)
		abort();
	lf_xml_free(xml);
	return 0;
}
