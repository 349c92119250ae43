/*
 * monitor/alarm.c - what is wrong just now. An event that another one clears
 * turns an alarm on, the other turns it off; both are kept in the store
 * (bucket "alarm"), so that a restart neither forgets nor repeats one.
 */
#include "monitor/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/json.h"
#include "core/text.h"
#include "store/store.h"

#include "core/banned.h"

#define BUCKET "alarm"

struct alarm {
	struct lf_list node;
	char key[LF_EVENT_KEY_SIZE];
	struct lf_event_note note; /* its id: the row that began it */
};

static struct alarm *find(const struct lf_monitor *monitor, enum lf_event event,
			  const char *subject)
{
	char key[LF_EVENT_KEY_SIZE];

	lf_event_key(key, event, subject);
	return lf_map_find(&monitor->alarms, key);
}

static struct alarm *add(struct lf_monitor *monitor,
			 const struct lf_event_note *note)
{
	struct alarm *alarm;

	if (monitor->n_alarms >= LF_ALARMS_MAX)
		return NULL;
	alarm = calloc(1, sizeof(*alarm));
	if (!alarm)
		return NULL;
	alarm->note = *note;
	lf_event_key(alarm->key, note->event, note->subject);
	if (lf_map_add(&monitor->alarms, alarm->key, alarm)) {
		free(alarm);
		return NULL;
	}
	lf_list_add_tail(&monitor->alarm_order, &alarm->node);
	monitor->n_alarms++;
	return alarm;
}

static void drop(struct lf_monitor *monitor, struct alarm *alarm)
{
	lf_map_del(&monitor->alarms, alarm->key);
	lf_list_del(&alarm->node);
	monitor->n_alarms--;
	free(alarm);
}

static void save(struct lf_monitor *monitor, const struct alarm *alarm)
{
	struct lf_buf buf = {0};

	lf_buf_addf(&buf, "{\"event\":%d,\"id\":%lld,\"since\":%lld,",
		    (int)alarm->note.event, (long long)alarm->note.id,
		    (long long)alarm->note.first_ms);
	lf_buf_adds(&buf, "\"subject\":");
	lf_buf_add_json(&buf, alarm->note.subject);
	lf_buf_adds(&buf, ",\"text\":");
	lf_buf_add_json(&buf, alarm->note.text);
	lf_buf_addc(&buf, '}');
	if (!lf_buf_error(&buf))
		lf_store_put(monitor->store, BUCKET, alarm->key, buf.data,
			     buf.len, LF_STORE_ANY, NULL, NULL);
	lf_buf_done(&buf);
}

enum lf_alarm_step lf_alarm_take(struct lf_monitor *monitor,
				 const struct lf_event_info *info,
				 const struct lf_event_note *note)
{
	struct alarm *alarm;

	if (info->clears) {
		alarm = find(monitor, info->clears, note->subject);
		if (!alarm)
			return LF_ALARM_WAS_NOT;
		lf_store_del(monitor->store, BUCKET, alarm->key, LF_STORE_ANY,
			     NULL, NULL);
		drop(monitor, alarm);
		return LF_ALARM_ENDED;
	}
	if (!lf_event_is_alarm(info))
		return LF_ALARM_NONE;
	alarm = find(monitor, info->id, note->subject);
	if (!alarm)
		return add(monitor, note) ? LF_ALARM_BEGAN : LF_ALARM_NONE;
	alarm->note.count++;
	alarm->note.last_ms = note->last_ms;
	lf_text_copy(alarm->note.text, sizeof(alarm->note.text), note->text);
	return LF_ALARM_GOES_ON;
}

void lf_alarm_link(struct lf_monitor *monitor, const struct lf_event_note *note)
{
	struct alarm *alarm = find(monitor, note->event, note->subject);

	if (!alarm)
		return;
	alarm->note.id = note->id;
	save(monitor, alarm);
}

int lf_alarm_at(const struct lf_monitor *monitor, size_t i,
		struct lf_alarm *ret)
{
	LF_LIST_FOREACH (node, &monitor->alarm_order) {
		const struct alarm *alarm =
			LF_CONTAINER_OF(node, struct alarm, node);

		if (i--)
			continue;
		*ret = (struct lf_alarm){
			.info = lf_event_find((int)alarm->note.event),
			.subject = alarm->note.subject,
			.text = alarm->note.text,
			.since_ms = alarm->note.first_ms,
			.last_ms = alarm->note.last_ms,
			.count = alarm->note.count,
			.event_id = alarm->note.id,
		};
		ret->is_disabled = lf_event_is_listed(
			monitor, "monitor.disabled", ret->info);
		return 0;
	}
	return -ENOENT;
}

bool lf_alarm_is_on(const struct lf_monitor *monitor, enum lf_event event,
		    const char *subject)
{
	return find(monitor, event, subject) != NULL;
}

uint64_t lf_event_count(const struct lf_monitor *monitor)
{
	return monitor->raised;
}

size_t lf_alarm_count(const struct lf_monitor *monitor)
{
	return monitor->n_alarms;
}

/* ---- over a restart ---- */

struct loading {
	struct lf_monitor *monitor;
	void (*done)(int err, void *arg);
	void *arg;
};

static void load_one(struct lf_monitor *monitor, const struct lf_store_kv *row)
{
	struct lf_event_note note = {.count = 1};
	const struct lf_event_info *info;
	json_t *json;

	if (lf_json_parse(&json, row->value, row->len))
		return;
	note.event = (enum lf_event)lf_json_int(json, "event", 0, NULL);
	note.id = lf_json_int(json, "id", 0, NULL);
	note.first_ms = note.last_ms = lf_json_int(json, "since", 0, NULL);
	lf_text_copy(note.subject, sizeof(note.subject),
		     lf_json_str(json, "subject", "", NULL));
	lf_text_copy(note.text, sizeof(note.text),
		     lf_json_str(json, "text", "", NULL));
	json_decref(json);
	/* What an older or newer version knew and we do not, goes. */
	info = lf_event_find((int)note.event);
	if (!info || !lf_event_is_alarm(info))
		lf_store_del(monitor->store, BUCKET, row->key, LF_STORE_ANY,
			     NULL, NULL);
	else if (!find(monitor, note.event, note.subject))
		add(monitor, &note);
}

static void on_loaded(int err, const struct lf_store_kv *rows, size_t n,
		      void *arg)
{
	struct loading *loading = arg;

	for (size_t i = 0; !err && i < n; i++)
		load_one(loading->monitor, &rows[i]);
	loading->done(err, loading->arg);
	free(loading);
}

int lf_alarm_load(struct lf_monitor *monitor, void (*done)(int, void *),
		  void *arg)
{
	struct loading *loading = calloc(1, sizeof(*loading));
	int err;

	if (!loading)
		return -ENOMEM;
	loading->monitor = monitor;
	loading->done = done;
	loading->arg = arg;
	err = lf_store_scan(monitor->store, BUCKET, "", on_loaded, loading);
	if (err)
		free(loading);
	return err;
}

void lf_alarm_done(struct lf_monitor *monitor)
{
	LF_LIST_FOREACH_SAFE (node, &monitor->alarm_order)
		drop(monitor, LF_CONTAINER_OF(node, struct alarm, node));
	lf_map_done(&monitor->alarms);
}
