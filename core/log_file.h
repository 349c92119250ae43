/*
 * core/log_file.h - the log in a file, beside stderr or the journal.
 *
 * The file is renamed before it grows past its size. A full disk costs lines,
 * which are counted, and nothing else. One for the program, as the log is.
 */
#ifndef LF_CORE_LOG_FILE_H
#define LF_CORE_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From now on lines are appended to `path` as well, a regular file; NULL: to
 * none. At `most_bytes` it becomes path.1, of which `keep` stay (0: it starts
 * anew). On error there is no file.
 */
int lf_log_file_open(const char *path, size_t most_bytes, unsigned keep);
/* Somebody else renamed it: opens the path again. On error the old one stays.
 */
int lf_log_file_reopen(void);
uint64_t lf_log_file_lost(void); /* lines, since it was opened */

/* For log.c: one line with its line feed. */
void lf_log_file_write(const char *line, size_t len);
bool lf_log_file_is_open(void);

#endif
