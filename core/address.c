/* core/address.c - socket addresses to and from what people write. */
#include "core/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "core/banned.h"

int lf_address_ip(struct sockaddr_storage *ret, socklen_t *ret_len,
		  const char *address, uint16_t port)
{
	memset(ret, 0, sizeof(*ret));
	if (!uv_ip4_addr(address, port, (struct sockaddr_in *)ret)) {
		*ret_len = sizeof(struct sockaddr_in);
		return 0;
	}
	*ret_len = sizeof(struct sockaddr_in6);
	return uv_ip6_addr(address, port, (struct sockaddr_in6 *)ret);
}

int lf_address_unix(struct sockaddr_storage *ret, socklen_t *ret_len,
		    const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)ret;
	size_t len = strlen(path);

	if (len >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	memset(ret, 0, sizeof(*ret));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len + 1);
	*ret_len = sizeof(*un);
	return 0;
}

static void format_ip6(char *out, const struct sockaddr_in6 *in6)
{
	char ip[INET6_ADDRSTRLEN] = "";
	int port = ntohs(in6->sin6_port);

	/* On a dual-stack socket an IPv4 peer comes mapped: show it plain. */
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], ip, sizeof(ip));
		snprintf(out, LF_ADDRESS_SIZE, "%s:%d", ip, port);
	} else {
		inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof(ip));
		snprintf(out, LF_ADDRESS_SIZE, "[%s]:%d", ip, port);
	}
}

void lf_address_peer(char out[LF_ADDRESS_SIZE], int fd,
		     const struct sockaddr_storage *peer)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
	char ip[INET_ADDRSTRLEN] = "";
	struct ucred who;
	socklen_t len = sizeof(who);

	if (peer->ss_family == AF_INET6) {
		format_ip6(out, (const struct sockaddr_in6 *)peer);
	} else if (peer->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, ip, sizeof(ip));
		snprintf(out, LF_ADDRESS_SIZE, "%s:%d", ip,
			 ntohs(in->sin_port));
	} else if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len)) {
		snprintf(out, LF_ADDRESS_SIZE, "unix:%u", (unsigned)who.uid);
	} else {
		snprintf(out, LF_ADDRESS_SIZE, "unix");
	}
}
