/* directory/export.c - users to a CSV file: all fields but the password. */
#include "directory/user.h"

#include "core/buf.h"
#include "directory/csv.h"
#include "directory/internal.h"

#include "core/banned.h"

void lf_users_export(const struct lf_directory *dir, struct lf_buf *out)
{
	const struct lf_index *index = &dir->index[LF_BY_ID];
	size_t i;
	int f;

	for (f = 0; f < LF_USER_PASSWORD; f++) {
		if (f)
			lf_buf_addc(out, ',');
		lf_buf_adds(out, lf_user_field_name((enum lf_user_field)f));
	}
	lf_buf_adds(out, "\r\n");
	for (i = 0; i < index->n; i++) {
		for (f = 0; f < LF_USER_PASSWORD; f++) {
			if (f)
				lf_buf_addc(out, ',');
			lf_csv_write(out, lf_user_get(index->rows[i],
						      (enum lf_user_field)f));
		}
		lf_buf_adds(out, "\r\n");
	}
}
