#include "base/error.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *error_name(enum error error)
{
    static const char *const names[] = {
        [OK] = "ok",
        [ERROR_SYNTAX] = "syntax",
        [ERROR_LIMIT] = "limit",
        [ERROR_NOT_FOUND] = "not_found",
        [ERROR_DENIED_CREDENTIALS] = "denied_credentials",
        [ERROR_TEMPORARY] = "temporary",
        [ERROR_TIMEOUT] = "timeout",
        [ERROR_CANCELED] = "canceled",
        [ERROR_PROTOCOL] = "protocol",
        [ERROR_IO] = "io",
    };

    assert((size_t)error < sizeof(names) / sizeof(names[0]));
    return names[error];
}

void note_set(struct note *note, const char *format, ...)
{
    va_list arguments;

    if (!note)
        return;
    va_start(arguments, format);
    vsnprintf(note->text, sizeof(note->text), format, arguments);
    va_end(arguments);
}

void note_wrap(struct note *note, const char *format, ...)
{
    struct note inner;
    va_list arguments;
    size_t used;

    if (!note)
        return;
    inner = *note;
    va_start(arguments, format);
    vsnprintf(note->text, sizeof(note->text), format, arguments);
    va_end(arguments);
    used = strlen(note->text);
    snprintf(note->text + used, sizeof(note->text) - used, ": %s", inner.text);
}
