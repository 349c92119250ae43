/*
 * presence/note.h - PBXs that write the state of a line for people to read:
 * the note tells what the activities do not.
 */
#ifndef LF_PRESENCE_NOTE_H
#define LF_PRESENCE_NOTE_H

#include "presence/pidf.h"

struct lf_report;

/* Takes report.message for a state, if this writer means it as one: line,
 * rich, is_dnd and peer follow it, and it is no message any more. */
void lf_note_apply(struct lf_report *report, enum lf_dialect writer);

#endif
