/* presence/winfo_write.c - who watches, as a document (RFC 3858). */
#include "presence/write.h"

#include "core/buf.h"

#include "core/banned.h"

void lf_winfo_begin(struct lf_buf *out, uint32_t version, bool is_full,
		    const char *uri, const char *package)
{
	lf_buf_addf(out,
		    "<?xml version=\"1.0\"?>\n<watcherinfo "
		    "xmlns=\"urn:ietf:params:xml:ns:watcherinfo\" "
		    "version=\"%u\" state=\"%s\"><watcher-list resource=\"",
		    version, is_full ? "full" : "partial");
	lf_buf_add_xml(out, uri);
	lf_buf_adds(out, "\" package=\"");
	lf_buf_add_xml(out, package);
	lf_buf_adds(out, "\">");
}

void lf_winfo_add(struct lf_buf *out, const struct lf_watcher_item *item)
{
	lf_buf_addf(out,
		    "<watcher id=\"w%u\" event=\"%s\" status=\"%s\" "
		    "duration-subscribed=\"%lld\" expiration=\"%u\">",
		    item->id, item->event, item->status, (long long)item->age_s,
		    item->expires_s);
	lf_buf_add_xml(out, item->uri);
	lf_buf_adds(out, "</watcher>");
}

void lf_winfo_end(struct lf_buf *out)
{
	lf_buf_adds(out, "</watcher-list></watcherinfo>\n");
}
