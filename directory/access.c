/*
 * directory/access.c - passwords, checked in worker threads.
 *
 * A guesser who sends a hundred passwords at once gets no more tries than one
 * who waits for each answer: an attempt that could be the sixth failure waits
 * until those before it are decided.
 */
#include "directory/access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "directory/access_internal.h"
#include "directory/internal.h"
#include "store/store.h"

#include "core/banned.h"

#define RUNNING_MAX 3 /* of libuv's four threads */
#define WAITING_MAX 1000
#define FULL_RETRY_MS 1000

struct attempt {
	struct lf_list node;
	uv_work_t work;
	struct lf_access *access;
	struct lf_brake_keys keys;
	struct lf_scram scram;
	char id[24]; /* "": no such user, or one without a password */
	bool is_right;
	lf_access_fn *done;
	void *arg;
	char password[];
};

void lf_access_on_braked(struct lf_access *access,
			 lf_access_braked_fn *on_braked, void *arg)
{
	access->brake.on_braked = on_braked;
	access->brake.arg = arg;
}

/* ---- whose password ---- */

static void invent(const struct lf_access *access, const char *username,
		   struct lf_scram *ret)
{
	struct lf_brake_keys keys;
	uint8_t salt[LF_SHA256_SIZE];

	lf_brake_keys(&keys, username, "");
	memset(ret, 0, sizeof(*ret));
	ret->iterations = LF_SCRAM_ITERATIONS;
	lf_hmac_sha256(salt, access->dir->seed, sizeof(access->dir->seed),
		       keys.name, strlen(keys.name));
	memcpy(ret->salt, salt, sizeof(ret->salt));
	/* Nobody knows what hashes to this. */
	lf_hmac_sha256(ret->stored_key, access->dir->seed,
		       sizeof(access->dir->seed), salt, sizeof(salt));
}

const struct lf_user *lf_access_verifier(const struct lf_access *access,
					 const char *username,
					 struct lf_scram *ret)
{
	const struct lf_user *user = lf_user_by_username(access->dir, username);

	if (user && *user->scram && !lf_scram_parse(ret, user->scram))
		return user;
	invent(access, username, ret);
	return NULL;
}

/* ---- attempts ---- */

static void attempt_free(struct attempt *a)
{
	lf_list_del(&a->node);
	lf_secret_wipe(a->password, strlen(a->password));
	lf_secret_wipe(&a->scram, sizeof(a->scram));
	free(a);
}

static void on_check(uv_work_t *work)
{
	struct attempt *a = work->data;

	a->is_right = lf_scram_check(&a->scram, a->password);
}

/* The user may have changed, or gone, while we were hashing. */
static const struct lf_user *still_valid(const struct attempt *a)
{
	const struct lf_user *user = lf_user_find(a->access->dir, a->id);
	char text[LF_SCRAM_TEXT_SIZE];

	if (!user || !a->is_right)
		return NULL;
	lf_scram_format(text, &a->scram);
	return strcmp(text, user->scram) ? NULL : user;
}

static void pump(struct lf_access *access);

static void on_checked(uv_work_t *work, int status)
{
	struct attempt *a = work->data;
	struct lf_access *access = a->access;
	const struct lf_user *user;

	access->n_running--;
	lf_list_del(&a->node);
	if (!access->is_closed) {
		user = still_valid(a);
		if (!user)
			lf_brake_fail(&access->brake, &a->keys, lf_mono_ms());
		a->done(user ? 0 : -EACCES, user, 0, a->arg);
	}
	attempt_free(a);
	if (!access->is_closed)
		pump(access);
	lf_access_unref(access);
}

/* Failures that are certain and those that running attempts may become. */
static bool must_wait(const struct lf_access *access, const struct attempt *a)
{
	int64_t now = lf_mono_ms(), wait;
	unsigned by_name, by_address;

	by_name = lf_brake_failures(&access->brake, a->keys.name, now, &wait);
	by_address =
		lf_brake_failures(&access->brake, a->keys.address, now, &wait);
	LF_LIST_FOREACH (node, &access->running) {
		const struct attempt *other =
			LF_CONTAINER_OF(node, struct attempt, node);

		by_name += !strcmp(other->keys.name, a->keys.name);
		by_address += !strcmp(other->keys.address, a->keys.address);
	}
	return by_name >= LF_BRAKE_FAILURES || by_address >= LF_BRAKE_FAILURES;
}

static void refuse(struct attempt *a, int err, int64_t retry_ms)
{
	struct lf_access *access = a->access;

	access->n_waiting--;
	lf_list_del(&a->node);
	a->done(err, NULL, retry_ms, a->arg);
	attempt_free(a);
	lf_access_unref(access);
}

static void start(struct attempt *a)
{
	struct lf_access *access = a->access;
	int err;

	err = uv_queue_work(lf_store_loop(access->dir->store), &a->work,
			    on_check, on_checked);
	if (err) {
		refuse(a, -EBUSY, FULL_RETRY_MS);
		return;
	}
	lf_list_del(&a->node);
	lf_list_add_tail(&access->running, &a->node);
	access->n_waiting--;
	access->n_running++;
}

/* The first that may go on, one way or the other. */
static struct attempt *next_decidable(struct lf_access *access,
				      int64_t *ret_wait_ms)
{
	LF_LIST_FOREACH (node, &access->waiting) {
		struct attempt *a = LF_CONTAINER_OF(node, struct attempt, node);

		*ret_wait_ms = lf_brake_wait_ms(&access->brake, &a->keys,
						lf_mono_ms());
		if (*ret_wait_ms || !must_wait(access, a))
			return a;
	}
	return NULL;
}

static void pump(struct lf_access *access)
{
	struct attempt *a;
	int64_t wait_ms;

	access->refs++; /* an answer may free us */
	while (!access->is_closed && access->n_running < RUNNING_MAX &&
	       (a = next_decidable(access, &wait_ms)) != NULL) {
		if (wait_ms)
			refuse(a, -EBUSY, wait_ms);
		else
			start(a);
	}
	lf_access_unref(access);
}

int lf_access_password(struct lf_access *access, const char *username,
		       const char *password, const char *address,
		       lf_access_fn *done, void *arg)
{
	size_t size = strlen(password) + 1;
	const struct lf_user *user;
	struct attempt *a = calloc(1, sizeof(*a) + size);

	if (!a)
		return -ENOMEM;
	memcpy(a->password, password, size);
	lf_brake_keys(&a->keys, username, address);
	user = lf_access_verifier(access, username, &a->scram);
	if (user)
		lf_text_copy(a->id, sizeof(a->id), user->id);
	a->access = access;
	a->work.data = a;
	a->done = done;
	a->arg = arg;

	access->refs++;
	access->n_waiting++;
	lf_list_init(&a->node);
	if (access->n_waiting > WAITING_MAX) {
		refuse(a, -EBUSY, FULL_RETRY_MS);
		return 0;
	}
	lf_list_add_tail(&access->waiting, &a->node);
	pump(access);
	return 0;
}

/* ---- life ---- */

int lf_access_new(struct lf_access **ret, struct lf_directory *dir)
{
	struct lf_access *access = calloc(1, sizeof(*access));

	if (!access)
		return -ENOMEM;
	access->dir = dir;
	access->refs = 1;
	dir->refs++;
	lf_brake_init(&access->brake);
	lf_list_init(&access->waiting);
	lf_list_init(&access->running);
	*ret = access;
	return 0;
}

void lf_access_free(struct lf_access *access)
{
	if (!access)
		return;
	access->is_closed = true;
	LF_LIST_FOREACH_SAFE (node, &access->waiting) {
		attempt_free(LF_CONTAINER_OF(node, struct attempt, node));
		lf_access_unref(access);
	}
	lf_access_unref(access);
}

void lf_access_unref(struct lf_access *access)
{
	if (--access->refs > 0)
		return;
	lf_brake_done(&access->brake);
	lf_directory_unref(access->dir);
	free(access);
}
