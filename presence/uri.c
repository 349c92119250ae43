/* presence/uri.c - no URI parser: documents are too free with addresses. */
#include "presence/uri.h"

#include <string.h>

#include "core/text.h"

#include "core/banned.h"

static const char *skip_scheme(const char *uri)
{
	static const char *const schemes[] = {
		"sip:", "sips:", "tel:", "pres:", "im:"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (lf_text_starts(uri, schemes[i]))
			return uri + strlen(schemes[i]);
	}
	return uri;
}

void lf_uri_copy_user(char *out, size_t size, const char *uri)
{
	const char *angle = strchr(uri, '<');

	uri = skip_scheme(angle ? angle + 1 : uri);
	lf_text_copy_n(out, size, uri, strcspn(uri, "@:;>?"));
}
