/*
 * core/tls.c - TLS for streams: the rules and certificates (struct lf_tls),
 * and one connection's state (struct lf_tls_conn).
 *
 * OpenSSL reads the socket through our BIO and writes into a queue, so that
 * a turn's records leave in one send. There is no buffer of ours in between:
 * an idle connection costs what OpenSSL needs and no more.
 */
#include "core/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/log.h"
#include "core/text.h"

#include "core/banned.h"

/* TLS 1.2's; all suites of TLS 1.3 are AEAD anyway. */
#define AEAD_SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"

struct lf_tls {
	unsigned refs;
	bool is_server;
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	char *cert_path, *key_path;
};

/* ---- the BIO between OpenSSL and the stream ---- */

static int bio_read(BIO *bio, char *data, int size)
{
	struct lf_tls_conn *conn = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do
		n = recv(conn->fd, data, (size_t)size, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return (int)n;
	if (n == 0)
		conn->has_eof = true;
	else if (errno == EAGAIN)
		BIO_set_retry_read(bio);
	else
		conn->err = -errno;
	return n == 0 ? 0 : -1;
}

static int bio_write(BIO *bio, const char *data, int len)
{
	struct lf_tls_conn *conn = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (lf_queue_add(&conn->wire, data, (size_t)len)) {
		conn->err = -ENOMEM;
		return -1;
	}
	return len;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct lf_tls_conn *conn = BIO_get_data(bio);

	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return conn->has_eof;
	default:
		return 0;
	}
}

static BIO_METHOD *bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(),
				     "lampfield stream");

	if (!m)
		return NULL;
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

/* ---- rules and certificates ---- */

/* Logs OpenSSL's own reason and gives the errno that is nearest to it. */
static int complain(const char *what, const char *path)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);
	int err = -EINVAL;

	if (ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SYS) {
		err = -ERR_GET_REASON(ERR_peek_error());
		reason = strerror(-err);
	}
	lf_log(LF_ERROR, "tls", "%s %s: %s", what, path,
	       reason ? reason : "not usable");
	ERR_clear_error();
	return err;
}

static int set_rules(SSL_CTX *ctx)
{
	if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(ctx, AEAD_SUITES))
		return -ENOMEM;
	/*
	 * Many clients close without a close_notify, and a line protocol drops
	 * an unfinished line anyway: that end is an end like any other.
	 */
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	return 0;
}

static SSL_CTX *context_new(bool is_server)
{
	SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method()
					     : TLS_client_method());

	if (!ctx)
		return NULL;
	if (set_rules(ctx)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

static int server_context(SSL_CTX **ret, const char *cert_path,
			  const char *key_path)
{
	static const unsigned char id[] = "lampfield";
	SSL_CTX *ctx;
	int err;

	ERR_clear_error();
	ctx = context_new(true);
	if (!ctx)
		return -ENOMEM;
	/* Tickets are on by default; their sessions must carry our name. */
	SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);

	err = -EINVAL;
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1) {
		err = complain("certificate", cert_path);
		goto fail;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		err = complain("private key", key_path);
		goto fail;
	}
	*ret = ctx;
	return 0;
fail:
	SSL_CTX_free(ctx);
	return err;
}

static int client_context(SSL_CTX **ret, const char *ca_path)
{
	SSL_CTX *ctx;
	int ok;

	ERR_clear_error();
	ctx = context_new(false);
	if (!ctx)
		return -ENOMEM;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	ok = ca_path ? SSL_CTX_load_verify_file(ctx, ca_path)
		     : SSL_CTX_set_default_verify_paths(ctx);
	if (ok != 1) {
		int err = complain("authorities", ca_path ? ca_path : "");

		SSL_CTX_free(ctx);
		return err;
	}
	*ret = ctx;
	return 0;
}

static int tls_new(struct lf_tls **ret, bool is_server, const char *cert_path,
		   const char *key_path)
{
	struct lf_tls *tls = calloc(1, sizeof(*tls));
	int err = -ENOMEM;

	if (!tls)
		return err;
	tls->refs = 1;
	tls->is_server = is_server;
	tls->bio = bio_method();
	tls->cert_path = cert_path ? strdup(cert_path) : NULL;
	tls->key_path = key_path ? strdup(key_path) : NULL;
	if (!tls->bio || (cert_path && !tls->cert_path) ||
	    (key_path && !tls->key_path))
		goto fail;
	err = lf_tls_reload(tls);
	if (err)
		goto fail;
	*ret = tls;
	return 0;
fail:
	lf_tls_unref(tls);
	return err;
}

int lf_tls_server(struct lf_tls **ret, const char *cert_path,
		  const char *key_path)
{
	return tls_new(ret, true, cert_path, key_path);
}

int lf_tls_client(struct lf_tls **ret, const char *ca_path)
{
	return tls_new(ret, false, ca_path, NULL);
}

int lf_tls_reload(struct lf_tls *tls)
{
	SSL_CTX *ctx = NULL;
	int err = tls->is_server
			  ? server_context(&ctx, tls->cert_path, tls->key_path)
			  : client_context(&ctx, tls->cert_path);

	if (err)
		return err;
	SSL_CTX_free(tls->ctx); /* live connections hold their own */
	tls->ctx = ctx;
	return 0;
}

static int use_newest(SSL *ssl, void *arg)
{
	struct lf_tls *tls = arg;
	STACK_OF(X509) *chain = NULL;

	SSL_CTX_get0_chain_certs(tls->ctx, &chain);
	return SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(tls->ctx),
				    SSL_CTX_get0_privatekey(tls->ctx), chain,
				    1);
}

int lf_tls_lead(struct lf_tls *tls, SSL_CTX *follower)
{
	int err = set_rules(follower);

	if (!err)
		SSL_CTX_set_cert_cb(follower, use_newest, tls);
	return err;
}

struct lf_tls *lf_tls_ref(struct lf_tls *tls)
{
	tls->refs++;
	return tls;
}

struct lf_tls *lf_tls_unref(struct lf_tls *tls)
{
	if (!tls || --tls->refs > 0)
		return NULL;

	SSL_CTX_free(tls->ctx);
	BIO_meth_free(tls->bio);
	free(tls->cert_path);
	free(tls->key_path);
	free(tls);
	return NULL;
}

/* ---- one connection ---- */

/* The name goes into SNI, an address may not (RFC 6066, 3). */
static int expect_host(SSL *ssl, const char *host)
{
	struct in6_addr ip;
	char name[256]; /* longer is no name (RFC 1035, 2.3.4) */

	if (inet_pton(AF_INET, host, &ip) == 1 ||
	    inet_pton(AF_INET6, host, &ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host)
			       ? 0
			       : -EINVAL;
	if (!lf_text_copy(name, sizeof(name), host))
		return -EINVAL;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* The macro for SNI casts const away, which clang minds. */
	if (SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
		     TLSEXT_NAMETYPE_host_name, name) != 1 ||
	    !SSL_set1_host(ssl, host))
		return -EINVAL;
	return 0;
}

int lf_tls_attach(struct lf_tls_conn **ret, struct lf_tls *tls, int fd,
		  const char *host)
{
	struct lf_tls_conn *conn = calloc(1, sizeof(*conn));
	int err = -ENOMEM;
	BIO *bio;

	if (!conn)
		return err;
	conn->fd = fd;
	conn->tls = lf_tls_ref(tls);
	conn->ssl = SSL_new(tls->ctx);
	bio = BIO_new(tls->bio);
	if (!conn->ssl || !bio) {
		BIO_free(bio);
		goto fail;
	}
	BIO_set_data(bio, conn);
	BIO_set_init(bio, 1);
	SSL_set_bio(conn->ssl, bio, bio); /* one reference for both */

	if (tls->is_server) {
		SSL_set_accept_state(conn->ssl);
	} else {
		SSL_set_connect_state(conn->ssl);
		err = expect_host(conn->ssl, host);
		if (err)
			goto fail;
	}
	*ret = conn;
	return 0;
fail:
	ERR_clear_error();
	lf_tls_detach(conn);
	return err;
}

void lf_tls_detach(struct lf_tls_conn *conn)
{
	if (!conn)
		return;
	SSL_free(conn->ssl);
	lf_buf_done(&conn->wire.buf);
	lf_tls_unref(conn->tls);
	free(conn);
}

/* What a failed SSL_* call meant; 0 is the peer's orderly end. */
static int tls_error(struct lf_tls_conn *conn, int result)
{
	int reason = SSL_get_error(conn->ssl, result);

	ERR_clear_error();
	switch (reason) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		conn->is_open = false;
		if (conn->err)
			return conn->err;
		return conn->has_eof ? -ECONNRESET : -EPROTO;
	default:
		conn->is_open = false;
		return conn->err ? conn->err : -EPROTO;
	}
}

int lf_tls_handshake(struct lf_tls_conn *conn)
{
	int n, err;

	ERR_clear_error();
	n = SSL_do_handshake(conn->ssl);
	if (n == 1) {
		conn->is_open = true;
		return 0;
	}
	err = tls_error(conn, n);
	if (err == -EPROTO && SSL_get_verify_result(conn->ssl) != X509_V_OK)
		return -EKEYREJECTED;
	return err ? err : -ECONNRESET;
}

ssize_t lf_tls_read(struct lf_tls_conn *conn, void *data, size_t size)
{
	size_t got;
	int n;

	ERR_clear_error();
	n = SSL_read_ex(conn->ssl, data, size, &got);
	return n == 1 ? (ssize_t)got : tls_error(conn, n);
}

bool lf_tls_has_pending(const struct lf_tls_conn *conn)
{
	return SSL_has_pending(conn->ssl);
}

int lf_tls_write(struct lf_tls_conn *conn, const void *data, size_t len)
{
	size_t done;
	int n;

	ERR_clear_error();
	n = SSL_write_ex(conn->ssl, data, len, &done);
	if (n == 1)
		return 0;
	n = tls_error(conn, n);
	/* Our BIO takes everything, so there is nothing to wait for. */
	return n == 0 || n == -EAGAIN ? -EPROTO : n;
}

void lf_tls_shutdown(struct lf_tls_conn *conn)
{
	if (!conn->is_open)
		return;
	conn->is_open = false;
	ERR_clear_error();
	SSL_shutdown(conn->ssl);
	ERR_clear_error();
}
