/* core/certificate.c - the self-signed certificate of a first start. */
#include "core/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "core/secret.h"

#include "core/banned.h"

#define DAY_S (24 * 3600L)

static int add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int ok = ext && X509_add_ext(cert, ext, -1);

	X509_EXTENSION_free(ext);
	return ok ? 0 : -EIO;
}

static int set_names(X509 *cert, const char *host)
{
	X509_NAME *name = X509_get_subject_name(cert);
	char names[512];

	if (!X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					(const unsigned char *)host, -1, -1,
					0) ||
	    !X509_set_issuer_name(cert, name))
		return -EIO;
	snprintf(names, sizeof(names), "DNS:%s,DNS:localhost,IP:127.0.0.1",
		 host);
	return add_extension(cert, NID_subject_alt_name, names);
}

static X509 *make_certificate(EVP_PKEY *key, const char *host)
{
	X509 *cert = X509_new();
	uint32_t serial;

	if (!cert)
		return NULL;
	lf_random(&serial, sizeof(serial));
	if (!X509_set_version(cert, X509_VERSION_3) ||
	    !ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial) ||
	    !X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) ||
	    !X509_gmtime_adj(X509_getm_notAfter(cert), 3650 * DAY_S) ||
	    !X509_set_pubkey(cert, key) || set_names(cert, host) ||
	    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") ||
	    !X509_sign(cert, key, EVP_sha256())) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static FILE *create(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!f && fd >= 0)
		close(fd);
	return f;
}

static int write_key(const char *path, EVP_PKEY *key)
{
	FILE *f = create(path, 0600);
	int ok;

	if (!f)
		return -errno;
	ok = PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	return fclose(f) == 0 && ok ? 0 : -EIO;
}

static int write_certificate(const char *path, X509 *cert)
{
	FILE *f = create(path, 0644);
	int ok;

	if (!f)
		return -errno;
	ok = PEM_write_X509(f, cert);
	return fclose(f) == 0 && ok ? 0 : -EIO;
}

int lf_certificate_make(const char *cert_path, const char *key_path,
			const char *host)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? make_certificate(key, host) : NULL;
	int err = cert ? write_key(key_path, key) : -EIO;

	if (!err)
		err = write_certificate(cert_path, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	return err;
}

int lf_certificate_end(int64_t *ret_wall_ms, const char *path)
{
	FILE *f = fopen(path, "re");
	X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	int err = f ? -EBADMSG : -errno;
	struct tm tm;

	if (cert && ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm)) {
		*ret_wall_ms = (int64_t)timegm(&tm) * 1000;
		err = 0;
	}
	X509_free(cert);
	if (f)
		fclose(f);
	return err;
}
