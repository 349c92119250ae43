/*
 * sip/body.c - what many NOTIFYs say: type, length and bytes in one block, as
 * they end a message. Rendered once per change, shared by all its watchers.
 */
#include "sip/lane.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define HEAD_MAX 64 /* without the type */

int lf_sip_body_new(struct lf_sip_body **ret, const char *content_type,
		    const char *data, size_t len)
{
	size_t room = HEAD_MAX + strlen(content_type) + len;
	struct lf_sip_body *body;

	if (strpbrk(content_type, "\r\n"))
		return -EINVAL;
	body = malloc(sizeof(*body) + room);
	if (!body)
		return -ENOMEM;
	body->refs = 1;
	body->len = (size_t)snprintf(body->bytes, room,
				     "Content-Type: %s\r\n"
				     "Content-Length: %zu\r\n\r\n",
				     content_type, len);
	if (len)
		memcpy(body->bytes + body->len, data, len);
	body->len += len;
	*ret = body;
	return 0;
}

struct lf_sip_body *lf_sip_body_ref(struct lf_sip_body *body)
{
	body->refs++;
	return body;
}

struct lf_sip_body *lf_sip_body_unref(struct lf_sip_body *body)
{
	if (body && --body->refs == 0)
		free(body);
	return NULL;
}
