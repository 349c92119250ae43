/* presence/resource_lists.c - documents of addresses, nested lists and all. */
#include "presence/resource_lists.h"

#include <errno.h>

#include "core/xml.h"

#include "core/banned.h"

struct walk {
	lf_resource_fn *fn;
	void *arg;
	unsigned count;
};

/* core/xml.h bounds the depth. <external> and <entry-ref> are not followed. */
static int walk_list(struct walk *walk, const struct lf_xml_node *list)
{
	const struct lf_xml_node *child;
	int err = 0;

	for (child = lf_xml_first(list); child && !err;
	     child = lf_xml_next(child)) {
		if (lf_xml_is(child, "list")) {
			err = walk_list(walk, child);
		} else if (lf_xml_is(child, "entry")) {
			const char *uri = lf_xml_attr(child, "uri");

			if (!uri || !*uri)
				continue;
			if (walk->count++ == LF_RESOURCES_MAX)
				return -E2BIG;
			err = walk->fn(uri, walk->arg);
		}
	}
	return err;
}

int lf_resource_lists_read(const char *data, size_t len, lf_resource_fn *fn,
			   void *arg)
{
	struct walk walk = {.fn = fn, .arg = arg};
	struct lf_xml *xml;
	int err = lf_xml_parse(&xml, data, len);

	if (err)
		return err;
	err = lf_xml_is(lf_xml_root(xml), "resource-lists")
		      ? walk_list(&walk, lf_xml_root(xml))
		      : -EPROTO;
	lf_xml_free(xml);
	return err;
}
