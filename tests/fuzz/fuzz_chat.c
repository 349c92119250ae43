/* tests/fuzz/fuzz_chat.c - a chat centre played from bytes, and messages as
 * they come from strangers' sockets, with the rules checked after each. */
#include <stdint.h>
#include <stdlib.h>

#include "tests/chat/model.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	model_play(data, size < 4096 ? size : 4096);
	return 0;
}
