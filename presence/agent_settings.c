/* presence/agent_settings.c - the settings of the presence server: a table. */
#include "presence/agent.h"

#include "core/banned.h"

#define SERVER(key) "presence-server." key

const struct lf_setting_def lf_agent_settings[] = {
	{SERVER("enable"), LF_SET_BOOL, "yes", 0, 0, NULL, NULL,
	 "Whether phones and other servers may subscribe to lamps here and "
	 "publish their own.",
	 NULL},
	{SERVER("trusted"), LF_SET_LIST, "", 0, 1024, NULL, NULL,
	 "Addresses and networks that may subscribe and publish for anybody, "
	 "without a password, such as a PBX.",
	 NULL},
	{SERVER("trusted-certificates"), LF_SET_LIST, "", 0, 4096, NULL, NULL,
	 "Names in certificates of peers that may do the same when they come "
	 "over TLS: hosts, addresses, SIP URIs, or sha256: and a fingerprint.",
	 NULL},
	{SERVER("realm"), LF_SET_TEXT, "lampfield", 0, 127, NULL, NULL,
	 "The realm in digest challenges; phones show it.", NULL},
	{SERVER("register"), LF_SET_BOOL, "yes", 0, 0, NULL, NULL,
	 "Answer REGISTER with 200, for softphones that publish only when "
	 "they are registered. Calls are not routed here.",
	 NULL},
	{SERVER("expires-min"), LF_SET_INT, "60", 1, 86400, NULL, "s",
	 "Subscriptions and publications shorter than this are refused.", NULL},
	{SERVER("expires-max"), LF_SET_INT, "3600", 60, 86400, NULL, "s",
	 "Longer ones are shortened to this.", NULL},
	{SERVER("max-watchers"), LF_SET_INT, "100000", 1, 250000, NULL, NULL,
	 "Subscriptions served at a time; further ones are refused.", NULL},
	{SERVER("notify-interval"), LF_SET_INT, "0", 0, 60000, NULL, "ms",
	 "Least time between two NOTIFYs of a subscription; the latest state "
	 "wins.",
	 NULL},
	{SERVER("partial-dialog"), LF_SET_LIST, "", 0, 1024, NULL, NULL,
	 "Watchers of dialog that are told only what changed: names, "
	 "name@domain, or addresses.",
	 NULL},
	{SERVER("show"), LF_SET_ENUM, "full", 0, 0, "full|basic|nothing", NULL,
	 "What watchers see of a person without a privacy setting: "
	 "everything, reachable or not, or nothing.",
	 "S274"},
	{SERVER("hide-digits"), LF_SET_INT, "3", 0, 32, NULL, NULL,
	 "Digits at the end of a forward's target that watchers do not see.",
	 "S116"},
	{"privacy.*.show", LF_SET_ENUM, "server", 0, 0,
	 "server|full|basic|nothing", NULL,
	 "What watchers see of this user (by user name).", "S274"},
	{"privacy.*.allow", LF_SET_LIST, "", 0, 1024, NULL, NULL,
	 "Watchers who see everything of this user all the same: names, or "
	 "name@domain.",
	 "S274"},
	{"list.*.group", LF_SET_TEXT, "", 0, 128, NULL, NULL,
	 "A department or group whose users are on the list sip:NAME@..., with "
	 "those of its document (lampctl list).",
	 "S10"},
	{"sip-user.*.password", LF_SET_SECRET, "", 0, 128, NULL, NULL,
	 "The password this user's phone answers a digest challenge with.",
	 NULL},
	{NULL},
};
