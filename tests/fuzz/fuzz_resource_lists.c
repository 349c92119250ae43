/*
 * tests/fuzz/fuzz_resource_lists.c - lists that a SUBSCRIBE carries, and that
 * an administrator keeps: what the strict reader takes, the lenient one reads
 * in the same way, and a table of contents can be written of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "presence/members.h"
#include "presence/resource_lists.h"
#include "presence/rlmi.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct lf_buf lines;
	struct lf_rlmi rlmi;
	unsigned n, read;
};

static int on_entry(const struct lf_resource *r, void *arg)
{
	struct seen *seen = arg;

	if (!*r->uri || ++seen->n > LF_RESOURCES_MAX ||
	    strlen(r->name) >= LF_RESOURCE_NAME ||
	    !lf_text_is_utf8(r->uri, strlen(r->uri)) ||
	    !lf_text_is_utf8(r->name, strlen(r->name)))
		abort();
	lf_members_add(r, &seen->lines);
	return 0;
}

static int on_resource(const struct lf_rlmi_entry *entry, void *arg)
{
	((struct seen *)arg)->read++;
	return 0;
}

/* Lines are cut again as they were made. */
static unsigned add_all(struct seen *seen)
{
	const char *line = lf_buf_str(&seen->lines);
	char scratch[LF_MEMBER_SIZE];
	struct lf_resource r;
	unsigned n = 0;

	while ((line = lf_members_next(line, &r, scratch)) != NULL) {
		if (!*r.uri || strlen(r.uri) >= LF_RESOURCE_URI)
			abort();
		lf_rlmi_add_gone(&seen->rlmi, &r, "noresource");
		n++;
	}
	return n;
}

static void read_back(struct seen *seen)
{
	char type[LF_RLMI_TYPE_SIZE];
	struct lf_buf out = {0};
	const char *list, *end;
	unsigned n;
	int64_t version;
	bool is_full;

	lf_rlmi_begin(&seen->rlmi, "sip:sales@corp.example", 1, true);
	n = add_all(seen);
	if (lf_rlmi_end(&seen->rlmi, &out, type))
		abort();
	list = strstr(out.data, "<list");
	end = strstr(list, "</list>") + strlen("</list>");
	if (n < 100 && /* more is bounded elsewhere */
	    (lf_rlmi_read(list, (size_t)(end - list), &version, &is_full,
			  on_resource, seen) ||
	     seen->read != n))
		abort();
	lf_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char told[LF_RESOURCE_ERROR_SIZE] = "";
	struct seen lenient = {.n = 0}, strict = {.n = 0};
	const char *text = (const char *)data;

	lf_resource_lists_read(text, size, on_entry, &lenient);
	if (lf_resource_lists_check(text, size, on_entry, &strict, told)) {
		if (!*told)
			abort();
	} else if (strict.n != lenient.n) {
		abort();
	} else {
		read_back(&strict);
	}
	lf_buf_done(&lenient.lines);
	lf_buf_done(&strict.lines);
	return 0;
}
