/*
 * core/tls_clients.h - which clients of a TLS server have proved by their
 * certificate who they are; for a server that is not ours (sofia's), whose
 * contexts are made between begin and end.
 *
 *     handshake --> is the certificate good, and one of the names in it? -->
 *     the client's address and port stand for that name, until the next
 *     handshake from there
 *
 * A certificate is asked for and not demanded: who has none, or one of another
 * CA, or an old one, is served like anybody.
 */
#ifndef LF_CORE_TLS_CLIENTS_H
#define LF_CORE_TLS_CLIENTS_H

#include <stdbool.h>

#define LF_TLS_NAMES_MAX 64
#define LF_TLS_NAME_SIZE 256

struct lf_tls_clients; /* opaque: see tls_clients.c */
struct sockaddr;

int lf_tls_clients_new(struct lf_tls_clients **ret);
/* After the server is gone. NULL is fine. */
void lf_tls_clients_free(struct lf_tls_clients *clients);

/* Once a turn of the loop, not from inside the server: what it forgets of the
 * connections that ended is freed (core/tls_lost.c). */
void lf_tls_clients_settle(struct lf_tls_clients *clients);

/* The contexts that this thread makes in between are watched; if `is_made` is
 * false they may be gone already. */
void lf_tls_clients_begin(struct lf_tls_clients *clients);
void lf_tls_clients_end(struct lf_tls_clients *clients, bool is_made);

/*
 * Names that count, NULL-ended: a host ("pbx.corp.example"), an address, a URI
 * ("sip:corp.example") among the alternative names, the common name where no
 * host is among those; or "sha256:" and the certificate's fingerprint. What is
 * not among them any more counts no longer; what is new counts from the
 * client's next handshake on. -EINVAL: too long or too many; the old ones stay.
 */
int lf_tls_clients_trust(struct lf_tls_clients *clients,
			 const char *const *names);
/* The name that the client at this address and port has proved; or NULL. */
const char *lf_tls_clients_name(struct lf_tls_clients *clients,
				const struct sockaddr *peer);

#endif
