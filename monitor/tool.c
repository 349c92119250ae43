/* monitor/tool.c - prints the catalogue: page, mib or keys. Build time only. */
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "monitor/document.h"

#include "core/banned.h"

int main(int argc, char **argv)
{
	const char *form = argc > 1 ? argv[1] : "";
	struct lf_buf out = {0};

	if (!strcmp(form, "mib"))
		lf_document_mib(&out, LF_MIB_DEFAULT_BASE);
	else if (!strcmp(form, "page"))
		lf_document_markdown(&out);
	else if (!strcmp(form, "keys"))
		lf_document_keys(&out);
	else
		fputs("usage: catalogue page|mib|keys\n", stderr);
	fputs(lf_buf_str(&out), stdout);
	lf_buf_done(&out);
	return 0;
}
