/* tests/core/certs.h - throw-away certificates in a throw-away folder. */
#ifndef LF_TESTS_CORE_CERTS_H
#define LF_TESTS_CORE_CERTS_H

#include <stdbool.h>
#include <stddef.h>

struct certs {
	char dir[64];
	char cert[96], key[96];
};

/* A folder under the system's temporary one, for localhost and 127.0.0.1. */
void certs_make(struct certs *certs);
/* A new pair, under the same paths. */
void certs_renew(struct certs *certs);
/* A file in the folder, with any contents. */
void certs_write(const char *path, const char *text);
void certs_remove(struct certs *certs);

#endif
