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

/* H(user:realm:password), in hexadecimal. */
static int on_ha1(const char *user, const char *realm, bool is_sha256,
		  char ret_ha1[65], void *arg)
{
	const struct lf_agent *agent = arg;
	const char *password;
	char text[512];
	int len;

	if (!lf_user_resolve(agent->parts.directory, user))
		return -ENOENT;
	password = lf_setting_of(agent->parts.settings, "sip-user.*.password",
				 user);
	if (!password || !*password)
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

static bool is_listed(const char *list, const char *watcher)
{
	while (*list) {
		size_t len;

		list += strspn(list, ", ");
		len = strcspn(list, ", ");
		if (len && is_named(list, len, watcher))
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

enum lf_level lf_agent_level(const struct lf_agent *agent,
			     const struct lf_user *user, const char *watcher)
{
	enum lf_level level = level_of(
		lf_setting_text(agent->parts.settings, "presence-server.show"),
		LF_LEVEL_FULL);

	if (!agent->has_privacy || !*user->username)
		return level;
	level = level_of(of_user(agent, "privacy.*.show", user), level);
	if (level != LF_LEVEL_FULL &&
	    is_listed(of_user(agent, "privacy.*.allow", user), watcher))
		level = LF_LEVEL_FULL;
	return level;
}

bool lf_agent_is_self(const struct lf_agent *agent, const struct lf_user *user,
		      const struct lf_sip_request *req)
{
	const char *name = lf_sip_request_user(req);

	return !name || lf_user_resolve(agent->parts.directory, name) == user;
}
