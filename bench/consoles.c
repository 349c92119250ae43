/*
 * bench/consoles.c - many attendants who look at all lamps, in one process.
 *
 *     consoles PORT USERS PASSWORD SECONDS
 *
 * Logs in as op1..opN with SCRAM, subscribes to everybody, prints "ready" and
 * the time it took, then reads for so long and prints one JSON line: how many
 * lines and rows came, and how long after the stamp in the lamp's message
 * ("t=" and CLOCK_MONOTONIC in microseconds, made by lampsim).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAMPLES (8u << 20)
#define LINE_MAX_BYTES (1u << 20)
#define PATIENCE_MS 60000

struct console {
	int fd;
	size_t len;
	char *buf; /* LINE_MAX_BYTES */
};

static uint32_t *samples; /* microseconds */
static size_t n_samples;
static uint64_t n_lines, n_rows, n_bytes;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "consoles: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(struct console *c, const char *line)
{
	size_t len = strlen(line), done = 0;
	ssize_t n;

	while (done < len) {
		n = write(c->fd, line + done, len - done);
		if (n <= 0)
			die("write");
		done += (size_t)n;
	}
}

/* The next line, without its end; valid until the next call. */
static char *hear(struct console *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	static char line[LINE_MAX_BYTES];
	char *end;
	ssize_t n;

	while (!(end = memchr(c->buf, '\n', c->len))) {
		if (c->len == LINE_MAX_BYTES || poll(&p, 1, PATIENCE_MS) != 1)
			die("no line");
		n = read(c->fd, c->buf + c->len, LINE_MAX_BYTES - c->len);
		if (n <= 0)
			die("closed");
		c->len += (size_t)n;
	}
	memcpy(line, c->buf, (size_t)(end - c->buf));
	line[end - c->buf] = '\0';
	c->len -= (size_t)(end + 1 - c->buf);
	memmove(c->buf, end + 1, c->len);
	return line;
}

/* The answer with this id; events in between are dropped. */
static char *answer(struct console *c, const char *id)
{
	char key[16], *line;

	snprintf(key, sizeof(key), "\"id\":%s,", id);
	do
		line = hear(c);
	while (!strstr(line, key));
	if (!strstr(line, "\"result\"")) {
		fprintf(stderr, "consoles: %s\n", line);
		exit(1);
	}
	return line;
}

static void hmac(unsigned char out[32], const void *key, size_t key_len,
		 const char *text)
{
	HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text,
	     strlen(text), out, NULL);
}

/* RFC 5802 from the client's side. */
static void log_in(struct console *c, const char *user, const char *password)
{
	unsigned char salt[64], salted[32], key[32], stored[32], proof[32];
	char line[2048], first[256], server[512], last[512], auth[2048];
	char nonce[256], salt64[128], proof64[64];
	unsigned iterations, i;
	char *text;
	int n;

	hear(c);
	snprintf(first, sizeof(first), "n=%s,r=b%llu", user,
		 (unsigned long long)now_us());
	snprintf(line, sizeof(line),
		 "{\"id\":1,\"method\":\"login\",\"params\":{\"proto\":1,"
		 "\"client\":\"bench/1\",\"user\":\"%s\",\"auth\":"
		 "\"scram-sha-256\",\"data\":\"n,,%s\"}}\n",
		 user, first);
	say(c, line);
	text = strstr(answer(c, "1"), "\"continue\":\"") + 12;
	snprintf(server, sizeof(server), "%.*s", (int)strcspn(text, "\""),
		 text);
	if (sscanf(server, "r=%255[^,],s=%127[^,],i=%u", nonce, salt64,
		   &iterations) != 3)
		die("challenge");

	n = EVP_DecodeBlock(salt, (unsigned char *)salt64, (int)strlen(salt64));
	n -= strstr(salt64, "==") ? 2 : strchr(salt64, '=') ? 1 : 0;
	PKCS5_PBKDF2_HMAC(password, -1, salt, n, (int)iterations, EVP_sha256(),
			  32, salted);
	hmac(key, salted, 32, "Client Key");
	EVP_Digest(key, 32, stored, NULL, EVP_sha256(), NULL);
	snprintf(last, sizeof(last), "c=biws,r=%s", nonce);
	snprintf(auth, sizeof(auth), "%s,%s,%s", first, server, last);
	hmac(proof, stored, 32, auth);
	for (i = 0; i < 32; i++)
		proof[i] ^= key[i];
	EVP_EncodeBlock((unsigned char *)proof64, proof, 32);
	snprintf(line, sizeof(line),
		 "{\"id\":2,\"method\":\"login.continue\",\"params\":"
		 "{\"data\":\"%s,p=%s\"}}\n",
		 last, proof64);
	say(c, line);
	answer(c, "2");
}

static void start(struct console *c, unsigned number, uint16_t port,
		  const char *password)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	char user[16];
	int one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->buf = malloc(LINE_MAX_BYTES);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!c->buf || c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	snprintf(user, sizeof(user), "op%u", number);
	log_in(c, user, password);
	say(c, "{\"id\":3,\"method\":\"sub\",\"params\":{\"topic\":\"lamps\","
	       "\"filter\":{\"all\":true},\"page\":200}}\n");
	answer(c, "3");
}

/* Each row of a delta carries the stamp of its change. */
static void measure(char *line, uint64_t now)
{
	char *at = line;

	n_lines++;
	if (!strstr(line, "\"method\":\"lamp\""))
		return;
	while ((at = strstr(at, "\"msg\":\"t="))) {
		at += 9;
		n_rows++;
		if (n_samples < MAX_SAMPLES)
			samples[n_samples++] =
				(uint32_t)(now - strtoull(at, NULL, 10));
	}
}

static void read_some(struct console *c)
{
	uint64_t now = now_us();
	char *start_of_line = c->buf, *end;
	ssize_t n = read(c->fd, c->buf + c->len, LINE_MAX_BYTES - c->len);

	if (n <= 0)
		die("closed");
	n_bytes += (uint64_t)n;
	c->len += (size_t)n;
	while ((end = memchr(start_of_line, '\n',
			     c->len - (size_t)(start_of_line - c->buf)))) {
		*end = '\0';
		measure(start_of_line, now);
		start_of_line = end + 1;
	}
	c->len -= (size_t)(start_of_line - c->buf);
	memmove(c->buf, start_of_line, c->len);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t percentile(unsigned percent)
{
	return n_samples ? samples[(n_samples - 1) * percent / 100] : 0;
}

int main(int argc, char **argv)
{
	struct epoll_event event = {.events = EPOLLIN}, ready[64];
	struct console *consoles;
	uint64_t begin, end;
	unsigned i, n;
	int ep, got;

	if (argc != 5) {
		fputs("usage: consoles PORT USERS PASSWORD SECONDS\n", stderr);
		return 2;
	}
	n = (unsigned)strtoul(argv[2], NULL, 10);
	consoles = calloc(n, sizeof(*consoles));
	samples = malloc(MAX_SAMPLES * sizeof(*samples));
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (!consoles || !samples || ep < 0)
		die("start");
	begin = now_us();
	for (i = 0; i < n; i++) {
		start(&consoles[i], i + 1, (uint16_t)strtoul(argv[1], NULL, 10),
		      argv[3]);
		event.data.ptr = &consoles[i];
		epoll_ctl(ep, EPOLL_CTL_ADD, consoles[i].fd, &event);
	}
	printf("ready %llu\n", (unsigned long long)(now_us() - begin));
	fflush(stdout);

	end = now_us() + strtoull(argv[4], NULL, 10) * 1000000;
	while (now_us() < end) {
		got = epoll_wait(ep, ready, 64, 100);
		for (int k = 0; k < got; k++)
			read_some(ready[k].data.ptr);
	}
	qsort(samples, n_samples, sizeof(*samples), by_size);
	printf("{\"consoles\":%u,\"lines\":%llu,\"rows\":%llu,\"bytes\":%llu,"
	       "\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
	       n, (unsigned long long)n_lines, (unsigned long long)n_rows,
	       (unsigned long long)n_bytes, percentile(50), percentile(99),
	       percentile(100));
	return 0;
}
