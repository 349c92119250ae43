/* presence/feed.c - a connector's state, in the administrator's words. */
#include "presence/feed.h"

#include <stddef.h>

#include "core/banned.h"

/* S52, S53: by enum lf_feed_state. */
static const struct {
	const char *name, *remedy;
} states[] = {
	[LF_FEED_NOT_CONFIGURED] =
		{"ServerNotConfigured",
		 "Service enabled but not yet configured: complete the feed's "
		 "settings (server, uri, domain)."},
	[LF_FEED_DISABLED] = {"Disabled",
			      "Service is disabled: set enable to yes to start "
			      "it."},
	[LF_FEED_FORBIDDEN] =
		{"Forbidden",
		 "Access denied: check the credentials entered, and whether "
		 "the presence server accepts requests from this server (ACL, "
		 "trunk security profile)."},
	[LF_FEED_CONNECTION_ERROR] =
		{"ConnectionError",
		 "The presence server is unreachable: check the network, DNS "
		 "and NTP, and the server address, port and protocol."},
	[LF_FEED_UP] = {"UpAndRunning",
			"Successfully connected: service is active, you can "
			"monitor presence."},
	[LF_FEED_UP_UNKNOWN_CREDENTIALS] =
		{"CredentialsNotFound",
		 "Service is active. The credentials entered have not been "
		 "found, but this need not be a problem: on a trusted trunk "
		 "you can monitor presence all the same."},
};

#define N_STATES (sizeof(states) / sizeof(states[0]))

const char *lf_feed_state_name(enum lf_feed_state state)
{
	return (size_t)state < N_STATES ? states[state].name : "Unknown";
}

const char *lf_feed_state_remedy(enum lf_feed_state state)
{
	return (size_t)state < N_STATES ? states[state].remedy : "";
}
