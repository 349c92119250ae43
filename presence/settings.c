/*
 * presence/settings.c - the settings of this room: the feeds (S10-S31), and
 * which of several sources wins (S41, S42). "voicemail.pilot" (S47) belongs to
 * the directory, as part of the numbering.
 */
#include "directory/setting.h"

#include <stddef.h>

#include "presence/simple.h"

#include "core/banned.h"

#define FEED(key) "feed.*." key

const struct lf_setting_def lf_presence_settings[] = {
	{FEED("enable"), LF_SET_BOOL, "yes", 0, 0, NULL, NULL,
	 "Whether this SIP/SIMPLE feed runs.", "S15"},
	{FEED("server"), LF_SET_ADDRESS, "", 0, 0, NULL, NULL,
	 "The PBX or presence server; port 5060 (TLS: 5061) unless given.",
	 "S16"},
	{FEED("protocol"), LF_SET_ENUM, "udp", 0, 0, "udp|tcp|tls", NULL,
	 "How the server is reached.", "S17"},
	{FEED("uri"), LF_SET_TEXT, "", 0, 128, NULL, NULL,
	 "Who we are there: user@domain, or EXTENSION@PBX-IP without a "
	 "presence server. On a trusted trunk any name will do.",
	 "S18"},
	{FEED("auth-id"), LF_SET_TEXT, "", 0, 128, NULL, NULL,
	 "User name for digest authentication; default: first part of uri.",
	 "S19"},
	{FEED("password"), LF_SET_SECRET, "", 0, 128, NULL, NULL,
	 "Password for digest authentication; empty on a trusted trunk.",
	 "S19"},
	{FEED("domain"), LF_SET_TEXT, "", 0, 128, NULL, NULL,
	 "Presence domain, or the PBX's address or name; default: server.",
	 "S19"},
	{FEED("dialect"), LF_SET_ENUM, "auto", 0, 0,
	 "auto|cucm|cup|asterisk|freeswitch|kamailio|plain", NULL,
	 "Whose habits the documents follow.", "S10"},
	{FEED("package"), LF_SET_ENUM, "auto", 0, 0,
	 "auto|presence|dialog|both", NULL,
	 "What is subscribed to; auto takes the dialect's best, and the other "
	 "one if the server refuses it.",
	 "S10"},
	{FEED("message-summary"), LF_SET_BOOL, "no", 0, 0, NULL, NULL,
	 "Also subscribe to the voicemail counts.", "S10"},
	{FEED("has-presence-server"), LF_SET_BOOL, "no", 0, 0, NULL, NULL,
	 "yes: users are watched at their SIP URI, telephony and rich "
	 "presence; no: at EXTENSION@server, telephony only.",
	 "S11"},
	{FEED("list-uri"), LF_SET_TEXT, "", 0, 128, NULL, NULL,
	 "A resource list (RFC 4662) at the server that holds the users; "
	 "empty: one subscription for each user.",
	 "S10"},
	{FEED("expires"), LF_SET_INT, "3600", 60, 86400, NULL, "s",
	 "Duration asked for each subscription.", "S10"},
	{FEED("max-in-flight"), LF_SET_INT, "500", 1, 5000, NULL, NULL,
	 "Requests that may be outstanding at the server at once.", "S27"},
	{FEED("probe-interval"), LF_SET_INT, "5", 1, 3600, NULL, "s",
	 "Time between two signs of life asked of the server.", "S27"},
	{FEED("stale-after"), LF_SET_INT, "90", 5, 3600, NULL, "s",
	 "How long a lamp outlives the silence of the server.", "S27"},
	{FEED("allow"), LF_SET_LIST, "", 0, 1024, NULL, NULL,
	 "Further addresses or networks this server may speak from, such as "
	 "the other nodes of a cluster.",
	 "S23"},
	{"presence.winning-technology", LF_SET_ENUM, "SipSimple", 0, 0,
	 "SipSimple|MSTeams|Webex|Lync", NULL,
	 "Whose rich presence is shown when several sources have one.", "S42"},
	{"presence.preferred-feed", LF_SET_TEXT, "", 0, 64, NULL, NULL,
	 "The SIP/SIMPLE feed that wins over the others; empty: the first.",
	 "S41"},
	{NULL},
};
