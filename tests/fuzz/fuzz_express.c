/* tests/fuzz/fuzz_express.c - answers to NOTIFYs, from whoever sends them. */
#include <stdint.h>
#include <stdlib.h>

#include "sip/flight.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lf_flight_answer answer;
	struct lf_flights fs;

	if (lf_flight_parse(&answer, (const char *)data, size))
		return 0;
	if (answer.status < 100 || answer.status > 699)
		abort();
	lf_flights_init(&fs, 0);
	if (!lf_flight_new(&fs, 0))
		abort();
	lf_flights_find(&fs, &answer);
	lf_flights_done(&fs);
	return 0;
}
