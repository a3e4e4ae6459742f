#include "base/event.h"

#include "base/event_writer.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Kept free at the end of the line for what closes it. */
#define TAIL_SIZE    sizeof(",\"cut\":true}\n")
#define VALUE_MAX    1024u
#define NAME_MAX_LEN 64u /* of events and keys, which the program names itself */
#define CUT_MARK     "...[cut]"

static const char *const level_names[] = {"debug", "info", "warning", "error"};

/* Invisible or direction-turning characters besides the control characters: they would make a line look like
 * another. */
static const struct {
    uint32_t low;
    uint32_t high;
} hidden[] = {{0x7f, 0x9f},     {0xad, 0xad},     {0x200b, 0x200f},
              {0x2028, 0x202e}, {0x2060, 0x2069}, {0xfeff, 0xfeff}};

/* What stands before the time, the level and the name, and after the name. */
static const char *const openings[][4] = {
    [EVENT_JSON] = {"{\"time\":\"", "\",\"level\":\"", "\",\"event\":\"", "\""},
    [EVENT_TEXT] = {"", " ", " ", ""},
};
/* Of a whole line, and of one that was cut. */
static const char *const closings[][2] = {
    [EVENT_JSON] = {"}\n", ",\"cut\":true}\n"},
    [EVENT_TEXT] = {"\n", " cut=true\n"},
};

static bool is_json(void)
{
    return event_writer_format() == EVENT_JSON;
}

static size_t room(const struct event *event)
{
    return sizeof event->line - TAIL_SIZE - event->len;
}

static bool put(struct event *event, const char *text, size_t len)
{
    if (len > room(event)) {
        event->is_cut = true;
        return false;
    }
    memcpy(event->line + event->len, text, len);
    event->len += len;
    return true;
}

static void put_text(struct event *event, const char *text)
{
    put(event, text, strlen(text));
}

/* Bytes that stand for themselves in both formats. */
static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static bool is_hidden(uint32_t code_point)
{
    if (code_point < 0x20) {
        return true;
    }
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (code_point >= hidden[i].low && code_point <= hidden[i].high) {
            return true;
        }
    }
    return false;
}

/* One character that is not plain, escaped into out (8 bytes are enough); gives how much of the text it was.
 */
static size_t escape_one(struct bytes text, char out[8], size_t *out_len)
{
    uint32_t code_point;
    size_t taken = utf8_first(text, &code_point);
    if (taken == 0) {
        *out_len = (size_t)snprintf(out, 8, "\\ufffd");
        return 1;
    }
    if (code_point == '"' || code_point == '\\') {
        out[0] = '\\';
        out[1] = (char)code_point;
        *out_len = 2;
    } else if (is_hidden(code_point)) {
        *out_len = (size_t)snprintf(out, 8, "\\u%04x", (unsigned)(code_point & 0xffff));
    } else {
        memcpy(out, text.ptr, taken);
        *out_len = taken;
    }
    return taken;
}

/* The value without its quotes, cut with a mark where it is too long for itself or for the line. */
static void put_escaped(struct event *event, struct bytes value)
{
    size_t reserve = sizeof CUT_MARK + 1; /* the mark and a closing quote */
    size_t most = room(event) > reserve ? room(event) - reserve : 0;
    size_t end = event->len + (most < VALUE_MAX ? most : VALUE_MAX);
    while (value.len > 0) {
        size_t plain = 0;
        while (plain < value.len && plain < end - event->len && is_plain((unsigned char)value.ptr[plain])) {
            plain++;
        }
        memcpy(event->line + event->len, value.ptr, plain);
        event->len += plain;
        value = bytes_skip(value, plain);
        if (value.len == 0) {
            return;
        }
        char escaped[8];
        size_t len;
        size_t taken = escape_one(value, escaped, &len);
        if (len > end - event->len) {
            event->is_cut = true;
            put(event, CUT_MARK, sizeof CUT_MARK - 1);
            return;
        }
        memcpy(event->line + event->len, escaped, len);
        event->len += len;
        value = bytes_skip(value, taken);
    }
}

static bool needs_quotes(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] == ' ' || value.ptr[i] == '=' || value.ptr[i] == '"') {
            return true;
        }
    }
    return value.len == 0;
}

/* Comma or blank, the key, colon or equals sign. A key that finds no room is left out whole, with its value.
 */
static bool put_key(struct event *event, const char *key, size_t value_least)
{
    size_t len = strnlen(key, NAME_MAX_LEN);
    if (len + 4 + value_least > room(event)) {
        event->is_cut = true;
        return false;
    }
    bool is_for_json = is_json();
    put(event, is_for_json ? ",\"" : " ", is_for_json ? 2 : 1);
    put(event, key, len);
    put(event, is_for_json ? "\":" : "=", is_for_json ? 2 : 1);
    return true;
}

static void put_string(struct event *event, struct bytes value)
{
    bool is_quoted = is_json() || needs_quotes(value);
    if (is_quoted) {
        put(event, "\"", 1);
    }
    put_escaped(event, value);
    if (is_quoted) {
        put(event, "\"", 1);
    }
}

/* The calendar is worked out once a second. */
static const char *time_text(void)
{
    static _Thread_local char text[CLOCK_RFC3339_SIZE];
    static _Thread_local int64_t second = -1;
    int64_t now_ms = clock_wall_ms(&clock_system);
    now_ms = now_ms > 0 ? now_ms : 0;
    if (now_ms / 1000 != second) {
        clock_format_rfc3339(now_ms, text);
        second = now_ms / 1000;
    }
    unsigned ms = (unsigned)(now_ms % 1000);
    text[20] = (char)('0' + ms / 100);
    text[21] = (char)('0' + ms / 10 % 10);
    text[22] = (char)('0' + ms % 10);
    return text;
}

void event_begin(struct event *event, enum event_level level, const char *name)
{
    event->len = 0;
    event->level = level;
    event->is_cut = false;
    event->is_wanted = level >= event_writer_level();
    if (!event->is_wanted) {
        return;
    }
    const char *const *opening = openings[event_writer_format()];
    put_text(event, opening[0]);
    put_text(event, time_text());
    put_text(event, opening[1]);
    put_text(event, level_names[level]);
    put_text(event, opening[2]);
    put(event, name, strnlen(name, NAME_MAX_LEN));
    put_text(event, opening[3]);
}

void event_bytes(struct event *event, const char *key, struct bytes value)
{
    if (event->is_wanted && put_key(event, key, sizeof CUT_MARK + 2)) {
        put_string(event, value);
    }
}

void event_text(struct event *event, const char *key, const char *value)
{
    if (value != NULL) {
        event_bytes(event, key, bytes_of_text(value));
    }
}

void event_number(struct event *event, const char *key, int64_t value)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, value);
    if (event->is_wanted && put_key(event, key, (size_t)len)) {
        put(event, digits, (size_t)len);
    }
}

void event_flag(struct event *event, const char *key, bool value)
{
    if (event->is_wanted && put_key(event, key, sizeof "false")) {
        put(event, value ? "true" : "false", value ? 4 : 5);
    }
}

void event_texts(struct event *event, const char *key, const char *const *values, size_t count)
{
    if (!event->is_wanted || !put_key(event, key, 2)) {
        return;
    }
    put(event, "[", 1);
    for (size_t i = 0; i < count; i++) {
        /* comma, two quotes, the mark, the closing bracket */
        if (room(event) < sizeof CUT_MARK + 4) {
            event->is_cut = true;
            break;
        }
        if (i > 0) {
            put(event, ",", 1);
        }
        put_string(event, bytes_of_text(values[i]));
    }
    put(event, "]", 1);
}

void event_end(struct event *event, bool must_keep)
{
    if (!event->is_wanted) {
        return;
    }
    const char *closing = closings[event_writer_format()][event->is_cut];
    size_t len = strlen(closing); /* TAIL_SIZE was kept for it */
    memcpy(event->line + event->len, closing, len);
    event->len += len;
    event_writer_put((struct bytes){event->line, event->len}, must_keep);
}

void event_say(enum event_level level, const char *name, const char *format, ...)
{
    struct event event;
    event_begin(&event, level, name);
    if (!event.is_wanted) {
        return;
    }
    char message[VALUE_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    event_text(&event, "message", message);
    event_end(&event, false);
}
