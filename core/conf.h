/*
 * core/conf.h - lampfield.conf: sections and keys needed to boot.
 *
 *     # comment
 *     [console]
 *     listen = 0.0.0.0:51234
 *
 * A schema lists what may be there. Reading is all or nothing: on an error
 * nothing is returned and `err_text` names file, line and, for an unknown
 * key, the nearest known one. See lampfield.conf(5).
 */
#ifndef LF_CORE_CONF_H
#define LF_CORE_CONF_H

#include <stddef.h>
#include <stdint.h>

#define LF_CONF_MAX_BYTES (1 << 20)
#define LF_CONF_ERROR_SIZE 512

enum lf_conf_type { LF_CONF_TEXT, LF_CONF_INT, LF_CONF_BOOL, LF_CONF_LIST };

struct lf_conf_key {
	const char *section, *name;
	enum lf_conf_type type;
	const char *def;  /* default as written in the file; NULL: none */
	int64_t min, max; /* LF_CONF_INT */
	const char *help; /* one line, for the sample file */
};

struct lf_conf; /* opaque: see conf.c */

/* `schema` ends with a NULL section and must outlive the result. */
int lf_conf_read(struct lf_conf **ret, const char *path,
		 const struct lf_conf_key *schema,
		 char err_text[LF_CONF_ERROR_SIZE]);
int lf_conf_parse(struct lf_conf **ret, const char *name, const char *text,
		  size_t len, const struct lf_conf_key *schema,
		  char err_text[LF_CONF_ERROR_SIZE]);
void lf_conf_free(struct lf_conf *conf);

/* Asking for a key that the schema lacks is our bug: it asserts. */
const char *lf_conf_text(const struct lf_conf *conf, const char *section,
			 const char *name); /* NULL: unset, no default */
int64_t lf_conf_int(const struct lf_conf *conf, const char *section,
		    const char *name);
int lf_conf_bool(const struct lf_conf *conf, const char *section,
		 const char *name);
/* LF_CONF_LIST: comma separated; the i-th item, NULL past the end. */
const char *lf_conf_item(const struct lf_conf *conf, const char *section,
			 const char *name, size_t i);

#endif
