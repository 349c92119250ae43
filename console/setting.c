/*
 * console/setting.c - what an administrator can change about consoles, and
 * the copy of it that the room works with.
 */
#include "console/internal.h"

#include "core/banned.h"

const struct lf_setting_def lf_console_settings[] = {
	{"console.plain", LF_SET_BOOL, "yes", 0, 0, NULL, NULL,
	 "Listen without encryption too; passwords are refused there.", "S98"},
	{"console.search-max", LF_SET_INT, "200", 1, 500, NULL, NULL,
	 "Most rows that one search returns.", "S114"},
	{"console.min-lookup-length", LF_SET_INT, "6", 0, 32, NULL, NULL,
	 "Consoles do not look up callers with shorter numbers.", "S113"},
	{"console.mask-digits", LF_SET_INT, "3", 0, 32, NULL, NULL,
	 "Last digits of a forward target that operators do not see.", "S116"},
	{"console.show-peer", LF_SET_BOOL, "no", 0, 0, NULL, NULL,
	 "Show the remote party of a colleague's call to BAE consoles.",
	 "S118"},
	{"console.max-rows", LF_SET_INT, "5000", 1, 200000, NULL, NULL,
	 "Most colleagues one console may watch at a time.", "S98"},
	{"console.max-subscriptions", LF_SET_INT, "20", 1, 200, NULL, NULL,
	 "Most subscriptions of one console.", "S98"},
	{"console.resume-time", LF_SET_INT, "60", 0, 600, NULL, "s",
	 "How long a session outlives its connection.", "S98"},
	{"console.licences-boe", LF_SET_INT, "0", 0, 100000, NULL, NULL,
	 "BOE sessions at a time; 0 is no limit.", "S249"},
	{"console.licences-bap", LF_SET_INT, "0", 0, 100000, NULL, NULL,
	 "BAP sessions at a time; 0 is no limit.", "S249"},
	{"console.licences-bae", LF_SET_INT, "0", 0, 100000, NULL, NULL,
	 "BAE sessions at a time; 0 is no limit.", "S249"},
	{"console.alternatives", LF_SET_LIST, "", 0, 1024, NULL, NULL,
	 "Other nodes, host:port, that consoles may try.", "S106"},
	{"console.update-url", LF_SET_TEXT, "", 0, 512, NULL, NULL,
	 "Where consoles look for a newer version of themselves.", "S115"},
	{NULL},
};

static unsigned number(const struct lf_settings *settings, const char *name)
{
	return (unsigned)lf_setting_int(settings, name);
}

void lf_limits_read(struct lf_limits *ret, const struct lf_settings *s)
{
	ret->is_plain = lf_setting_bool(s, "console.plain");
	ret->shows_peer = lf_setting_bool(s, "console.show-peer");
	ret->search_max = number(s, "console.search-max");
	ret->min_lookup = number(s, "console.min-lookup-length");
	ret->mask_digits = number(s, "console.mask-digits");
	ret->max_rows = number(s, "console.max-rows");
	ret->max_subs = number(s, "console.max-subscriptions");
	ret->resume_ms = lf_setting_int(s, "console.resume-time") * 1000;
	ret->licences[LF_LICENCE_NONE] = 0;
	ret->licences[LF_LICENCE_BOE] = number(s, "console.licences-boe");
	ret->licences[LF_LICENCE_BAP] = number(s, "console.licences-bap");
	ret->licences[LF_LICENCE_BAE] = number(s, "console.licences-bae");
}
