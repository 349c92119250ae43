/*
 * tests/fake_directory.h - drives tests/fake_directory.c: as much of
 * directory/user.h and directory/setting.h as presence/ asks for, in memory.
 */
#ifndef LF_TESTS_FAKE_DIRECTORY_H
#define LF_TESTS_FAKE_DIRECTORY_H

#include "directory/setting.h"
#include "directory/user.h"

/* Any non-NULL pointer does; these are the ones to hand out. */
struct lf_directory *fake_directory(void);
struct lf_settings *fake_settings(void);
/* Forgets users, values and listeners. */
void fake_directory_reset(void);
void fake_directory_unlisten(void); /* only the listeners */

/* New or changed, by id; listeners are called. Texts NULL: "". */
void fake_user_put(const char *id, const char *ext, const char *sip_uri,
		   const char *voicemail);
void fake_user_delete(const char *id);

/* "feed.pbx1.server"; NULL: back to the default. Listeners are called. */
void fake_setting_put(const char *name, const char *value);

#endif
