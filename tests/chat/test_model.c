/* tests/chat/test_model.c - many random days in a chat centre. */
#include "tests/chat/model.h"

#include "core/banned.h"

#define STORIES 300
#define STEPS 400

/* xorshift: the same stories on every machine. */
static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void whatever_happens_the_rules_hold(void **state)
{
	static uint8_t bytes[STEPS * 4];
	uint32_t story;
	size_t i;

	for (story = 1; story <= STORIES; story++) {
		uint32_t seed = story * 2654435761u;

		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(next(&seed) % 255);
		model_play(bytes, sizeof(bytes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_the_rules_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
