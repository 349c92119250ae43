/*
 * core/vault.c - secrets at rest (S273): AES-256-GCM under a key file.
 *
 * The database and its backups hold only sealed texts; without the key file,
 * which is backed up apart, they say nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/secret.h"

#include "core/banned.h"

#define SEAL_PREFIX "v1:"
#define KEY_SIZE 32
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define HEAD_SIZE (NONCE_SIZE + TAG_SIZE)
#define MAX_PLAIN (64 * 1024)

struct lf_vault {
	uint8_t key[KEY_SIZE];
};

/* ---- the key file ---- */

static int write_key(int fd)
{
	uint8_t key[KEY_SIZE];
	ssize_t n;
	int err = 0;

	lf_random(key, sizeof(key));
	n = write(fd, key, sizeof(key));
	if (n != sizeof(key))
		err = n < 0 ? -errno : -EIO;
	else if (fsync(fd))
		err = -errno;
	lf_secret_wipe(key, sizeof(key));
	return err;
}

/* The new name must survive a power cut as surely as what it will seal. */
static int sync_folder_of(char *path)
{
	char *slash = strrchr(path, '/');
	int err = 0, fd;

	if (slash)
		slash[slash == path ? 1 : 0] = '\0';
	fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * Written whole under another name, then linked: link() never replaces a key
 * that another process made in between, and nobody sees half of one.
 */
static int make_key_file(const char *path)
{
	struct lf_buf temp = {0};
	int fd, err;

	lf_buf_addf(&temp, "%s.XXXXXX", path);
	if (lf_buf_error(&temp)) {
		lf_buf_done(&temp);
		return -ENOMEM;
	}
	fd = mkostemp(temp.data, O_CLOEXEC); /* mode 0600 */
	if (fd < 0) {
		err = -errno;
		goto done;
	}
	err = write_key(fd);
	close(fd);
	if (!err && link(temp.data, path) && errno != EEXIST)
		err = -errno;
	unlink(temp.data);
	if (!err)
		err = sync_folder_of(temp.data);
done:
	lf_buf_done(&temp);
	return err;
}

static int read_key(struct lf_vault *vault, int fd)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != KEY_SIZE)
		return -EINVAL;
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM; /* others could read it: not secret any more */
	n = read(fd, vault->key, KEY_SIZE);
	if (n < 0)
		return -errno;
	return n == KEY_SIZE ? 0 : -EIO;
}

static int open_key_file(const char *path)
{
	int err, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT) {
		err = make_key_file(path);
		if (err)
			return err;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	return fd < 0 ? -errno : fd;
}

int lf_vault_open(struct lf_vault **ret, const char *key_path)
{
	struct lf_vault *vault;
	int err, fd = open_key_file(key_path);

	if (fd < 0)
		return fd;
	vault = calloc(1, sizeof(*vault));
	err = vault ? read_key(vault, fd) : -ENOMEM;
	close(fd);
	if (err) {
		lf_vault_free(vault);
		return err;
	}
	*ret = vault;
	return 0;
}

void lf_vault_free(struct lf_vault *vault)
{
	if (!vault)
		return;
	lf_secret_wipe(vault, sizeof(*vault));
	free(vault);
}

/* ---- sealing ---- */

/* bytes: nonce, room for the tag, room for `len` bytes. */
static int encrypt(const struct lf_vault *vault, uint8_t *bytes,
		   const char *plain, size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *tag = bytes + NONCE_SIZE;
	int n, is_done;

	if (!ctx)
		return -ENOMEM;
	is_done = EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, vault->key,
				     bytes) &&
		  EVP_EncryptUpdate(ctx, bytes + HEAD_SIZE, &n,
				    (const uint8_t *)plain, (int)len) &&
		  EVP_EncryptFinal_ex(ctx, bytes + HEAD_SIZE + n, &n) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag);
	EVP_CIPHER_CTX_free(ctx);
	return is_done ? 0 : -ENOMEM;
}

static int decrypt(const struct lf_vault *vault, char *plain, uint8_t *bytes,
		   size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t *out = (uint8_t *)plain, *tag = bytes + NONCE_SIZE;
	int n, is_done;

	if (!ctx)
		return -ENOMEM;
	is_done =
		EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, vault->key,
				   bytes) &&
		EVP_DecryptUpdate(ctx, out, &n, bytes + HEAD_SIZE, (int)len) &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) &&
		EVP_DecryptFinal_ex(ctx, out + n, &n);
	EVP_CIPHER_CTX_free(ctx);
	return is_done ? 0 : -EBADMSG;
}

int lf_vault_seal(struct lf_vault *vault, char **ret, const char *plain)
{
	size_t len = strlen(plain), size = HEAD_SIZE + len;
	char *text = NULL;
	uint8_t *bytes;
	int err = -ENOMEM;

	if (len > MAX_PLAIN)
		return -E2BIG;
	bytes = malloc(size);
	text = malloc(strlen(SEAL_PREFIX) + LF_BASE64_SIZE(size));
	if (!bytes || !text)
		goto done;
	lf_random(bytes, NONCE_SIZE);
	err = encrypt(vault, bytes, plain, len);
	if (err)
		goto done;
	memcpy(text, SEAL_PREFIX, strlen(SEAL_PREFIX));
	lf_base64(text + strlen(SEAL_PREFIX), bytes, size);
	*ret = text;
	text = NULL;
done:
	free(text);
	free(bytes);
	return err;
}

int lf_vault_unseal(struct lf_vault *vault, char **ret, const char *sealed)
{
	size_t len, size = strlen(sealed);
	char *plain = NULL;
	uint8_t *bytes;
	int err = -EBADMSG;

	if (strncmp(sealed, SEAL_PREFIX, strlen(SEAL_PREFIX)) ||
	    size > strlen(SEAL_PREFIX) + LF_BASE64_SIZE(HEAD_SIZE + MAX_PLAIN))
		return err;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	if (lf_base64_decode(bytes, size, &len, sealed + strlen(SEAL_PREFIX)) ||
	    len < HEAD_SIZE)
		goto done;
	len -= HEAD_SIZE;
	err = -ENOMEM;
	plain = malloc(len + 1);
	if (!plain)
		goto done;
	err = decrypt(vault, plain, bytes, len);
	if (err) {
		lf_secret_wipe(plain, len); /* decrypted, yet not to be used */
		goto done;
	}
	plain[len] = '\0';
	*ret = plain;
	plain = NULL;
done:
	free(plain);
	free(bytes);
	return err;
}
