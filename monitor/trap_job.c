/*
 * monitor/trap_job.c - what snmp.c needs to know, from the settings, the
 * catalogue and the event.
 */
#include "monitor/trap_internal.h"

#include <string.h>

#include "core/clock.h"
#include "core/text.h"

#include "core/banned.h"

const char *lf_trap_text(const struct lf_trap *trap, const char *name)
{
	return lf_setting_text(trap->monitor->settings, name);
}

void lf_trap_fill_job(const struct lf_trap *trap, struct lf_snmp_job *job,
		      const char *manager)
{
	lf_text_copy(job->manager, sizeof(job->manager), manager);
	lf_text_copy(job->node, sizeof(job->node), trap->monitor->node);
	lf_text_copy(job->base_oid, sizeof(job->base_oid),
		     lf_trap_text(trap, "trap.base-oid"));
	job->is_v3 = !strcmp(lf_trap_text(trap, "trap.version"), "v3");
	job->is_inform = !strcmp(lf_trap_text(trap, "trap.kind"), "inform");
	job->timeout_ms = 1000;
	job->retries = 2;
	lf_text_copy(job->community, sizeof(job->community),
		     lf_trap_text(trap, "trap.community"));
	lf_text_copy(job->user, sizeof(job->user),
		     lf_trap_text(trap, "trap.user"));
	lf_text_copy(job->auth, sizeof(job->auth),
		     lf_trap_text(trap, "trap.auth"));
	lf_text_copy(job->privacy, sizeof(job->privacy),
		     lf_trap_text(trap, "trap.privacy"));
	lf_text_copy(job->auth_password, sizeof(job->auth_password),
		     lf_trap_text(trap, "trap.auth-password"));
	lf_text_copy(job->privacy_password, sizeof(job->privacy_password),
		     lf_trap_text(trap, "trap.privacy-password"));
	memcpy(job->engine, trap->engine, trap->engine_len);
	job->engine_len = trap->engine_len;
	job->boots = trap->boots;
	job->uptime_cs = (uint32_t)((lf_mono_ms() - trap->started_ms) / 10);
}

void lf_trap_fill_item(struct lf_snmp_item *out,
		       const struct lf_event_info *info,
		       const struct lf_event_note *note)
{
	out->event = (int)info->id;
	out->severity = (int)info->severity;
	out->number = note->id;
	lf_text_copy(out->text, sizeof(out->text), note->text);
	lf_text_copy(out->subject, sizeof(out->subject), note->subject);
	lf_text_copy(out->remedy, sizeof(out->remedy), info->remedy);
}
