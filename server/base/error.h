/* What went wrong, by what the caller does next, with an optional note for people. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

#define MUST_USE                    __attribute__((warn_unused_result))
#define PRINTF_LIKE(text_at, first) __attribute__((format(printf, text_at, first)))

/* Foreign codes are mapped to one of these in the one file that includes the foreign library.
 * A denial by policy is an answer, not an error, and has no kind here. */
enum error {
    OK = 0,
    ERROR_SYNTAX,             /* the input is malformed; saying it again does not help */
    ERROR_LIMIT,              /* a ceiling was reached */
    ERROR_NOT_FOUND,          /* the thing asked for does not exist */
    ERROR_DENIED_CREDENTIALS, /* the other side refused who we say we are */
    ERROR_TEMPORARY,          /* try again later */
    ERROR_TIMEOUT,            /* a named deadline passed */
    ERROR_CANCELED,           /* the asker gave up, or the loop is ending */
    ERROR_PROTOCOL,           /* the other side broke its protocol */
    ERROR_IO,                 /* a system call failed */
};

/* The kind's name in lower case, "ok" for OK. Static storage, any thread. */
const char *error_name(enum error error);

/* A short explanation, "outer: inner: innermost". Always terminated, truncated at its size. A NULL note is
 * accepted everywhere and ignored. */
struct note {
    char text[256];
};

/* Sets the text. */
void note_set(struct note *note, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts "<formatted>: " before what is there. */
void note_wrap(struct note *note, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
