/*
 * directory/index.c - users in the order of one key.
 *
 * A sorted array of pointers: eight bytes a user and key, found by halving,
 * walked in order for nothing. One change moves a few hundred kilobytes at
 * worst; many at once append and sort.
 */
#include "directory/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

/* ---- the orders ---- */

static unsigned lower(unsigned c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static int compare_nocase(const char *a, const char *b)
{
	for (; *a && lower((unsigned char)*a) == lower((unsigned char)*b); a++)
		b++;
	return (int)lower((unsigned char)*a) - (int)lower((unsigned char)*b);
}

/*
 * Letters of U+00C0..U+017F beside the letter they are filed under, so that
 * "Özil" comes before "Peters". '*': none.
 */
static const char filed_under[] = "aaaaaaaceeeeiiiidnooooo*ouuuuyts"
				  "aaaaaaaceeeeiiiidnooooo*ouuuuyty"
				  "aaaaaaccccccccddddeeeeeeeeeegggg"
				  "gggghhhhiiiiiiiiiiiijjkkklllllll"
				  "lllnnnnnnnnnoooooooorrrrrrssssss"
				  "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/* The next character's place in the order; 0 at the end. */
static unsigned next_letter(const unsigned char **text)
{
	unsigned c = *(*text)++;
	size_t at;

	if (c < 0xc3 || c > 0xc5 || ((*text)[0] & 0xc0) != 0x80)
		return lower(c);
	at = ((c & 0x1fU) << 6 | ((*text)[0] & 0x3fU)) - 0xc0U;
	if (at >= sizeof(filed_under) - 1 || filed_under[at] == '*')
		return c;
	(*text)++;
	return (unsigned char)filed_under[at];
}

static int compare_names(const char *a, const char *b)
{
	const unsigned char *p = (const unsigned char *)a;
	const unsigned char *q = (const unsigned char *)b;
	unsigned x, y;

	do {
		x = next_letter(&p);
		y = next_letter(&q);
	} while (x && x == y);
	return (int)x - (int)y;
}

/* Ids have no leading zeros: the longer one is the larger. */
static int compare_ids(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return strcmp(a, b);
}

int lf_index_compare(enum lf_index_kind kind, const struct lf_user *a,
		     const struct lf_user *b)
{
	int order = 0;

	switch (kind) {
	case LF_BY_NAME:
		order = compare_names(a->last_name, b->last_name);
		if (!order)
			order = compare_names(a->first_name, b->first_name);
		break;
	case LF_BY_USERNAME:
		order = compare_nocase(a->username, b->username);
		break;
	case LF_BY_EXT:
		order = strcmp(a->ext, b->ext);
		break;
	case LF_BY_SIP_URI:
		order = compare_nocase(a->sip_uri, b->sip_uri);
		break;
	case LF_BY_ID:
	case LF_INDEX_KINDS:
		break;
	}
	return order ? order : compare_ids(a->id, b->id);
}

/* Users without a number or an address are in no index of them. */
static bool belongs(enum lf_index_kind kind, const struct lf_user *user)
{
	if (kind == LF_BY_EXT)
		return *user->ext;
	if (kind == LF_BY_SIP_URI)
		return *user->sip_uri;
	return true;
}

/* ---- the array ---- */

void lf_index_done(struct lf_index *index)
{
	free(index->rows);
	memset(index, 0, sizeof(*index));
}

int lf_index_reserve(struct lf_index *index, size_t more)
{
	size_t need = index->n + more, cap;
	struct lf_user **rows;

	if (need <= index->cap)
		return 0;
	cap = index->cap + index->cap / 8 + 16;
	if (cap < need)
		cap = need;
	rows = realloc(index->rows, cap * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	index->rows = rows;
	index->cap = cap;
	return 0;
}

/* How many users come before the probe. */
static size_t rank(const struct lf_index *index, enum lf_index_kind kind,
		   const struct lf_user *probe)
{
	size_t low = 0, high = index->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (lf_index_compare(kind, index->rows[mid], probe) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void lf_index_add(struct lf_index *index, enum lf_index_kind kind,
		  struct lf_user *user)
{
	size_t at;

	if (!belongs(kind, user))
		return;
	at = rank(index, kind, user);
	memmove(index->rows + at + 1, index->rows + at,
		(index->n - at) * sizeof(*index->rows));
	index->rows[at] = user;
	index->n++;
}

void lf_index_del(struct lf_index *index, enum lf_index_kind kind,
		  const struct lf_user *user)
{
	size_t at;

	if (!belongs(kind, user))
		return;
	at = rank(index, kind, user);
	if (at == index->n || index->rows[at] != user)
		return;
	index->n--;
	memmove(index->rows + at, index->rows + at + 1,
		(index->n - at) * sizeof(*index->rows));
}

void lf_index_append(struct lf_index *index, enum lf_index_kind kind,
		     struct lf_user *user)
{
	if (belongs(kind, user))
		index->rows[index->n++] = user;
}

static int compare_rows(const void *a, const void *b, void *kind)
{
	return lf_index_compare(*(enum lf_index_kind *)kind,
				*(struct lf_user *const *)a,
				*(struct lf_user *const *)b);
}

void lf_index_sort(struct lf_index *index, enum lf_index_kind kind)
{
	if (index->n)
		qsort_r(index->rows, index->n, sizeof(*index->rows),
			compare_rows, &kind);
}

struct lf_user *lf_index_find(const struct lf_index *index,
			      enum lf_index_kind kind, const char *key)
{
	struct lf_user probe = lf_user_blank;
	struct lf_user *user;
	size_t at;

	switch (kind) {
	case LF_BY_ID:
		probe.id = key;
		break;
	case LF_BY_NAME:
		probe.last_name = key;
		break;
	case LF_BY_USERNAME:
		probe.username = key;
		break;
	case LF_BY_EXT:
		probe.ext = key;
		break;
	case LF_BY_SIP_URI:
		probe.sip_uri = key;
		break;
	case LF_INDEX_KINDS:
		return NULL;
	}
	/* The probe's empty id comes before every user with this key. */
	at = rank(index, kind, &probe);
	if (at == index->n)
		return NULL;
	user = index->rows[at];
	if (kind != LF_BY_ID)
		probe.id = user->id;
	return lf_index_compare(kind, user, &probe) ? NULL : user;
}
