/* admin/commands.h - what lampctl can ask for; one table per subject. */
#ifndef LF_ADMIN_COMMANDS_H
#define LF_ADMIN_COMMANDS_H

#include "admin/control.h"

struct lf_event_filter;
struct lf_server;
struct lf_user;

extern const struct lf_command *const lf_commands[]; /* NULL-ended */

extern const struct lf_command lf_server_commands[];
extern const struct lf_command lf_people_commands[];
extern const struct lf_command lf_lamp_commands[];
extern const struct lf_command lf_agent_commands[];
extern const struct lf_command lf_list_commands[];
extern const struct lf_command lf_monitor_commands[];
extern const struct lf_command lf_chat_commands[];
extern const struct lf_command lf_backup_commands[];

/* Rows of `get`: the settings whose names begin so; ends the call. */
void lf_call_settings(struct lf_call *call, struct lf_server *server,
		      const char *prefix);
extern const struct lf_command lf_health_commands[];

/* Ends `subscribe` and `watch` of everybody, before the board goes. */
void lf_diagnostics_close(struct lf_server *server);

/* The user named by the argument "user"; ends the call if there is none. */
const struct lf_user *lf_call_user(struct lf_call *call,
				   struct lf_server *server);

/* How the two layers of a lamp read in a table (S54, S55). */
json_t *lf_lamp_row(struct lf_server *server, const struct lf_user *user);

/* The filters of `events` from a call's arguments; NULL, or what is wrong. */
const char *lf_call_event_filter(struct lf_event_filter *f, int64_t *max,
				 struct lf_call *call);

/* Ends every `top`, before the rooms go. */
void lf_tops_close(struct lf_server *server);

#endif
