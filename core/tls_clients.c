/*
 * core/tls_clients.c - who a client's certificate says it is. Sofia makes its
 * TLS contexts out of sight and asks no client for a certificate, or demands
 * one of each; nor does it tell names apart well (an IP address is four raw
 * bytes, and a NUL ends a name). So we catch its contexts as OpenSSL makes
 * them, ask ourselves, and look at the certificate when a handshake is done.
 */
#include "core/tls_clients.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "core/internal.h"
#include "core/log.h"
#include "core/text.h"

#include "core/banned.h"

#define CONTEXTS_MAX 8
#define CLIENTS_MAX 256 /* trusted ones; the longest silent one goes first */
#define LOG_BURST 20    /* lines a minute */
#define FINGERPRINT "sha256:"

/* An IPv4 address is kept as ::ffff:a.b.c.d. */
struct place {
	uint8_t host[16];
	uint16_t port; /* 0: nobody */
};

struct lf_tls_clients {
	SSL_CTX *made[CONTEXTS_MAX];
	size_t made_count;
	char names[LF_TLS_NAMES_MAX][LF_TLS_NAME_SIZE];
	size_t name_count;
	struct client {
		struct place place;
		uint64_t used;
		char name[LF_TLS_NAME_SIZE];
	} clients[CLIENTS_MAX];
	uint64_t uses;
	struct lf_tls_lost lost;
	struct lf_log_limit log_limit;
};

/* ---- contexts ---- */

static uv_once_t once = UV_ONCE_INIT;
static int context_index = -1;
static _Thread_local struct lf_tls_clients *catching;

static void on_context(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index,
		       long argl, void *argp)
{
	if (catching && catching->made_count < CONTEXTS_MAX)
		catching->made[catching->made_count++] = parent;
}

static void make_index(void)
{
	context_index =
		SSL_CTX_get_ex_new_index(0, NULL, on_context, NULL, NULL);
}

int lf_tls_clients_new(struct lf_tls_clients **ret)
{
	struct lf_tls_clients *clients;

	uv_once(&once, make_index);
	if (context_index < 0)
		return -ENOMEM;
	clients = calloc(1, sizeof(*clients));
	if (!clients)
		return -ENOMEM;
	if (lf_tls_lost_init(&clients->lost)) {
		free(clients);
		return -ENOMEM;
	}
	*ret = clients;
	return 0;
}

void lf_tls_clients_free(struct lf_tls_clients *clients)
{
	if (clients)
		lf_tls_lost_settle(&clients->lost);
	free(clients);
}

void lf_tls_clients_settle(struct lf_tls_clients *clients)
{
	lf_tls_lost_settle(&clients->lost);
}

/* ---- certificates ---- */

static bool has_uri(X509 *cert, const char *name)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *uri;

		if (one->type != GEN_URI)
			continue;
		uri = one->d.uniformResourceIdentifier;
		found = ASN1_STRING_length(uri) == (int)strlen(name) &&
			!strncasecmp((const char *)ASN1_STRING_get0_data(uri),
				     name, strlen(name));
	}
	GENERAL_NAMES_free(names);
	return found;
}

/* `hex` may have colons, as openssl prints them. */
static bool has_fingerprint(X509 *cert, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0, i = 0;

	if (!X509_digest(cert, EVP_sha256(), sum, &len))
		return false;
	for (; *hex; hex++) {
		if (*hex == ':')
			continue;
		if (i == 2 * len ||
		    tolower((unsigned char)*hex) !=
			    digits[i % 2 ? sum[i / 2] & 15 : sum[i / 2] >> 4])
			return false;
		i++;
	}
	return i == 2 * len;
}

static bool is_address(const char *name)
{
	uint8_t bytes[sizeof(struct in6_addr)];

	return !uv_inet_pton(AF_INET, name, bytes) ||
	       !uv_inet_pton(AF_INET6, name, bytes);
}

static bool is_named(X509 *cert, const char *name)
{
	if (lf_text_starts(name, FINGERPRINT))
		return has_fingerprint(cert, name + strlen(FINGERPRINT));
	if (is_address(name))
		return X509_check_ip_asc(cert, name, 0) == 1;
	if (strchr(name, ':'))
		return has_uri(cert, name);
	/* RFC 5922, 7.2: wildcards name nobody. */
	return X509_check_host(cert, name, 0, X509_CHECK_FLAG_NO_WILDCARDS,
			       NULL) == 1;
}

static const char *find_name(const struct lf_tls_clients *clients, X509 *cert)
{
	for (size_t i = 0; i < clients->name_count; i++)
		if (is_named(cert, clients->names[i]))
			return clients->names[i];
	return NULL;
}

/* ---- clients ---- */

static bool place_of(struct place *out, const struct sockaddr *addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const struct sockaddr_in *v4 = (const void *)addr;
	const struct sockaddr_in6 *v6 = (const void *)addr;

	memset(out, 0, sizeof(*out));
	if (addr->sa_family == AF_INET) {
		memcpy(out->host, mapped, sizeof(mapped));
		memcpy(out->host + 12, &v4->sin_addr, 4);
		out->port = v4->sin_port;
	} else if (addr->sa_family == AF_INET6) {
		memcpy(out->host, &v6->sin6_addr, sizeof(out->host));
		out->port = v6->sin6_port;
	}
	return out->port != 0;
}

static struct client *find_client(struct lf_tls_clients *clients,
				  const struct place *place)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (!memcmp(&clients->clients[i].place, place, sizeof(*place)))
			return &clients->clients[i];
	return NULL;
}

static struct client *free_slot(struct lf_tls_clients *clients)
{
	struct client *oldest = clients->clients;

	for (size_t i = 1; i < CLIENTS_MAX; i++)
		if (clients->clients[i].used < oldest->used)
			oldest = &clients->clients[i];
	return oldest;
}

static void forget(struct client *client)
{
	if (client)
		memset(client, 0, sizeof(*client));
}

/* ---- handshakes ---- */

static void say(struct lf_tls_clients *clients,
		const struct sockaddr_storage *addr, const char *what,
		const char *why)
{
	char peer[LF_ADDRESS_SIZE];

	if (!lf_log_allow(&clients->log_limit, LOG_BURST))
		return;
	lf_address_peer(peer, -1, addr);
	lf_log(LF_INFO, "tls", "the certificate of %s %s%s", peer, what, why);
}

static void learn(struct lf_tls_clients *clients, const SSL *ssl,
		  const struct sockaddr_storage *addr,
		  const struct place *place)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	long verdict = SSL_get_verify_result(ssl);
	struct client *client;
	const char *name;

	if (!cert)
		return;
	if (verdict != X509_V_OK) {
		say(clients, addr, "counts for nothing: ",
		    X509_verify_cert_error_string(verdict));
		return;
	}
	name = find_name(clients, cert);
	if (!name) {
		say(clients, addr, "is good and names nobody we trust", "");
		return;
	}
	client = free_slot(clients);
	client->place = *place;
	client->used = ++clients->uses;
	lf_text_copy(client->name, sizeof(client->name), name);
	say(clients, addr, "is trusted as ", name);
}

/*
 * Sofia reads the alternative names next, and loses the memory: a stranger may
 * send many. It has no use for them on this side.
 */
static void strip_names(X509 *cert)
{
	int at;

	while (cert &&
	       (at = X509_get_ext_by_NID(cert, NID_subject_alt_name, -1)) >= 0)
		X509_EXTENSION_free(X509_delete_ext(cert, at));
}

static struct lf_tls_clients *clients_of(const SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);
}

static void on_handshake(const SSL *ssl, int where, int ret)
{
	struct lf_tls_clients *clients = clients_of(ssl);
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	struct place place;

	if (!clients || !SSL_is_server(ssl) ||
	    !(where & (SSL_CB_HANDSHAKE_START | SSL_CB_HANDSHAKE_DONE)) ||
	    getpeername(SSL_get_fd(ssl), (struct sockaddr *)&addr, &len) ||
	    !place_of(&place, (const struct sockaddr *)&addr))
		return;
	forget(find_client(clients, &place));
	if (where & SSL_CB_HANDSHAKE_DONE) {
		learn(clients, ssl, &addr, &place);
		strip_names(SSL_get0_peer_certificate(ssl));
	}
}

/* A client goes on whatever it showed: learn() asks for the verdict. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());

	return SSL_is_server(ssl) ? 1 : ok;
}

void lf_tls_clients_begin(struct lf_tls_clients *clients)
{
	clients->made_count = 0;
	catching = clients;
}

void lf_tls_clients_end(struct lf_tls_clients *clients, bool is_made)
{
	catching = NULL;
	for (size_t i = 0; is_made && i < clients->made_count; i++) {
		SSL_CTX *ctx = clients->made[i];

		if (!SSL_CTX_set_ex_data(ctx, context_index, clients) ||
		    lf_tls_lost_watch(&clients->lost, ctx))
			continue; /* it asks nobody, as before */
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
		/* A resumed session's certificate would be without names. */
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		SSL_CTX_set_num_tickets(ctx, 0);
		SSL_CTX_set_info_callback(ctx, on_handshake);
	}
}

/* ---- asking ---- */

int lf_tls_clients_trust(struct lf_tls_clients *clients,
			 const char *const *names)
{
	size_t n = 0;

	for (; names && names[n]; n++)
		if (n == LF_TLS_NAMES_MAX || *names[n] == '.' ||
		    strlen(names[n]) >= LF_TLS_NAME_SIZE)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		lf_text_copy(clients->names[i], LF_TLS_NAME_SIZE, names[i]);
	clients->name_count = n;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &clients->clients[i];
		bool is_known = false;

		for (size_t j = 0; j < n && !is_known; j++)
			is_known = !strcmp(client->name, names[j]);
		if (!is_known)
			forget(client);
	}
	return 0;
}

const char *lf_tls_clients_name(struct lf_tls_clients *clients,
				const struct sockaddr *peer)
{
	struct client *client;
	struct place place;

	if (!clients->name_count || !place_of(&place, peer))
		return NULL;
	client = find_client(clients, &place);
	if (!client)
		return NULL;
	client->used = ++clients->uses;
	return client->name;
}
