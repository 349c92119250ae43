/*
 * sip/net.c - plain helpers on socket addresses, without sofia. A peer behind
 * a dual-stack socket shows as ::ffff:a.b.c.d; everything here sees IPv4.
 */
#include "sip/net.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/text.h"

#include "core/banned.h"

#define RECEIVE_BUFFER (512 * 1024)

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool to_bytes(uint8_t out[16], const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)addr;

		memcpy(out, mapped, 12);
		memcpy(out + 12, &in->sin_addr, 4);
		return true;
	}
	if (addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)addr;

		memcpy(out, &in6->sin6_addr, 16);
		return true;
	}
	return false;
}

int lf_cidr_parse(struct lf_cidr *ret, const char *text)
{
	char host[64];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct sockaddr_storage addr;
	struct lf_cidr net;
	int64_t bits, max;

	if (!lf_text_copy_n(host, sizeof(host), text, len) ||
	    lf_net_parse(&addr, host, 0))
		return -EINVAL;
	to_bytes(net.addr, (const struct sockaddr *)&addr);
	max = addr.ss_family == AF_INET ? 32 : 128;
	bits = max;
	if (slash && lf_text_int(&bits, slash + 1, 0, max))
		return -EINVAL;
	net.bits = (uint8_t)(bits + 128 - max);
	*ret = net;
	return 0;
}

bool lf_cidr_has(const struct lf_cidr *net, const struct sockaddr *addr)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	uint8_t bytes[16];

	if (!to_bytes(bytes, addr) || memcmp(bytes, net->addr, whole))
		return false;
	return rest == 0 ||
	       (bytes[whole] ^ net->addr[whole]) >> (8 - rest) == 0;
}

int lf_cidr_list_parse(struct lf_cidr_list *ret, const char *const *texts)
{
	struct lf_cidr_list list = {0};
	size_t n = 0;

	while (texts && texts[n])
		n++;
	list.nets = calloc(n ? n : 1, sizeof(*list.nets));
	if (!list.nets)
		return -ENOMEM;
	for (; list.n < n; list.n++) {
		if (lf_cidr_parse(&list.nets[list.n], texts[list.n])) {
			lf_cidr_list_done(&list);
			return -EINVAL;
		}
	}
	*ret = list;
	return 0;
}

bool lf_cidr_list_has(const struct lf_cidr_list *list,
		      const struct sockaddr *addr)
{
	for (size_t i = 0; i < list->n; i++) {
		if (lf_cidr_has(&list->nets[i], addr))
			return true;
	}
	return false;
}

void lf_cidr_list_done(struct lf_cidr_list *list)
{
	free(list->nets);
	*list = (struct lf_cidr_list){0};
}

bool lf_net_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	uint8_t x[16], y[16];

	return to_bytes(x, a) && to_bytes(y, b) && !memcmp(x, y, 16);
}

bool lf_net_is_any(const char *address)
{
	return !strcmp(address, "0.0.0.0") || !strcmp(address, "::") ||
	       !strcmp(address, "[::]");
}

int lf_net_parse(struct sockaddr_storage *ret, const char *host, uint16_t port)
{
	struct sockaddr_in *in = (void *)ret;
	struct sockaddr_in6 *in6 = (void *)ret;
	char bare[64];
	size_t len = strlen(host);

	memset(ret, 0, sizeof(*ret));
	if (len > 1 && host[0] == '[' && host[len - 1] == ']')
		host++, len -= 2;
	if (!lf_text_copy_n(bare, sizeof(bare), host, len))
		return -EINVAL;
	if (inet_pton(AF_INET, bare, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		return 0;
	}
	if (inet_pton(AF_INET6, bare, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		return 0;
	}
	return -EINVAL;
}

socklen_t lf_net_size(const struct sockaddr *addr)
{
	return addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in);
}

void lf_net_unmap(struct sockaddr_storage *out, const struct sockaddr *addr)
{
	const struct sockaddr_in6 *in6 = (const void *)addr;
	struct sockaddr_in *in = (void *)out;
	uint8_t bytes[16];

	memset(out, 0, sizeof(*out));
	if (addr->sa_family == AF_INET6 && to_bytes(bytes, addr) &&
	    !memcmp(bytes, mapped, 12)) {
		in->sin_family = AF_INET;
		in->sin_port = in6->sin6_port;
		memcpy(&in->sin_addr, bytes + 12, 4);
		return;
	}
	memcpy(out, addr, lf_net_size(addr));
}

void lf_net_format(char *out, size_t size, const struct sockaddr *addr,
		   uint16_t *ret_port)
{
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;
	uint16_t port = 0;
	uint8_t bytes[16];

	out[0] = '\0';
	if (to_bytes(bytes, addr)) {
		if (!memcmp(bytes, mapped, 12))
			inet_ntop(AF_INET, bytes + 12, out, (socklen_t)size);
		else
			inet_ntop(AF_INET6, bytes, out, (socklen_t)size);
		port = ntohs(addr->sa_family == AF_INET ? in->sin_port
							: in6->sin6_port);
	}
	if (ret_port)
		*ret_port = port;
}

void lf_net_uri_host(char *out, size_t size, const char *address)
{
	bool bare6 = strchr(address, ':') && address[0] != '[';

	snprintf(out, size, bare6 ? "[%s]" : "%s", address);
}

int lf_net_local_for(char *out, size_t size, const struct sockaddr *peer)
{
	struct sockaddr_storage local;
	socklen_t len = sizeof(local);
	int fd = socket(peer->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	/* Connecting a datagram socket sends nothing; it only asks routes. */
	if (connect(fd, peer, lf_net_size(peer)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &len) < 0)
		err = -errno;
	else
		lf_net_format(out, size, (const struct sockaddr *)&local, NULL);
	close(fd);
	return err;
}

/* ---- sofia's sockets ---- */

static uint16_t port_of(const struct sockaddr *addr)
{
	char text[64];
	uint16_t port;

	lf_net_format(text, sizeof(text), addr, &port);
	return port;
}

static bool is_datagram_on(int fd, const struct sockaddr *bound)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr), size = sizeof(int);
	int type = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
	       type == SOCK_DGRAM &&
	       !getsockname(fd, (struct sockaddr *)&addr, &len) &&
	       port_of((const struct sockaddr *)&addr) == port_of(bound) &&
	       lf_net_same_host((const struct sockaddr *)&addr, bound);
}

int lf_net_datagram_socket(const struct sockaddr *bound)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int found = -ENOENT;

	while (dir && found < 0 && (entry = readdir(dir)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (is_datagram_on(fd, bound))
			found = fd;
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool listens_on(int fd, uint16_t port)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr), size = sizeof(int);
	int listens = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) &&
	       listens && !getsockname(fd, (struct sockaddr *)&addr, &len) &&
	       port_of((const struct sockaddr *)&addr) == port;
}

static bool is_stream_to(int fd, const struct sockaddr *peer)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr), size = sizeof(int);
	int type = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
	       type == SOCK_STREAM &&
	       !getpeername(fd, (struct sockaddr *)&addr, &len) &&
	       lf_net_same_host((const struct sockaddr *)&addr, peer) &&
	       port_of((const struct sockaddr *)&addr) == port_of(peer);
}

static void bound_sockets(uint16_t port, const struct sockaddr *peer)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	const int bytes = RECEIVE_BUFFER;

	while (dir && (entry = readdir(dir)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (peer ? is_stream_to(fd, peer) : listens_on(fd, port))
			setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes,
				   sizeof(bytes));
	}
	if (dir)
		closedir(dir);
}

void lf_net_bound_listeners(uint16_t port)
{
	if (port)
		bound_sockets(port, NULL);
}

void lf_net_bound_connections(const struct sockaddr *peer)
{
	bound_sockets(0, peer);
}
