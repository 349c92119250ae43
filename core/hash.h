/*
 * core/hash.h - SipHash-1-3: a keyed hash, so that who chooses the text cannot
 * choose its value.
 */
#ifndef LF_CORE_HASH_H
#define LF_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t lf_hash_rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void lf_hash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = lf_hash_rotl(v[1], 13) ^ v[0];
	v[0] = lf_hash_rotl(v[0], 32);
	v[2] += v[3];
	v[3] = lf_hash_rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = lf_hash_rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = lf_hash_rotl(v[1], 17) ^ v[2];
	v[2] = lf_hash_rotl(v[2], 32);
}

static inline void lf_hash_mix(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	lf_hash_round(v);
	v[0] ^= word;
}

static inline uint64_t lf_hash(const uint64_t key[2], const void *data,
			       size_t len)
{
	const char *p = data;
	uint64_t word, v[4];
	size_t left;

	v[0] = key[0] ^ UINT64_C(0x736f6d6570736575);
	v[1] = key[1] ^ UINT64_C(0x646f72616e646f6d);
	v[2] = key[0] ^ UINT64_C(0x6c7967656e657261);
	v[3] = key[1] ^ UINT64_C(0x7465646279746573);
	for (left = len; left >= 8; left -= 8, p += 8) {
		memcpy(&word, p, 8);
		lf_hash_mix(v, word);
	}
	word = 0;
	memcpy(&word, p, left);
	lf_hash_mix(v, word ^ (uint64_t)len << 56);
	v[2] ^= 0xff;
	lf_hash_round(v);
	lf_hash_round(v);
	lf_hash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
