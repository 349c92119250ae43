/*
 * tests/console/desk.h - a whole console server on one loop: a real store,
 * users, notes, settings, a board with a feed the test plays, and clients
 * that speak lines to it over loopback.
 */
#ifndef LF_TESTS_CONSOLE_DESK_H
#define LF_TESTS_CONSOLE_DESK_H

#include "tests/core/certs.h"
#include "tests/directory/rig.h"

#include <jansson.h>

#include "console/console.h"
#include "presence/lamp.h"

struct lf_access;
struct lf_board;
struct lf_notes;
struct lf_person;
struct lf_stream;
struct lf_web;

#define DESK_PERSONS 128

struct desk {
	char licence[32]; /* what the console said last */
	struct rig *rig;
	struct certs certs;
	struct lf_vault *vault;
	struct lf_settings *settings;
	struct lf_notes *notes;
	struct lf_access *access;
	struct lf_timers *timers;
	struct lf_board *board;
	struct lf_tls *tls, *client_tls;
	struct lf_web *web;
	uint16_t web_port;
	struct lf_console *console;
	int feed;
	const char *chat_user; /* the one agent of the chat; NULL: none */
	enum lf_console_chat_state chat_state;
	size_t chat_contacts;
	const char *peer; /* what the reports say of the other party */
	struct lf_person *watched[DESK_PERSONS];
	size_t n_watched;
	bool is_closed;
	bool is_set;
	int set_err;
	unsigned to_add;
};

/*
 * Users u1 rossi 2101 BAE, u2 bianchi 2102 BAP, u3 verdi 2103 BOE (all with
 * password "secret", in group sales), u4 without licence, u5 without
 * extension; the ids come from the directory, see desk_id().
 */
int desk_setup(void **state);
int desk_teardown(void **state);
void desk_set(struct desk *desk, const char *name, const char *value);
const char *desk_id(struct desk *desk, const char *username);
/* Makes `n` users "x0".. with extension 5000.. in group "many". */
void desk_add_many(struct desk *desk, unsigned n);

/* What the feed says about the watched user; "" for no forward. */
void desk_report(struct desk *desk, const char *username, enum lf_tel line,
		 enum lf_rich rich, const char *fwd_to, const char *message);
int desk_try_report(struct desk *desk, const char *username, enum lf_tel line,
		    enum lf_rich rich, const char *fwd_to, const char *message);
bool desk_is_watched(struct desk *desk, const char *username);
/* The chat the test plays: the agent is `username`, NULL for nobody. */
void desk_chat(struct desk *desk, const char *username,
	       enum lf_console_chat_state state, size_t contacts);
void desk_close_console(struct desk *desk);

/* ---- a client ---- */
struct client {
	struct desk *desk;
	struct lf_stream *stream;
	struct lf_lines *lines;
	char **queue; /* lines not read yet */
	size_t n, at;
	bool is_open, is_closed;
};

struct client *client_open(struct desk *desk, bool is_tls); /* eats hello */
struct client *client_open_raw(struct desk *desk, bool is_tls);
void client_close(struct client *client);
void client_send(struct client *client, const char *line); /* adds the LF */
void client_write(struct client *client, const char *data, size_t len);
/* The next line, running the loop until it is there. The caller's. */
json_t *client_read(struct client *client);
/* The next line holds all that `expected` does; "*" stands for any value. */
void client_expect(struct client *client, const char *expected);
void client_ask(struct client *client, const char *line, const char *expected);
/* As client_ask(), and gives the answer's text member at "a.b". */
char *client_ask_text(struct client *client, const char *line,
		      const char *path);
void client_expect_closed(struct client *client);
/* A ping goes round; events on the way are dropped. */
void client_settle(struct client *client);
/* Logs in with a password (TLS) or by token (plain); features as JSON. */
void client_login(struct client *client, const char *username,
		  const char *features);

bool json_holds(const json_t *expected, const json_t *actual);

#endif
