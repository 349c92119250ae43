/*
 * presence/agent_access.c - who may ask, and who may see what.
 *
 * Who asks is known before a request reaches us (sip/guard.c): a trusted peer,
 * or a user with a password of "sip-user.*". What a watcher sees of a person is
 * the person's "privacy.*" setting, or the server's.
 */
#include "presence/agent_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/secret.h"
#include "core/text.h"
#include "directory/user.h"
#include "sip/sip.h"

#include "core/banned.h"

#define NAME_MAX_BYTES 128

/* "": none, or nobody of ours. */
static const char *password_of(const struct lf_agent *agent, const char *user)
{
	const char *password;

	if (!lf_user_resolve(agent->parts.directory, user))
		return "";
	password = lf_setting_of(agent->parts.settings, "sip-user.*.password",
				 user);
	return password ? password : "";
}

/* H(user:realm:password), in hexadecimal. */
static int on_ha1(const char *user, const char *realm, bool is_sha256,
		  char ret_ha1[65], void *arg)
{
	const struct lf_agent *agent = arg;
	const char *password;
	char text[512];
	int len;

	password = password_of(agent, user);
	if (!*password)
		return -ENOENT;
	len = snprintf(text, sizeof(text), "%s:%s:%s", user, realm, password);
	if (len < 0 || (size_t)len >= sizeof(text))
		return -ENOENT;
	if (is_sha256)
		lf_sha256_hex(ret_ha1, text, (size_t)len);
	else
		lf_md5_hex(ret_ha1, text, (size_t)len);
	lf_secret_wipe(text, sizeof(text));
	return 0;
}

int lf_agent_open_access(struct lf_agent *agent)
{
	return lf_sip_set_users(
		agent->parts.sip,
		lf_setting_text(agent->parts.settings, "presence-server.realm"),
		on_ha1, agent);
}

/* Once a turn, however many lost it. */
static void on_turn(struct lf_timer *timer, void *arg)
{
	struct lf_agent *agent = arg;

	LF_LIST_FOREACH_SAFE (node, &agent->subs) {
		struct lf_agent_sub *sub =
			LF_CONTAINER_OF(node, struct lf_agent_sub, node);
		const char *name = lf_agent_sub_name(sub);

		if (*name && !*password_of(agent, name))
			lf_agent_sub_end(sub, LF_REASON_REJECTED);
	}
}

static void look_soon(struct lf_agent *agent)
{
	lf_timer_start(agent->parts.timers, &agent->access_turn, 0);
}

static void on_passwords(void *arg)
{
	look_soon(arg);
}

static void on_user(const struct lf_user *was, const struct lf_user *now,
		    void *arg)
{
	if (was && !now)
		look_soon(arg);
}

void lf_agent_access_init(struct lf_agent *agent)
{
	lf_timer_init(&agent->access_turn, on_turn, agent);
}

int lf_agent_follow_access(struct lf_agent *agent)
{
	int err = lf_settings_on_change(agent->parts.settings, "sip-user.",
					on_passwords, agent);

	return err ? err
		   : lf_directory_on_change(agent->parts.directory, on_user,
					    agent);
}

/* ---- privacy ---- */

static enum lf_level level_of(const char *word, enum lf_level otherwise)
{
	if (lf_text_equal(word, "full"))
		return LF_LEVEL_FULL;
	if (lf_text_equal(word, "basic"))
		return LF_LEVEL_BASIC;
	if (lf_text_equal(word, "nothing"))
		return LF_LEVEL_NOTHING;
	return otherwise;
}

/* "sip:bob@host" is named by "bob@host" and by "bob". */
static bool is_named(const char *item, size_t len, const char *watcher)
{
	const char *name = watcher;
	size_t user_len;

	if (lf_text_starts(name, "sip:"))
		name += 4;
	else if (lf_text_starts(name, "sips:"))
		name += 5;
	user_len = strcspn(name, "@");
	return (len == strlen(name) && !strncasecmp(item, name, len)) ||
	       (len == user_len && !strncasecmp(item, name, len));
}

/* `item` means this user of ours: by name, extension or address. */
static bool is_user(const struct lf_agent *agent, const char *item, size_t len,
		    const struct lf_user *user)
{
	char name[LF_USER_TEXT_MAX];

	return lf_text_copy_n(name, sizeof(name), item, len) &&
	       lf_user_resolve(agent->parts.directory, name) == user;
}

/* Who gave a password is that user and no other; else the address counts. */
static bool is_listed(const char *list, const struct lf_agent *agent,
		      const char *uri, const struct lf_user *asker)
{
	while (*list) {
		size_t len;

		list += strspn(list, ", ");
		len = strcspn(list, ", ");
		if (len && (asker ? is_user(agent, list, len, asker)
				  : is_named(list, len, uri)))
			return true;
		list += len;
	}
	return false;
}

static const char *of_user(const struct lf_agent *agent, const char *family,
			   const struct lf_user *user)
{
	const char *text =
		lf_setting_of(agent->parts.settings, family, user->username);

	return text ? text : "";
}

enum lf_level lf_agent_level(const struct lf_agent_sub *sub,
			     const struct lf_user *user)
{
	const struct lf_agent *agent = sub->agent;
	const char *name = lf_agent_sub_name(sub);
	const struct lf_user *asker;
	enum lf_level level = level_of(
		lf_setting_text(agent->parts.settings, "presence-server.show"),
		LF_LEVEL_FULL);

	if (agent->has_privacy && *user->username)
		level = level_of(of_user(agent, "privacy.*.show", user), level);
	if (level == LF_LEVEL_FULL)
		return level;
	asker = *name ? lf_user_resolve(agent->parts.directory, name) : NULL;
	if (asker == user)
		return LF_LEVEL_FULL;
	if (*name && !asker)
		return LF_LEVEL_NOTHING; /* a user of ours no more */
	if (agent->has_privacy && *user->username &&
	    is_listed(of_user(agent, "privacy.*.allow", user), agent,
		      sub->watcher, asker))
		return LF_LEVEL_FULL;
	return level;
}

/* A user is who the password says: what From says is not looked at. */
static void name_user(const struct lf_agent *agent, struct lf_agent_asker *out)
{
	const struct lf_user *user =
		lf_user_resolve(agent->parts.directory, out->name);

	if (user && *user->sip_uri)
		snprintf(out->uri, sizeof(out->uri), "sip:%s", user->sip_uri);
	else
		snprintf(out->uri, sizeof(out->uri), "sip:%s@%s", out->name,
			 lf_setting_text(agent->parts.settings,
					 "presence-server.realm"));
}

void lf_agent_ask(const struct lf_agent *agent, struct lf_agent_asker *out,
		  struct lf_sip_request *req)
{
	const char *name = lf_sip_request_user(req);

	out->name = name ? name : "";
	if (name)
		name_user(agent, out);
	else if (!lf_text_copy(out->uri, sizeof(out->uri),
			       lf_sip_request_asserted(req)))
		out->uri[0] = '\0';
}

bool lf_agent_is_self(const struct lf_agent *agent, const struct lf_user *user,
		      const struct lf_sip_request *req)
{
	const char *name = lf_sip_request_user(req);

	return !name || lf_user_resolve(agent->parts.directory, name) == user;
}

bool lf_agent_wants_parts(const struct lf_agent *agent,
			  const struct lf_agent_asker *asker,
			  const struct lf_sip_request *req)
{
	const char *list = lf_setting_text(agent->parts.settings,
					   "presence-server.partial-dialog");
	struct lf_sip_source source;

	if (!*list)
		return false;
	lf_sip_request_source(req, &source);
	return is_listed(list, agent, source.address, NULL) ||
	       is_listed(list, agent, asker->uri,
			 *asker->name ? lf_user_resolve(agent->parts.directory,
							asker->name)
				      : NULL);
}
