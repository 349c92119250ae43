/* presence/rlmi.c - application/rlmi+xml. */
#include "presence/rlmi.h"

#include <errno.h>
#include <string.h>

#include "core/text.h"
#include "core/xml.h"

#include "core/banned.h"

static void copy_attr(char *out, size_t size, const struct lf_xml_node *node,
		      const char *name)
{
	const char *text = lf_xml_attr(node, name);

	lf_text_copy(out, size, text ? text : "");
}

static int tell_instance(struct lf_rlmi_entry *entry,
			 const struct lf_xml_node *instance, lf_rlmi_fn *fn,
			 void *arg)
{
	copy_attr(entry->state, sizeof(entry->state), instance, "state");
	copy_attr(entry->reason, sizeof(entry->reason), instance, "reason");
	copy_attr(entry->cid, sizeof(entry->cid), instance, "cid");
	return fn(entry, arg);
}

static int tell_resource(const struct lf_xml_node *resource, lf_rlmi_fn *fn,
			 void *arg)
{
	const struct lf_xml_node *node;
	struct lf_rlmi_entry entry;
	int err = 0, n = 0;

	memset(&entry, 0, sizeof(entry));
	copy_attr(entry.uri, sizeof(entry.uri), resource, "uri");
	for (node = lf_xml_first(resource); node && !err;
	     node = lf_xml_next(node)) {
		if (lf_xml_is(node, "instance")) {
			err = tell_instance(&entry, node, fn, arg);
			n++;
		}
	}
	return n ? err : fn(&entry, arg);
}

static int tell_list(const struct lf_xml_node *list, int64_t *ret_version,
		     bool *ret_is_full, lf_rlmi_fn *fn, void *arg)
{
	const char *version = lf_xml_attr(list, "version");
	const char *full = lf_xml_attr(list, "fullState");
	const struct lf_xml_node *node;
	int err = 0;

	if (!lf_xml_is(list, "list"))
		return -EPROTO;
	if (!version || lf_text_int(ret_version, version, 0, UINT32_MAX))
		*ret_version = -1;
	*ret_is_full = lf_text_equal(full, "true") || lf_text_equal(full, "1");
	for (node = lf_xml_first(list); fn && node && !err;
	     node = lf_xml_next(node)) {
		if (lf_xml_is(node, "resource"))
			err = tell_resource(node, fn, arg);
	}
	return err;
}

int lf_rlmi_read(const char *data, size_t len, int64_t *ret_version,
		 bool *ret_is_full, lf_rlmi_fn *fn, void *arg)
{
	struct lf_xml *xml;
	int err = lf_xml_parse(&xml, data, len);

	if (err)
		return err;
	err = tell_list(lf_xml_root(xml), ret_version, ret_is_full, fn, arg);
	lf_xml_free(xml);
	return err;
}
