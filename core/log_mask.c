/* core/log_mask.c - what the log may show of a number or a secret. */
#include <ctype.h>
#include <string.h>

#include "core/log.h"
#include "core/text.h"

#include "core/banned.h"

#define HIDDEN_DIGITS 3

/* Where the number ends: before a URI's host and parameters. */
static size_t number_end(const char *text)
{
	const char *at = strchr(text, '@');

	if (at)
		return (size_t)(at - text);
	/* A URI without a user names a host, and hosts are no secret. */
	if (lf_text_starts(text, "sip:") || lf_text_starts(text, "sips:"))
		return 0;
	return strcspn(text, ";");
}

const char *lf_log_mask(char out[LF_LOG_MASK_SIZE], enum lf_log_kind kind,
			const char *text)
{
	unsigned hidden = 0;
	size_t i;

	if (kind == LF_LOG_SECRET) {
		lf_text_copy(out, LF_LOG_MASK_SIZE, "***");
		return out;
	}
	lf_text_copy(out, LF_LOG_MASK_SIZE, text);
	if (lf_log_level() >= LF_DEBUG)
		return out;
	i = number_end(text);
	if (i > strlen(out))
		i = strlen(out);
	while (i-- > 0 && hidden < HIDDEN_DIGITS) {
		if (!isdigit((unsigned char)out[i]))
			continue;
		out[i] = '*';
		hidden++;
	}
	return out;
}
