/*
 * tests/chat/model.h - plays a chat centre from bytes, and checks after each
 * step what must always be true of the engine and of all it says.
 */
#ifndef LF_TESTS_CHAT_MODEL_H
#define LF_TESTS_CHAT_MODEL_H

#include "tests/chat/rig.h"

/* Any bytes are a story: four of them a step. */
void model_play(const uint8_t *data, size_t size);

/* Stops the test at the first thing that is wrong. */
void model_check(struct rig *rig);

#endif
