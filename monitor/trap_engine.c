/*
 * monitor/trap_engine.c - who we are in SNMPv3: an id for ever, and how often
 * we started, so that no manager takes an old message for a new one.
 */
#include "monitor/trap_internal.h"

#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/secret.h"
#include "store/store.h"

#include "core/banned.h"

#define BUCKET "monitor"
#define ENGINE_KEY "engine"
#define ENTERPRISE 39801u

static void make_engine(struct lf_trap *trap)
{
	/* RFC 3411: our enterprise's number, and octets of our own choice */
	static const uint8_t head[] = {
		0x80 | (ENTERPRISE >> 24), ENTERPRISE >> 16 & 0xff,
		ENTERPRISE >> 8 & 0xff, ENTERPRISE & 0xff, 5};

	memcpy(trap->engine, head, sizeof(head));
	lf_random(trap->engine + sizeof(head), 8);
	trap->engine_len = sizeof(head) + 8;
}

static void write_hex(char *out, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static size_t read_hex(uint8_t *out, size_t size, const char *text)
{
	size_t n = 0;
	unsigned value;

	while (n < size && sscanf(text + 2 * n, "%2x", &value) == 1)
		out[n++] = (uint8_t)value;
	return n;
}

static void save_engine(struct lf_trap *trap)
{
	char hex[2 * LF_SNMP_ENGINE_MAX + 1] = "", json[160];

	write_hex(hex, trap->engine, trap->engine_len);
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"boots\":%u}", hex,
		 trap->boots);
	lf_store_put(trap->monitor->store, BUCKET, ENGINE_KEY, json,
		     strlen(json), LF_STORE_ANY, NULL, NULL);
}

void lf_trap_engine_follow(struct lf_trap *trap)
{
	const char *wanted = lf_trap_text(trap, "trap.engine-id");
	uint8_t bytes[LF_SNMP_ENGINE_MAX];
	size_t n = read_hex(bytes, sizeof(bytes), wanted);

	if (n < 5)
		return;
	memcpy(trap->engine, bytes, n);
	trap->engine_len = n;
}

static void on_engine(int err, const struct lf_store_kv *rows, size_t n,
		      void *arg)
{
	struct lf_monitor *monitor = arg;
	struct lf_trap *trap = monitor->trap;
	json_t *json = NULL;

	if (!err && n)
		lf_json_parse(&json, rows->value, rows->len);
	if (json) {
		trap->engine_len = read_hex(trap->engine, sizeof(trap->engine),
					    lf_json_str(json, "id", "", NULL));
		trap->boots = (unsigned)lf_json_int(json, "boots", 0, NULL);
		json_decref(json);
	}
	if (trap->engine_len < 5)
		make_engine(trap);
	trap->boots++;
	if (!monitor->is_closing) {
		save_engine(trap);
		lf_trap_engine_follow(trap);
		trap->is_ready = true;
		lf_trap_pump(trap);
	}
	lf_monitor_unref(monitor);
}

int lf_trap_engine_load(struct lf_trap *trap)
{
	struct lf_monitor *monitor = trap->monitor;
	int err;

	lf_monitor_ref(monitor);
	err = lf_store_get(monitor->store, BUCKET, ENGINE_KEY, on_engine,
			   monitor);
	if (err)
		lf_monitor_unref(monitor);
	return err;
}

char *lf_trap_engine(const struct lf_monitor *monitor,
		     char out[LF_TRAP_ENGINE_SIZE])
{
	*out = '\0';
	write_hex(out, monitor->trap->engine, monitor->trap->engine_len);
	return out;
}
