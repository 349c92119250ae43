/*
 * core/log.h - one log for the program.
 *
 * A line names its room, its level and what happened; the peer's address is
 * part of the text. The one place that can act on an error logs it, once.
 * Goes to stderr, in journald's format (<N> prefixes) when JOURNAL_STREAM is
 * set, and to a file (log_file.h). Never blocks on anything but those writes.
 */
#ifndef LF_CORE_LOG_H
#define LF_CORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lf_log_level { LF_ERROR, LF_WARN, LF_NOTICE, LF_INFO, LF_DEBUG };

#define LF_LOG_LEVELS 5

void lf_log(enum lf_log_level level, const char *room, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void lf_log_set_level(enum lf_log_level level);
enum lf_log_level lf_log_level(void);
/* A level for one room, in place of the general one. -E2BIG: too many. */
int lf_log_set_room(const char *room, enum lf_log_level level);
void lf_log_reset_rooms(void);
/* -EINVAL for a word that is no level. */
int lf_log_level_parse(enum lf_log_level *ret, const char *word);
const char *lf_log_level_name(enum lf_log_level level);

/* The newest lines of all levels that were written, up to 256 KB. */
struct lf_buf;
void lf_log_recent(struct lf_buf *out);

/*
 * What a line may show of a number or a secret; every line that names one
 * asks here. Of a number, or of the user in a URI, the last three digits are
 * starred unless the general level is debug; of a secret nothing is ever left.
 */
enum lf_log_kind { LF_LOG_NUMBER, LF_LOG_SECRET };
#define LF_LOG_MASK_SIZE 128
/* Returns `out`; what is longer is cut. */
const char *lf_log_mask(char out[LF_LOG_MASK_SIZE], enum lf_log_kind kind,
			const char *text);

/* Tests read the lines instead of stderr; NULL restores it. */
typedef void lf_log_sink_fn(enum lf_log_level level, const char *room,
			    const char *text, void *arg);
void lf_log_set_sink(lf_log_sink_fn *sink, void *arg);

/*
 * True when a line of this kind may be written now: at most `burst` a minute.
 * For what strangers can provoke. Zeroed state is ready to use.
 */
struct lf_log_limit {
	int64_t window_ms;
	unsigned count, dropped;
};
bool lf_log_allow(struct lf_log_limit *limit, unsigned burst);

#endif
