/* tests/core/certs.c - self-signed P-256 pairs, made by OpenSSL calls. */
#include "tests/core/certs.h"

#include <assert.h>
#include <dirent.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert(ext);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

static X509 *self_signed(EVP_PKEY *key)
{
	static long serial;
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const unsigned char *)"localhost", -1, -1,
				   0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, key);
	add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(x, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
	X509_sign(x, key, EVP_sha256());
	return x;
}

void certs_renew(struct certs *certs)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = self_signed(key);
	FILE *f = fopen(certs->cert, "w");

	assert(f && PEM_write_X509(f, x));
	fclose(f);
	f = fopen(certs->key, "w");
	assert(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

void certs_make(struct certs *certs)
{
	const char *tmp = getenv("TMPDIR");
	char *made;

	snprintf(certs->dir, sizeof(certs->dir), "%s/lf-XXXXXX",
		 tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	made = mkdtemp(certs->dir);
	assert(made);
	snprintf(certs->cert, sizeof(certs->cert), "%s/cert.pem", made);
	snprintf(certs->key, sizeof(certs->key), "%s/key.pem", made);
	certs_renew(certs);
}

void certs_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert(f);
	fputs(text, f);
	fclose(f);
}

void certs_remove(struct certs *certs)
{
	DIR *dir = opendir(certs->dir);
	struct dirent *e;

	assert(dir);
	while ((e = readdir(dir)))
		unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
	rmdir(certs->dir);
}
