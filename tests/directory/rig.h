/* tests/directory/rig.h - a loop, a real store on a temporary file, users. */
#ifndef LF_TESTS_DIRECTORY_RIG_H
#define LF_TESTS_DIRECTORY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <uv.h>

#include "directory/user.h"
#include "store/store.h"

struct rig {
	uv_loop_t loop;
	struct lf_store *store;
	struct lf_directory *dir;
	char folder[64], path[96];

	/* what the last answer said */
	bool is_done;
	int err;
	char id[32];
	char text[512];
	size_t added, changed;
};

int rig_setup(void **state);    /* an empty store */
int rig_teardown(void **state); /* closes what is open, removes the file */
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
void rig_open_users(struct rig *rig);
void rig_close_users(struct rig *rig);
void rig_restart(struct rig *rig); /* store and users */

/* Runs the loop until somebody has set is_done; clears it. */
void rig_wait(struct rig *rig);

void rig_on_user(int err, const char *id, const char *text, void *arg);
void rig_on_import(int err, size_t added, size_t changed, const char *text,
		   void *arg);
/* "username=rossi|ext=2101"; id NULL: new. Returns the error. */
int rig_put(struct rig *rig, const char *id, const char *assignments);
void rig_put_later(struct rig *rig, const char *id, const char *assignments,
		   lf_user_done_fn *done, void *arg);
int rig_delete(struct rig *rig, const char *id);
int rig_import(struct rig *rig, const char *csv);

#endif
