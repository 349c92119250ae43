/*
 * core/certificate.h - a self-signed certificate, so that a first start has
 * TLS. Good for trying; consoles must be told to trust it (S105).
 */
#ifndef LF_CORE_CERTIFICATE_H
#define LF_CORE_CERTIFICATE_H

#include <stdint.h>

/*
 * Writes an ECDSA P-256 key (mode 0600) and a certificate for `host` and
 * "localhost", good for ten years, as PEM. 0, or a negative errno; -EIO when
 * OpenSSL fails. Existing files are overwritten.
 */
int lf_certificate_make(const char *cert_path, const char *key_path,
			const char *host);

/* When the first certificate of a PEM file ends. -EBADMSG: it holds none. */
int lf_certificate_end(int64_t *ret_wall_ms, const char *path);

#endif
