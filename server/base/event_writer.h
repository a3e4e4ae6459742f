/* Where finished log lines go: a ring a thread, one writer thread. Only event.c stands on this. */
#ifndef BASE_EVENT_WRITER_H
#define BASE_EVENT_WRITER_H

#include "base/event.h"

/* What event_writer_start was given; json and info before. Any thread. */
enum event_format event_writer_format(void);
enum event_level event_writer_level(void);
/* Takes a whole line with its line feed. */
void event_writer_put(struct bytes line, bool must_keep);

#endif
