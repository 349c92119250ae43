/*
 * admin/words.h - what was typed after lampctl, as a request's arguments.
 * Part of lampctl.
 */
#ifndef LF_ADMIN_WORDS_H
#define LF_ADMIN_WORDS_H

#include <stdio.h>

#include "core/json.h"

/* Turns the words after the command into `args`. Returns lampctl's exit code:
 * 0; 1: failed, and said so; 2: these words do not fit the command. */
typedef int lf_words_fn(json_t *args, int argc, char **argv);

struct lf_words {
	const char *name, *words, *help;
	lf_words_fn *parse;
};

/* "user add": one word or two, in `ret_words`; the longest name wins. NULL:
 * there is no such command. */
const struct lf_words *lf_words_find(int argc, char **argv, int *ret_words);
/* Two lines for each command. */
void lf_words_help(FILE *out);

#endif
