/* tests/fuzz/fuzz_resource_lists.c - lists that a SUBSCRIBE carries. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "presence/resource_lists.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_entry(const char *uri, void *arg)
{
	unsigned *n = arg;

	if (!*uri || ++*n > LF_RESOURCES_MAX ||
	    !lf_text_is_utf8(uri, strlen(uri)))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n = 0;

	lf_resource_lists_read((const char *)data, size, on_entry, &n);
	return 0;
}
