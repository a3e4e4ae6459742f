#include "smtp_server/command.h"

#include <assert.h>

struct verb_word {
    const char *name;
    enum verb verb;
    const char *keyword; /* what must follow the verb, or NULL */
};

static const struct verb_word verb_words[] = {
    {"EHLO", VERB_EHLO, NULL},
    {"HELO", VERB_HELO, NULL},
    {"MAIL", VERB_MAIL, "FROM:"},
    {"RCPT", VERB_RCPT, "TO:"},
    {"DATA", VERB_DATA, NULL},
    {"RSET", VERB_RSET, NULL},
    {"NOOP", VERB_NOOP, NULL},
    {"VRFY", VERB_VRFY, NULL},
    {"EXPN", VERB_EXPN, NULL},
    {"HELP", VERB_HELP, NULL},
    {"QUIT", VERB_QUIT, NULL},
    {"STARTTLS", VERB_STARTTLS, NULL},
    {"X-ANONYMOUSTLS", VERB_X_ANONYMOUSTLS, NULL},
    {"AUTH", VERB_AUTH, NULL},
    {"X-EXPS", VERB_X_EXPS, NULL},
    {"BDAT", VERB_BDAT, NULL},
    {"XEXCH50", VERB_XEXCH50, NULL},
    {"GET", VERB_FOREIGN, NULL},
    {"POST", VERB_FOREIGN, NULL},
    {"PUT", VERB_FOREIGN, NULL},
    {"HEAD", VERB_FOREIGN, NULL},
    {"DELETE", VERB_FOREIGN, NULL},
    {"OPTIONS", VERB_FOREIGN, NULL},
    {"CONNECT", VERB_FOREIGN, NULL},
    {"TRACE", VERB_FOREIGN, NULL},
    {"PATCH", VERB_FOREIGN, NULL},
    {"PRI", VERB_FOREIGN, NULL},
    {"PROPFIND", VERB_FOREIGN, NULL},
};

#define VERB_WORD_COUNT      (sizeof verb_words / sizeof verb_words[0])
#define TLS_HANDSHAKE_RECORD 0x16

bool command_is_foreign(struct bytes beginning)
{
    return beginning.len > 0 && beginning.ptr[0] == TLS_HANDSHAKE_RECORD;
}

bool command_has_control(struct bytes line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char byte = (unsigned char)line.ptr[i];
        if (byte < 0x20 || byte == 0x7f) {
            return true;
        }
    }
    return false;
}

static const struct verb_word *verb_word_find(struct bytes name)
{
    for (size_t i = 0; i < VERB_WORD_COUNT; i++) {
        if (bytes_equal_text_nocase(name, verb_words[i].name)) {
            return &verb_words[i];
        }
    }
    return NULL;
}

void command_parse(struct bytes line, struct command_line *out)
{
    size_t end = bytes_find(line, ' ');
    *out = (struct command_line){.verb = VERB_UNKNOWN, .arguments = bytes_trim(bytes_skip(line, end))};
    if (command_is_foreign(line) || bytes_starts_nocase(line, "SSH-")) {
        out->verb = VERB_FOREIGN;
        return;
    }
    const struct verb_word *word = verb_word_find(bytes_first(line, end));
    if (word == NULL) {
        return;
    }
    out->verb = word->verb;
    if (word->keyword != NULL && bytes_starts_nocase(out->arguments, word->keyword)) {
        out->has_keyword = true;
        out->arguments = bytes_trim(bytes_skip(out->arguments, bytes_of_text(word->keyword).len));
    }
}

bool command_parse_chunk(struct bytes arguments, uint64_t *out_size, bool *out_is_last)
{
    struct bytes size;
    uint64_t number;
    if (!bytes_next(&arguments, ' ', &size) || bytes_to_u64(size, UINT64_MAX, &number) != OK) {
        return false;
    }
    struct bytes marker = bytes_trim(arguments);
    if (marker.len > 0 && !bytes_equal_text_nocase(marker, "LAST")) {
        return false;
    }
    *out_size = number;
    *out_is_last = marker.len > 0;
    return true;
}

const char *verb_name(enum verb verb)
{
    assert(verb < VERB_COUNT);
    for (size_t i = 0; verb != VERB_FOREIGN && i < VERB_WORD_COUNT; i++) {
        if (verb_words[i].verb == verb) {
            return verb_words[i].name;
        }
    }
    return verb == VERB_FOREIGN ? "foreign" : "unknown";
}
