/*
 * tests/fuzz/replay.c - runs a fuzz target over its corpus, without libFuzzer.
 *
 * `fuzz_x` alone replays tests/fuzz/corpus/x; `fuzz_x FILE...` replays files.
 */
#include <dirent.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	struct stat st;
	uint8_t *data;
	FILE *f = fopen(path, "rb");
	size_t got;

	if (!f || fstat(fileno(f), &st)) {
		perror(path);
		exit(1);
	}
	/* Exactly as large as the input, so that ASan sees one byte over. */
	data = malloc(st.st_size ? (size_t)st.st_size : 1);
	got = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
	if (got != (size_t)st.st_size) {
		perror(path);
		exit(1);
	}
	LLVMFuzzerTestOneInput(data, got);
	free(data);
	return 1;
}

static int replay_folder(const char *path)
{
	struct dirent **names;
	char file[4096 + 256 + 1]; /* a path, a slash, a name */
	int i, done = 0, n = scandir(path, &names, NULL, alphasort);

	if (n < 0) {
		perror(path);
		exit(1);
	}
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			snprintf(file, sizeof(file), "%s/%s", path,
				 names[i]->d_name);
			done += replay_file(file);
		}
		free(names[i]);
	}
	free(names);
	return done;
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name;
	char path[4096], *self;
	int i, done = 0;

	for (i = 1; i < argc; i++)
		done += replay_file(argv[i]);
	if (argc == 1) {
		self = strdup(argv[0]);
		if (!self)
			return 1;
		name = strstr(basename(self), "fuzz_");
		snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
			 srcdir ? srcdir : ".", name ? name + 5 : "");
		done = replay_folder(path);
		free(self);
	}
	printf("%d inputs replayed\n", done);
	return done ? 0 : 1;
}
