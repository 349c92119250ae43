/* admin/commands.c - all tables of commands, and what they share. */
#include "admin/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/control.h"
#include "admin/server.h"
#include "core/clock.h"
#include "directory/note.h"
#include "directory/user.h"
#include "presence/board.h"
#include "presence/lamp.h"

#include "core/banned.h"

const struct lf_command *const lf_commands[] = {
	lf_server_commands, lf_people_commands,
	lf_lamp_commands,   lf_agent_commands,
	lf_list_commands,   lf_monitor_commands,
	lf_chat_commands,   lf_health_commands,
	lf_backup_commands, NULL,
};

const struct lf_user *lf_call_user(struct lf_call *call,
				   struct lf_server *server)
{
	const char *key = lf_call_arg(call, "user");
	const struct lf_user *user =
		key ? lf_user_resolve(server->directory, key) : NULL;
	char text[256];

	if (user)
		return user;
	snprintf(text, sizeof(text),
		 "There is no user %s. Give an id, a user name, an extension "
		 "or a SIP URI; `lampctl users` lists them.",
		 key ? key : "without a name");
	lf_call_end(call, text);
	return NULL;
}

static const char *telephony_text(const struct lf_user *user,
				  const struct lf_lamp *lamp)
{
	if (!*user->ext && lamp->tel == LF_TEL_UNKNOWN)
		return "User not configured or not enabled for this type of "
		       "presence (first extension number)";
	if (lamp->tel == LF_TEL_UNKNOWN && lamp->tel_cond != LF_COND_OK)
		return lf_cond_text(lamp->tel_cond);
	return lf_tel_name(lamp->tel);
}

static const char *rich_text(const struct lf_user *user,
			     const struct lf_lamp *lamp)
{
	if (!*user->sip_uri && !*user->ms_uri && !*user->webex_uri &&
	    lamp->rich == LF_RICH_UNKNOWN)
		return "User not configured or not enabled for this type of "
		       "presence (sip uri)";
	if (lamp->rich == LF_RICH_UNKNOWN && lamp->rich_cond != LF_COND_OK)
		return lf_cond_text(lamp->rich_cond);
	return lf_rich_name(lamp->rich);
}

json_t *lf_lamp_row(struct lf_server *server, const struct lf_user *user)
{
	const struct lf_lamp *lamp = lf_board_lamp(server->board, user->id);
	const struct lf_note *note = lf_note_find(server->notes, user->id);
	char name[LF_USER_TEXT_MAX * 2 + 2], since[LF_RFC3339_SIZE] = "";

	if (lamp->since_ms)
		lf_rfc3339(since, lamp->since_ms);
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id",
		user->id, "user", lf_user_name(user, name, sizeof(name)), "ext",
		user->ext, "lamp", lf_display_name(lf_lamp_display(lamp)),
		"rich", rich_text(user, lamp), "telephony",
		telephony_text(user, lamp), "forward", lamp->fwd_to, "message",
		lamp->message, "since", since, "note", note ? note->text : "");
}
