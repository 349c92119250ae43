/*
 * presence/rlmi_write.c - a list's NOTIFY: a table of contents, and parts. It
 * is kept small, because each byte is one less for the persons in a datagram:
 * no Content-Transfer-Encoding (binary is SIP's own, RFC 5621), no XML
 * declarations (they say what is so without them).
 */
#include "presence/resource_lists.h"

#include <stdio.h>
#include <string.h>

#include "core/secret.h"

#include "core/banned.h"

#define TYPE                                                                   \
	"multipart/related;type=\"application/rlmi+xml\";"                     \
	"start=\"<l@%s>\";boundary=\"%s\""
#define PART "--%s\r\nContent-ID: <%s@%s>\r\nContent-Type: %s\r\n\r\n"
#define BOUNDARY_LEN (sizeof(((struct lf_rlmi *)0)->boundary) - 1)
/* All but the table and the parts; a few bytes for what "%s" stands for. */
#define FRAME                                                                  \
	(sizeof("Content-Type: " TYPE "\r\nContent-Length: 12345\r\n\r\n" PART \
		"l application/rlmi+xml</list>\r\n----\r\n") +                 \
	 5 * BOUNDARY_LEN)

void lf_rlmi_begin(struct lf_rlmi *rlmi, const char *uri, uint32_t version,
		   bool is_full)
{
	*rlmi = (struct lf_rlmi){0};
	lf_random_hex(rlmi->boundary, BOUNDARY_LEN / 2);
	lf_buf_adds(&rlmi->list,
		    "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"");
	lf_buf_add_xml(&rlmi->list, uri);
	lf_buf_addf(&rlmi->list, "\" version=\"%u\" fullState=\"%s\">", version,
		    is_full ? "true" : "false");
}

static void add_resource(struct lf_rlmi *rlmi, const struct lf_resource *r)
{
	rlmi->list_was = rlmi->list.len;
	rlmi->parts_was = rlmi->parts.len;
	lf_buf_adds(&rlmi->list, "<resource uri=\"");
	lf_buf_add_xml(&rlmi->list, r->uri);
	lf_buf_adds(&rlmi->list, "\"");
}

static void add_name(struct lf_rlmi *rlmi, const struct lf_resource *r)
{
	lf_buf_adds(&rlmi->list, ">");
	if (*r->name) {
		lf_buf_adds(&rlmi->list, "<name>");
		lf_buf_add_xml(&rlmi->list, r->name);
		lf_buf_adds(&rlmi->list, "</name>");
	}
}

static void cut(struct lf_buf *buf, size_t len)
{
	if (buf->len > len) {
		buf->len = len;
		buf->data[len] = '\0';
	}
}

void lf_rlmi_undo(struct lf_rlmi *rlmi)
{
	cut(&rlmi->list, rlmi->list_was);
	cut(&rlmi->parts, rlmi->parts_was);
}

size_t lf_rlmi_size(const struct lf_rlmi *rlmi)
{
	return FRAME + rlmi->list.len + rlmi->parts.len;
}

void lf_rlmi_add_unknown(struct lf_rlmi *rlmi, const struct lf_resource *r)
{
	add_resource(rlmi, r);
	if (!*r->name) {
		lf_buf_adds(&rlmi->list, "/>");
		return;
	}
	add_name(rlmi, r);
	lf_buf_adds(&rlmi->list, "</resource>");
}

void lf_rlmi_add_gone(struct lf_rlmi *rlmi, const struct lf_resource *r,
		      const char *reason)
{
	add_resource(rlmi, r);
	add_name(rlmi, r);
	lf_buf_addf(&rlmi->list,
		    "<instance id=\"1\" state=\"terminated\" reason=\"%s\"/>"
		    "</resource>",
		    reason);
}

/* What follows an XML declaration, if there is one. */
static const char *skip_declaration(const char *body, size_t *len)
{
	const char *end;

	if (*len < 5 || memcmp(body, "<?xml", 5))
		return body;
	end = memmem(body, *len, "?>\n", 3);
	if (!end)
		return body;
	*len -= (size_t)(end + 3 - body);
	return end + 3;
}

void lf_rlmi_add(struct lf_rlmi *rlmi, const struct lf_resource *r,
		 const char *type, const char *body, size_t len)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", ++rlmi->documents);
	add_resource(rlmi, r);
	add_name(rlmi, r);
	lf_buf_addf(&rlmi->list,
		    "<instance id=\"1\" state=\"active\" cid=\"%s@%s\"/>"
		    "</resource>",
		    id, rlmi->boundary);
	lf_buf_addf(&rlmi->parts, PART, rlmi->boundary, id, rlmi->boundary,
		    type);
	body = skip_declaration(body, &len);
	lf_buf_add(&rlmi->parts, body, len);
	lf_buf_adds(&rlmi->parts, "\r\n");
}

int lf_rlmi_end(struct lf_rlmi *rlmi, struct lf_buf *out,
		char type[LF_RLMI_TYPE_SIZE])
{
	int err = lf_buf_error(&rlmi->list);

	snprintf(type, LF_RLMI_TYPE_SIZE, TYPE, rlmi->boundary, rlmi->boundary);
	lf_buf_addf(out, PART, rlmi->boundary, "l", rlmi->boundary,
		    "application/rlmi+xml");
	lf_buf_add(out, lf_buf_str(&rlmi->list), rlmi->list.len);
	lf_buf_adds(out, "</list>\r\n");
	lf_buf_add(out, lf_buf_str(&rlmi->parts), rlmi->parts.len);
	lf_buf_addf(out, "--%s--\r\n", rlmi->boundary);
	if (!err)
		err = lf_buf_error(&rlmi->parts);
	lf_buf_done(&rlmi->list);
	lf_buf_done(&rlmi->parts);
	return err ? err : lf_buf_error(out);
}
