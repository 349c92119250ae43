/*
 * tests/sip/test_tls.c - SIP over TLS: it works, and a certificate for somebody
 * else does not. Apart from the rest because sofia loses the names in a
 * server's certificate, which the leak checker must not be told about
 * elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/certificate.h"
#include "tests/sip/pair.h"

#include "core/banned.h"

const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	/* By library: a machine without a symbolizer knows no functions. */
	return "leak:libcrypto.so\nleak:libssl.so\nleak:libsofia";
}

struct files {
	char dir[32], cert[64], key[64], both[64];
};

static void append(FILE *out, const char *path)
{
	char bytes[8192];
	FILE *in = fopen(path, "r");
	size_t n;

	assert_non_null(in);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(n, fwrite(bytes, 1, n, out));
	fclose(in);
}

static void make_files(struct files *f, const char *host)
{
	FILE *out;

	snprintf(f->dir, sizeof(f->dir), "/tmp/lampfield-tls-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->cert, sizeof(f->cert), "%s/cafile.pem", f->dir);
	snprintf(f->key, sizeof(f->key), "%s/key.pem", f->dir);
	snprintf(f->both, sizeof(f->both), "%s/agent.pem", f->dir);
	assert_int_equal(0, lf_certificate_make(f->cert, f->key, host));
	out = fopen(f->both, "w");
	assert_non_null(out);
	append(out, f->key);
	append(out, f->cert);
	assert_int_equal(0, fclose(out));
}

static void remove_files(struct files *f)
{
	unlink(f->cert);
	unlink(f->key);
	unlink(f->both);
	assert_int_equal(0, rmdir(f->dir));
}

static void they_converse_over_tls(void **state)
{
	struct files f;
	struct pair p;

	make_files(&f, "127.0.0.1");
	pair_open(&p, &(struct pair_opts){.transport = LF_SIP_TLS,
					  .tls_dir = f.dir});
	pair_subscribe(&p, 600);
	assert_int_equal(200, p.status);
	pair_notify(&p, LF_SUB_ACTIVE, "<secret/>");
	assert_string_equal("<secret/>", p.body);
	pair_close(&p);
	remove_files(&f);
}

static void a_certificate_for_another_name_is_refused(void **state)
{
	struct files f;
	struct pair p;

	make_files(&f, "other.example");
	pair_open(&p, &(struct pair_opts){.transport = LF_SIP_TLS,
					  .tls_dir = f.dir});
	RUN_UNTIL(&p.bench, p.state == LF_TRUNK_DOWN);
	assert_non_null(strstr(p.why, "certificate is not for 127.0.0.1"));
	pair_close(&p);
	remove_files(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_converse_over_tls),
		cmocka_unit_test(a_certificate_for_another_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
