/*
 * core/tls_lost.c - frees what sofia forgets. When one of its TLS connections
 * ends it lets go of the BIO and never frees the SSL: some 50 KB a connection,
 * for whoever cares to open and close them.
 *
 * So each SSL of its contexts gets a BIO of ours. Theirs stays with sofia alone
 * and tells us when it is freed: then nobody has the SSL any more.
 */
#include "core/internal.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "core/banned.h"

/* Of an SSL that still has sofia's BIO. */
struct fresh {
	struct lf_list node; /* in lf_tls_lost.fresh, or alone */
	SSL *ssl;
};

static uv_once_t once = UV_ONCE_INIT;
static int context_index = -1, ssl_index = -1;

static void on_ssl(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index,
		   long argl, void *argp)
{
	struct lf_tls_lost *lost =
		SSL_CTX_get_ex_data(SSL_get_SSL_CTX(parent), context_index);
	struct fresh *fresh = lost ? calloc(1, sizeof(*fresh)) : NULL;

	if (!fresh)
		return; /* another's; or this one is lost */
	fresh->ssl = parent;
	lf_list_add_tail(&lost->fresh, &fresh->node);
	if (!CRYPTO_set_ex_data(data, index, fresh)) {
		lf_list_del(&fresh->node);
		free(fresh);
	}
}

static void on_ssl_gone(void *parent, void *ptr, CRYPTO_EX_DATA *data,
			int index, long argl, void *argp)
{
	struct fresh *fresh = ptr;

	if (fresh)
		lf_list_del(&fresh->node);
	free(fresh);
}

static void make_indexes(void)
{
	context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	ssl_index = SSL_get_ex_new_index(0, NULL, on_ssl, NULL, on_ssl_gone);
}

int lf_tls_lost_init(struct lf_tls_lost *lost)
{
	uv_once(&once, make_indexes);
	lf_list_init(&lost->fresh);
	return context_index >= 0 && ssl_index >= 0 ? 0 : -ENOMEM;
}

int lf_tls_lost_watch(struct lf_tls_lost *lost, SSL_CTX *ctx)
{
	return SSL_CTX_set_ex_data(ctx, context_index, lost) ? 0 : -ENOMEM;
}

static long on_bio(BIO *bio, int oper, const char *data, size_t len, int argi,
		   long argl, int ret, size_t *processed)
{
	if (oper == BIO_CB_FREE)
		SSL_free((SSL *)(void *)BIO_get_callback_arg(bio));
	return ret;
}

/*
 * Sofia may have let go already: a reference of ours keeps its BIO until all is
 * in place, and ours may be the last.
 */
static void adopt(SSL *ssl)
{
	BIO *theirs = SSL_get_rbio(ssl), *ours;

	if (!theirs)
		return;
	ours = BIO_new_socket((int)BIO_get_fd(theirs, NULL), BIO_NOCLOSE);
	if (!ours)
		return;     /* this one is lost */
	BIO_up_ref(theirs); /* the SSL has two, and counts as one of sofia's */
	BIO_up_ref(theirs);
	SSL_set_bio(ssl, ours, ours);
	BIO_set_callback_ex(theirs, on_bio);
	BIO_set_callback_arg(theirs, (char *)ssl);
	/* With each connection sofia lets go of the context too, which it does
	 * not hold; the lost SSL used to make up for that. */
	SSL_CTX_up_ref(SSL_get_SSL_CTX(ssl));
	BIO_free(theirs);
}

void lf_tls_lost_settle(struct lf_tls_lost *lost)
{
	while (!lf_list_is_empty(&lost->fresh)) {
		struct fresh *fresh =
			LF_CONTAINER_OF(lost->fresh.next, struct fresh, node);

		lf_list_del(&fresh->node);
		adopt(fresh->ssl); /* may free it */
	}
}
