/* presence/uri.h - the user in whatever a document calls an address. */
#ifndef LF_PRESENCE_URI_H
#define LF_PRESENCE_URI_H

#include <stddef.h>

/* 777 of "sip:777@host;x", "Ann <sip:777@host>", "tel:777", "777@host:5060"
 * and "777"; without a user the host. */
void lf_uri_copy_user(char *out, size_t size, const char *uri);

#endif
