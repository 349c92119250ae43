/*
 * admin/server.h - all rooms put together: who is opened after whom, and
 * closed before whom.
 *
 *     conf -> store -> vault -> settings -> monitor -> notes, directory
 *          -> SIP -> board -> SIP/SIMPLE feeds -> presence server
 *          -> console -> chat -> web ports, control socket -> ready
 */
#ifndef LF_ADMIN_SERVER_H
#define LF_ADMIN_SERVER_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "core/conf.h"
#include "core/list.h"

struct lf_access;
struct lf_agent;
struct lf_backup;
struct lf_board;
struct lf_chat;
struct lf_console;
struct lf_control;
struct lf_directory;
struct lf_health;
struct lf_monitor;
struct lf_notes;
struct lf_setting_def;
struct lf_settings;
struct lf_simple;
struct lf_sip;
struct lf_store;
struct lf_timers;
struct lf_tls;
struct lf_vault;
struct lf_web;

/* What boots the server: every section and key of lampfield.conf(5). */
extern const struct lf_conf_key lf_server_conf[];

/* The catalogue of settings: every room's table, NULL-ended. */
extern const struct lf_setting_def *const lf_server_settings[];

/* Open to the files of admin/ only; a part is NULL before it is opened. */
struct lf_server {
	uv_loop_t *loop;
	const struct lf_conf *conf;
	struct lf_timers *timers;
	struct lf_store *store;
	struct lf_vault *vault;
	struct lf_settings *settings;
	struct lf_monitor *monitor;
	struct lf_health *health;
	struct lf_directory *directory;
	struct lf_notes *notes;
	struct lf_access *access;
	struct lf_sip *sip;
	struct lf_board *board;
	struct lf_simple *simple;
	struct lf_agent *agent;
	struct lf_tls *tls;
	struct lf_web *web;
	struct lf_console *console;
	struct lf_chat *chat; /* NULL too if its schemas are missing */
	struct lf_control *control;
	int64_t started_ms;         /* lf_mono_ms() */
	struct lf_backup *backup;   /* commands_backup.c: the one under way */
	struct lf_list tops;        /* commands_health.c: `top` */
	struct lf_list diagnostics; /* commands_lamps.c: `subscribe`, `watch` */

	/* Called once, from the loop: 0 when everybody may come in. */
	void (*on_ready)(int err, void *arg);
	/* Called when the last part is closed. */
	void (*on_closed)(void *arg);
	void *arg;
	size_t closing; /* parts that finish later */
};

/*
 * `server` is zeroed but for loop, conf and the callbacks. A failure before
 * on_ready is logged with what to do and returned, or given to on_ready;
 * close it then as well.
 */
int lf_server_open(struct lf_server *server);
void lf_server_close(struct lf_server *server);

/* New certificates; on error the old ones stay (SIGHUP, `lampctl reload`). */
int lf_server_reload(struct lf_server *server, char *err_text, size_t size);

/* ---- inside admin/ ---- */
/* Logs why the start ends here; returns `err`. */
int lf_server_fail(const char *what, int err);
/* ports.c: in this order; the web's paths are named before it listens. */
int lf_server_open_tls(struct lf_server *server);
int lf_server_open_console(struct lf_server *server);
int lf_server_listen(struct lf_server *server);

#endif
