/* Log lines: one event, one line of JSON (or text for people), through a ring per thread to one writer
 * thread, so that a stalled stdout never stops mail. Contract 6 fixes the names. On overflow refusals are
 * dropped and counted, accepts never (the caller of an accept waits for room; that is the bound on unlogged
 * mail). */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include "base/bytes.h"
#include "base/clock.h"

enum event_level { EVENT_DEBUG, EVENT_INFO, EVENT_WARNING, EVENT_ERROR };
enum event_format { EVENT_JSON, EVENT_TEXT };

/* A line under construction; lives on the caller's stack. Values are escaped (JSON, control characters,
 * invalid UTF-8 as \ufffd) and cut at 1 KiB with a marker, the whole line at its size. Secrets never go in.
 */
struct event {
    char line[4096];
    size_t len;
    enum event_level level;
    bool is_cut;
    bool is_wanted; /* false below the level in force: all calls are then no-ops */
};

/* Starts the line with time, level and event. Any thread; before event_writer_start lines go to stderr at
 * once. */
void event_begin(struct event *event, enum event_level level, const char *name);
void event_text(struct event *event, const char *key, const char *value); /* NULL: left out */
void event_bytes(struct event *event, const char *key, struct bytes value);
void event_number(struct event *event, const char *key, int64_t value);
void event_flag(struct event *event, const char *key, bool value);
/* Appends an array of texts. */
void event_texts(struct event *event, const char *key, const char *const *values, size_t count);
/* Hands the line to the writer. must_keep: wait for room instead of dropping (message.accepted and the like).
 */
void event_end(struct event *event, bool must_keep);
/* begin + "message" + end, for the lines of the program itself. */
void event_say(enum event_level level, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

/* Starts the writer thread on a descriptor. Main thread, once, after the identity was taken. */
MUST_USE enum error event_writer_start(int descriptor, enum event_format format, enum event_level level);
/* Changes the level in force. Any thread. */
void event_set_level(enum event_level level);
/* Writes what is there (waiting at most timeout_ms for a stalled reader) and ends the thread. */
void event_writer_stop(uint64_t timeout_ms);
/* Lines dropped so far because a ring was full. */
uint64_t event_dropped(void);

#endif
