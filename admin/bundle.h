/*
 * admin/bundle.h - what a bug report needs, in one tar file: version, state,
 * alarms, events, figures, configuration and log. Secrets are masked.
 */
#ifndef LF_ADMIN_BUNDLE_H
#define LF_ADMIN_BUNDLE_H

#include <stddef.h>

struct lf_buf;
struct lf_server;

typedef void lf_bundle_fn(int err, const struct lf_buf *tar, void *arg);

int lf_bundle_make(struct lf_server *server, lf_bundle_fn *done, void *arg);

/* POSIX ustar: one more file; and the end. */
void lf_tar_add(struct lf_buf *tar, const char *name, const void *data,
		size_t len);
void lf_tar_end(struct lf_buf *tar);

#endif
