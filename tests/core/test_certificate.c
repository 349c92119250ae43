/* tests/core/test_certificate.c - the first start's certificate serves TLS. */
#include "core/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>

#include "core/clock.h"
#include "core/stream.h"

static void made_pair_is_a_servers_and_the_key_is_private(void **state)
{
	char dir[] = "/tmp/lf-cert-XXXXXX", cert[64], key[64];
	struct lf_tls *tls = NULL;
	int64_t end_ms;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(cert, sizeof(cert), "%s/c.pem", dir);
	snprintf(key, sizeof(key), "%s/k.pem", dir);

	assert_int_equal(0, lf_certificate_make(cert, key, "desk.example"));

	assert_int_equal(0, stat(key, &st));
	assert_int_equal(0600, st.st_mode & 0777);
	assert_int_equal(0, lf_certificate_end(&end_ms, cert));
	assert_true(end_ms > lf_wall_ms() + 3600LL * 24 * 3640 * 1000);
	assert_true(end_ms < lf_wall_ms() + 3600LL * 24 * 3660 * 1000);
	assert_int_equal(-EBADMSG, lf_certificate_end(&end_ms, key));
	assert_int_equal(-ENOENT, lf_certificate_end(&end_ms, "/nowhere"));
	assert_int_equal(0, lf_tls_server(&tls, cert, key));
	lf_tls_unref(tls);
	unlink(cert);
	unlink(key);
	rmdir(dir);
}

static void folder_that_is_not_there_is_an_error(void **state)
{
	assert_true(lf_certificate_make("/nowhere/c.pem", "/nowhere/k.pem",
					"x") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_pair_is_a_servers_and_the_key_is_private),
		cmocka_unit_test(folder_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
