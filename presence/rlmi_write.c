/* presence/rlmi_write.c - a list's NOTIFY: a table of contents, and parts. */
#include "presence/resource_lists.h"

#include <stdio.h>

#include "core/secret.h"

#include "core/banned.h"

void lf_rlmi_begin(struct lf_rlmi *rlmi, const char *uri, uint32_t version,
		   bool is_full)
{
	char noise[17];

	*rlmi = (struct lf_rlmi){0};
	snprintf(rlmi->boundary, sizeof(rlmi->boundary), "lf%s",
		 lf_random_hex(noise, 8));
	lf_buf_addf(&rlmi->list,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"");
	lf_buf_add_xml(&rlmi->list, uri);
	lf_buf_addf(&rlmi->list, "\" version=\"%u\" fullState=\"%s\">", version,
		    is_full ? "true" : "false");
}

static void add_resource(struct lf_rlmi *rlmi, const char *uri)
{
	lf_buf_adds(&rlmi->list, "<resource uri=\"");
	lf_buf_add_xml(&rlmi->list, uri);
	lf_buf_adds(&rlmi->list, "\"");
}

void lf_rlmi_add_unknown(struct lf_rlmi *rlmi, const char *uri)
{
	add_resource(rlmi, uri);
	lf_buf_adds(&rlmi->list, "/>");
}

void lf_rlmi_add_gone(struct lf_rlmi *rlmi, const char *uri, const char *reason)
{
	add_resource(rlmi, uri);
	lf_buf_addf(&rlmi->list,
		    "><instance id=\"1\" state=\"terminated\" reason=\"%s\"/>"
		    "</resource>",
		    reason);
}

static void begin_part(struct lf_rlmi *rlmi, struct lf_buf *out,
		       const char *name, const char *type)
{
	lf_buf_addf(out,
		    "--%s\r\nContent-Transfer-Encoding: binary\r\n"
		    "Content-ID: <%s@%s>\r\nContent-Type: %s\r\n\r\n",
		    rlmi->boundary, name, rlmi->boundary, type);
}

void lf_rlmi_add(struct lf_rlmi *rlmi, const char *uri, const char *type,
		 const char *body, size_t len)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", ++rlmi->documents);
	add_resource(rlmi, uri);
	lf_buf_addf(&rlmi->list,
		    "><instance id=\"1\" state=\"active\" cid=\"%s@%s\"/>"
		    "</resource>",
		    name, rlmi->boundary);
	begin_part(rlmi, &rlmi->parts, name, type);
	lf_buf_add(&rlmi->parts, body, len);
	lf_buf_adds(&rlmi->parts, "\r\n");
}

int lf_rlmi_end(struct lf_rlmi *rlmi, struct lf_buf *out,
		char type[LF_RLMI_TYPE_SIZE])
{
	int err = lf_buf_error(&rlmi->list);

	snprintf(type, LF_RLMI_TYPE_SIZE,
		 "multipart/related;type=\"application/rlmi+xml\";"
		 "start=\"<list@%s>\";boundary=\"%s\"",
		 rlmi->boundary, rlmi->boundary);
	begin_part(rlmi, out, "list", "application/rlmi+xml;charset=\"UTF-8\"");
	lf_buf_add(out, rlmi->list.data, rlmi->list.len);
	lf_buf_adds(out, "</list>\r\n");
	if (rlmi->parts.len)
		lf_buf_add(out, rlmi->parts.data, rlmi->parts.len);
	lf_buf_addf(out, "--%s--\r\n", rlmi->boundary);
	if (!err)
		err = lf_buf_error(&rlmi->parts);
	lf_buf_done(&rlmi->list);
	lf_buf_done(&rlmi->parts);
	return err ? err : lf_buf_error(out);
}
