/* sip/net.h - addresses: where a message came from, and who may speak. For
 * the files of sip/ only. */
#ifndef LF_SIP_NET_H
#define LF_SIP_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Where one address is kept for long, or for many: 28 bytes. */
union lf_sip_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* A network; IPv4 is kept as ::ffff:a.b.c.d, so that one compare does. */
struct lf_cidr {
	uint8_t addr[16];
	uint8_t bits;
};

/* "10.0.0.0/8", "192.0.2.7", "2001:db8::/32". -EINVAL for anything else. */
int lf_cidr_parse(struct lf_cidr *ret, const char *text);
bool lf_cidr_has(const struct lf_cidr *net, const struct sockaddr *addr);

struct lf_cidr_list {
	struct lf_cidr *nets;
	size_t n;
};

/* `texts` ends with NULL, or is NULL. On an error the list stays empty. */
int lf_cidr_list_parse(struct lf_cidr_list *ret, const char *const *texts);
bool lf_cidr_list_has(const struct lf_cidr_list *list,
		      const struct sockaddr *addr);
void lf_cidr_list_done(struct lf_cidr_list *list);

bool lf_net_same_host(const struct sockaddr *a, const struct sockaddr *b);
bool lf_net_is_any(const char *address); /* "0.0.0.0" or "::" */

/* Literal IP (brackets allowed) and port. -EINVAL: it is a name. */
int lf_net_parse(struct sockaddr_storage *ret, const char *host, uint16_t port);
socklen_t lf_net_size(const struct sockaddr *addr);

/* The same address; ::ffff:a.b.c.d becomes IPv4. */
void lf_net_unmap(struct sockaddr_storage *out, const struct sockaddr *addr);
/* The literal without brackets; ::ffff:a.b.c.d is shown as IPv4. */
void lf_net_format(char *out, size_t size, const struct sockaddr *addr,
		   uint16_t *ret_port);
/* As the host part of a URI: IPv6 in brackets. */
void lf_net_uri_host(char *out, size_t size, const char *address);

/*
 * Bounds what the kernel buffers for us on TCP: connections that will come to
 * `port`, or those we have to `peer`. Sofia hides its descriptors, so they are
 * searched for; call it at the start and for new connections only.
 */
void lf_net_bound_listeners(uint16_t port);
void lf_net_bound_connections(const struct sockaddr *peer);

/* Our datagram socket that is bound to this address. -ENOENT. */
int lf_net_datagram_socket(const struct sockaddr *bound);

/* Which of our addresses the kernel would use towards `peer`. */
int lf_net_local_for(char *out, size_t size, const struct sockaddr *peer);

#endif
