/*
 * directory/search.c - finding people by a few letters.
 *
 * A walk over all users in the order of their names; ten thousand take about
 * a millisecond, so there is no index that could be wrong.
 */
#include "directory/user.h"

#include <string.h>

#include "core/text.h"
#include "directory/internal.h"

#include "core/banned.h"

#define WORDS_MAX 8
#define QUERY_MAX 256

struct word {
	const char *text;
	char first[2]; /* its first letter, small and large */
	size_t len;
	bool is_ascii;
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* Cuts `query` at blanks; words past the last are ignored. */
static size_t cut_words(char *query, struct word words[WORDS_MAX])
{
	char *text, *rest = query;
	size_t n = 0;

	while (n < WORDS_MAX && (text = strsep(&rest, " \t,")) != NULL) {
		if (!*text)
			continue;
		words[n].text = text;
		words[n].len = strlen(text);
		words[n].first[0] = lower(*text);
		words[n].first[1] = *text >= 'a' && *text <= 'z'
					    ? (char)(*text - ('a' - 'A'))
					    : words[n].first[0];
		if (lower(*text) != *text)
			words[n].first[1] = *text;
		words[n].is_ascii = is_ascii(text);
		n++;
	}
	return n;
}

static bool has_ascii(const char *text, const struct word *word)
{
	size_t i;

	for (; *text; text++) {
		if (*text != word->first[0] && *text != word->first[1])
			continue;
		for (i = 1; i < word->len; i++)
			if (lower(text[i]) != lower(word->text[i]))
				break;
		if (i == word->len)
			return true;
	}
	return false;
}

/* No letter outside ASCII has its other case within: most texts need no
 * closer look. */
static bool has_letters(const char *text, const struct word *word)
{
	return !is_ascii(text) && lf_text_contains(text, word->text);
}

static bool has_word(const struct lf_user *user, const struct word *word)
{
	const char *const texts[] = {
		user->last_name,  user->first_name, user->ext,
		user->department, user->username,   user->email,
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (word->is_ascii ? has_ascii(texts[i], word)
				   : has_letters(texts[i], word))
			return true;
	}
	return false;
}

static bool matches(const struct lf_user *user, const struct word *words,
		    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!has_word(user, &words[i]))
			return false;
	return true;
}

size_t lf_user_search(const struct lf_directory *dir, const char *query,
		      size_t offset, const struct lf_user **out, size_t max)
{
	struct word words[WORDS_MAX];
	const struct lf_user *user;
	char text[QUERY_MAX];
	size_t n, i = 0, total = 0;

	lf_text_copy(text, sizeof(text), query);
	n = cut_words(text, words);
	while ((user = lf_user_next(dir, &i)) != NULL) {
		if (!matches(user, words, n))
			continue;
		if (total >= offset && total - offset < max)
			out[total - offset] = user;
		total++;
	}
	return total;
}
