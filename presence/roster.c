/*
 * presence/roster.c - one list subscription, told apart by resource.
 *
 * What the list says of a resource is kept whether or not somebody watches
 * it, so that a later watch is answered at once. The list is subscribed to
 * while at least one watch is seated.
 */
#include "presence/roster.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/map.h"
#include "core/text.h"
#include "presence/brief.h"
#include "presence/document.h"
#include "presence/leg.h"
#include "presence/multipart.h"
#include "presence/peer.h"
#include "presence/report.h"
#include "presence/rlmi.h"
#include "presence/watch.h"
#include "sip/subscribe.h"

#include "core/banned.h"

#define KEY_MAX 256
#define ENTRIES_MAX 20000

struct lf_roster_entry {
	struct lf_list seats;
	struct lf_brief said;
	bool is_listed; /* by the last full state */
	bool is_fresh;  /* mentioned by the document being read */
	char key[];
};

struct lf_roster {
	struct lf_leg leg;
	struct lf_line_feed *feed;
	struct lf_map entries;
	size_t seated;
	struct lf_document *document;
	bool is_known; /* a full state came, and holds */
	char uri[];
};

/* "sip:200@PBX.example:5060;user=phone" and "200@pbx.example" are one. */
static bool make_key(char key[KEY_MAX], const char *uri)
{
	size_t len, i;

	if (lf_text_starts(uri, "sip:") || lf_text_starts(uri, "sips:") ||
	    lf_text_starts(uri, "pres:"))
		uri = strchr(uri, ':') + 1;
	len = strcspn(uri, ";?>");
	if (!len || len >= KEY_MAX)
		return false;
	for (i = 0; i < len; i++)
		key[i] = (char)tolower((unsigned char)uri[i]);
	key[len] = '\0';
	i = strcspn(key, "@");
	if (key[i]) /* without the port; an IPv6 address keeps its colons */
		i += strcspn(key + i, key[i + 1] == '[' ? "]" : ":");
	if (key[i] == ']')
		i++;
	key[i] = '\0';
	return true;
}

static struct lf_roster_entry *get_entry(struct lf_roster *roster,
					 const char *uri)
{
	struct lf_roster_entry *entry;
	char key[KEY_MAX];
	size_t len;

	if (!make_key(key, uri))
		return NULL;
	entry = lf_map_find(&roster->entries, key);
	if (entry || roster->entries.count >= ENTRIES_MAX)
		return entry;
	len = strlen(key) + 1;
	entry = calloc(1, sizeof(*entry) + len);
	if (!entry)
		return NULL;
	lf_list_init(&entry->seats);
	memcpy(entry->key, key, len);
	if (lf_map_add(&roster->entries, entry->key, entry)) {
		free(entry);
		return NULL;
	}
	return entry;
}

static void free_entry(struct lf_roster *roster, struct lf_roster_entry *entry)
{
	lf_map_del(&roster->entries, entry->key);
	lf_brief_done(&entry->said);
	free(entry);
}

/* ---- telling the watches ---- */

/* False: the list is no help now, everybody looks for himself. */
static bool has_hope(const struct lf_roster *roster)
{
	const struct lf_leg *leg = &roster->leg;

	if (leg->cond == LF_COND_NOT_FOUND ||
	    leg->cond == LF_COND_ACCESS_DENIED)
		return false;
	return leg->cond != LF_COND_ERROR || leg->state != LF_LEG_RETRY;
}

static void tell_seat(struct lf_roster *roster, struct lf_roster_seat *seat)
{
	const struct lf_leg *leg = &roster->leg;
	struct lf_report report;

	if (!has_hope(roster) ||
	    (roster->is_known && !seat->entry->is_listed)) {
		seat->on_report(NULL, seat->arg);
		return;
	}
	memset(&report, 0, sizeof(report));
	if (leg->cond == LF_COND_OK) {
		lf_brief_get(&seat->entry->said, &report);
	} else {
		report.cond = leg->cond;
		lf_text_copy(report.hint, sizeof(report.hint),
			     leg->hint ? leg->hint : "");
	}
	seat->on_report(&report, seat->arg);
}

static void tell_entry(struct lf_roster *roster, struct lf_roster_entry *entry)
{
	LF_LIST_FOREACH_SAFE (node, &entry->seats)
		tell_seat(roster,
			  LF_CONTAINER_OF(node, struct lf_roster_seat, node));
}

static void on_change(struct lf_leg *leg)
{
	struct lf_roster *roster = LF_CONTAINER_OF(leg, struct lf_roster, leg);
	struct lf_roster_entry *entry;

	if (!has_hope(roster))
		roster->is_known = false;
	LF_MAP_FOREACH (entry, &roster->entries)
		tell_entry(roster, entry);
}

/* ---- what the list says ---- */

static void on_report(const char *uri, const struct lf_report *report,
		      void *arg)
{
	struct lf_roster *roster = arg;
	struct lf_roster_entry *entry = uri ? get_entry(roster, uri) : NULL;
	struct lf_report copy = *report;

	if (!entry)
		return;
	copy.at_ms = lf_mono_ms();
	if (copy.cond != LF_COND_OK)
		lf_text_copy(copy.hint, sizeof(copy.hint),
			     "its own state within the list");
	lf_brief_set(&entry->said, &copy);
}

static int on_name(const struct lf_rlmi_entry *name, void *arg)
{
	struct lf_roster_entry *entry = get_entry(arg, name->uri);

	if (entry)
		entry->is_listed = entry->is_fresh = true;
	return 0;
}

/* Who is on the list, with or without a state. */
static int read_names(struct lf_roster *roster,
		      const struct lf_sip_notify *notify, bool *ret_is_full)
{
	struct lf_part *parts = calloc(LF_PARTS_MAX, sizeof(*parts));
	size_t i = 0, n = 0;
	int64_t version;
	int err;

	if (!parts)
		return -ENOMEM;
	err = lf_multipart_split(parts, LF_PARTS_MAX, &n, notify->content_type,
				 notify->body, notify->len);
	while (!err && i < n &&
	       !lf_content_is(parts[i].content_type, "application/rlmi+xml"))
		i++;
	if (!err)
		err = i == n ? -EPROTO
			     : lf_rlmi_read(parts[i].body, parts[i].len,
					    &version, ret_is_full, on_name,
					    roster);
	free(parts);
	return err;
}

/* A partial list needs the full one before it. */
static int read_list(struct lf_roster *roster,
		     const struct lf_sip_notify *notify, bool *ret_is_full)
{
	int err;

	err = lf_document_read(&roster->document, roster->feed->dialect,
			       notify->content_type, notify->body, notify->len,
			       on_report, roster);
	if (!err)
		err = read_names(roster, notify, ret_is_full);
	if (!err && !*ret_is_full && !roster->is_known)
		err = -EAGAIN;
	return err;
}

static void on_new_dialog(struct lf_leg *leg)
{
	struct lf_roster *roster = LF_CONTAINER_OF(leg, struct lf_roster, leg);

	lf_document_free(roster->document);
	roster->document = NULL;
}

/* After a full state: who was not in it is not on the list any more. */
static void drop_unnamed(struct lf_roster *roster, bool is_full)
{
	struct lf_roster_entry *entry;

	LF_MAP_FOREACH (entry, &roster->entries) {
		if (is_full && !entry->is_fresh)
			entry->is_listed = false;
		entry->is_fresh = false;
		if (!entry->is_listed && lf_list_is_empty(&entry->seats))
			free_entry(roster, entry);
	}
	if (is_full)
		roster->is_known = true;
}

static int on_document(struct lf_leg *leg, const struct lf_sip_notify *notify)
{
	struct lf_roster *roster = LF_CONTAINER_OF(leg, struct lf_roster, leg);
	bool is_full = false;
	int err;

	if (!notify->len)
		return 0;
	err = read_list(roster, notify, &is_full);
	if (!err)
		drop_unnamed(roster, is_full);
	return err;
}

static int on_refused(struct lf_leg *leg)
{
	return -1;
}

static const char *subject(struct lf_leg *leg)
{
	return "list"; /* no user's id looks like this: "u17" */
}

static const struct lf_leg_ops leg_ops = {
	.on_document = on_document,
	.on_new_dialog = on_new_dialog,
	.on_change = on_change,
	.on_refused = on_refused,
	.subject = subject,
};

/* ---- seats ---- */

static enum lf_package package_of(const struct lf_line_feed *feed)
{
	return feed->packages & 1 << LF_PRESENCE ? LF_PRESENCE : LF_DIALOG;
}

int lf_roster_sit(struct lf_roster *roster, struct lf_roster_seat *seat,
		  const char *uri)
{
	struct lf_roster_entry *entry = get_entry(roster, uri);
	int err = 0;

	if (!entry)
		return -ENOMEM;
	if (roster->leg.state == LF_LEG_OFF)
		err = lf_leg_start(&roster->leg, package_of(roster->feed),
				   roster->uri, true);
	if (err) {
		if (!entry->is_listed && lf_list_is_empty(&entry->seats))
			free_entry(roster, entry);
		return err;
	}
	lf_list_add_tail(&entry->seats, &seat->node);
	seat->entry = entry;
	roster->seated++;
	tell_seat(roster, seat);
	return 0;
}

void lf_roster_rise(struct lf_roster *roster, struct lf_roster_seat *seat)
{
	struct lf_roster_entry *entry = seat->entry;

	if (!entry)
		return;
	lf_list_del(&seat->node);
	seat->entry = NULL;
	if (!entry->is_listed && lf_list_is_empty(&entry->seats))
		free_entry(roster, entry);
	if (--roster->seated)
		return;
	lf_leg_stop(&roster->leg);
	on_new_dialog(&roster->leg);
	roster->is_known = false;
	LF_MAP_FOREACH (entry, &roster->entries)
		free_entry(roster, entry);
}

int lf_roster_new(struct lf_roster **ret, struct lf_line_feed *feed,
		  const char *list_uri)
{
	size_t len = strlen(list_uri) + sizeof("sip:");
	struct lf_roster *roster = calloc(1, sizeof(*roster) + len);
	bool has_scheme = lf_text_starts(list_uri, "sip:") ||
			  lf_text_starts(list_uri, "sips:");

	if (!roster)
		return -ENOMEM;
	snprintf(roster->uri, len, "%s%s", has_scheme ? "" : "sip:", list_uri);
	roster->feed = feed;
	lf_leg_init(&roster->leg, &feed->peer, &leg_ops);
	*ret = roster;
	return 0;
}

void lf_roster_free(struct lf_roster *roster)
{
	struct lf_roster_entry *entry;

	if (!roster)
		return;
	lf_leg_stop(&roster->leg);
	on_new_dialog(&roster->leg);
	LF_MAP_FOREACH (entry, &roster->entries)
		free_entry(roster, entry);
	lf_map_done(&roster->entries);
	free(roster);
}
