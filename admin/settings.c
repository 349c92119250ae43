/* admin/settings.c - the settings catalogue: a table from each room. */
#include "admin/server.h"

#include "chat/chat.h"
#include "console/console.h"
#include "directory/setting.h"
#include "monitor/monitor.h"
#include "presence/agent.h"
#include "presence/simple.h"

#include "core/banned.h"

const struct lf_setting_def *const lf_server_settings[] = {
	lf_directory_settings,
	lf_presence_settings,
	lf_agent_settings,
	lf_console_settings,
	lf_monitor_settings,
	lf_chat_settings,
	NULL,
};
