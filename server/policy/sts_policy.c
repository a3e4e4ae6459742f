#include "policy/sts_policy.h"

#include "base/reader.h"
#include "mail/domain.h"

#include <string.h>

#define RECORD_MAX 2048 /* octets of a TXT record, of which a few dozen are usual */

/* -- the record -- */

/* A TXT record is a row of texts, each behind its length. */
static enum error join(struct bytes data, struct buffer *out)
{
    struct reader reader = reader_of(data);
    enum error error = OK;
    while (!reader_is_done(&reader) && !error) {
        uint8_t len;
        struct bytes part;
        bool is_whole = reader_u8(&reader, &len) && reader_take(&reader, len, &part);
        error = is_whole ? buffer_append(out, part) : ERROR_SYNTAX;
    }
    return error;
}

static bool is_id(struct bytes text)
{
    bool is_good = text.len > 0 && text.len < STS_ID_SIZE;
    for (size_t i = 0; i < text.len && is_good; i++) {
        char c = text.ptr[i];
        is_good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
    return is_good;
}

static bool is_text(struct bytes value, const char *text)
{
    return bytes_equal(value, bytes_of_text(text));
}

static enum error read_fields(struct bytes text, char out_id[STS_ID_SIZE])
{
    struct bytes field;
    bool is_found = false;
    if (!bytes_next(&text, ';', &field) || !is_text(bytes_trim(field), "v=STSv1"))
        return ERROR_NOT_FOUND;
    while (bytes_next(&text, ';', &field)) {
        struct bytes name, value = bytes_trim(field);
        if (!bytes_next(&value, '=', &name) || !is_text(name, "id") || is_found)
            continue;
        if (!is_id(value))
            return ERROR_SYNTAX;
        memcpy(out_id, value.ptr, value.len);
        out_id[value.len] = '\0';
        is_found = true;
    }
    return is_found ? OK : ERROR_SYNTAX;
}

enum error sts_record_read(struct bytes data, char out_id[STS_ID_SIZE])
{
    struct buffer text;
    buffer_init(&text, RECORD_MAX);
    enum error error = join(data, &text);
    if (!error)
        error = read_fields(buffer_bytes(&text), out_id);
    buffer_done(&text);
    return error;
}

/* -- the policy -- */

struct parsing {
    struct sts_policy *policy;
    bool has_version, has_mode, has_lifetime;
};

static enum error read_version(struct parsing *parsing, struct bytes value)
{
    parsing->has_version = true;
    return is_text(value, "STSv1") ? OK : ERROR_SYNTAX;
}

static enum error read_mode(struct parsing *parsing, struct bytes value)
{
    static const char *const MODES[] = {
        [STS_MODE_NONE] = "none", [STS_MODE_TESTING] = "testing", [STS_MODE_ENFORCE] = "enforce"};
    parsing->has_mode = true;
    for (size_t i = 0; i < sizeof MODES / sizeof MODES[0]; i++) {
        if (is_text(value, MODES[i])) {
            parsing->policy->mode = (enum sts_mode)i;
            return OK;
        }
    }
    return ERROR_SYNTAX;
}

static enum error read_lifetime(struct parsing *parsing, struct bytes value)
{
    uint64_t seconds;
    enum error error = value.len <= 10 ? bytes_to_u64(value, UINT64_MAX, &seconds) : ERROR_SYNTAX;
    parsing->has_lifetime = true;
    if (!error)
        parsing->policy->lifetime_s = seconds < STS_LIFETIME_MAX_S ? (uint32_t)seconds : STS_LIFETIME_MAX_S;
    return error;
}

static enum error read_pattern(struct parsing *parsing, struct bytes value)
{
    char name[DOMAIN_TEXT_SIZE];
    bool is_wild = bytes_starts_nocase(value, "*.");
    if (domain_normalize(bytes_skip(value, is_wild ? 2 : 0), name))
        return OK; /* no host has it */
    return buffer_printf(&parsing->policy->patterns, "%s%s\n", is_wild ? "*." : "", name);
}

static enum error read_line(struct parsing *parsing, struct bytes line)
{
    struct bytes name, value = line;
    if (!bytes_next(&value, ':', &name) || name.len == line.len)
        return line.len == 0 ? OK : ERROR_SYNTAX;
    value = bytes_trim(value);
    if (is_text(name, "version") && !parsing->has_version)
        return read_version(parsing, value);
    if (is_text(name, "mode") && !parsing->has_mode)
        return read_mode(parsing, value);
    if (is_text(name, "max_age") && !parsing->has_lifetime)
        return read_lifetime(parsing, value);
    return is_text(name, "mx") ? read_pattern(parsing, value) : OK;
}

enum error sts_policy_parse(struct bytes text, struct sts_policy *out, struct note *note)
{
    struct parsing parsing = {.policy = out};
    struct bytes line;
    enum error error = OK;
    *out = (struct sts_policy){.mode = STS_MODE_NONE};
    buffer_init(&out->patterns, STS_TEXT_MAX);
    while (!error && bytes_next(&text, '\n', &line)) {
        line.len -= bytes_ends_nocase(line, "\r");
        error = read_line(&parsing, bytes_trim(line));
        if (error)
            note_set(note, "the policy is malformed");
    }
    bool is_whole = parsing.has_version && parsing.has_mode && parsing.has_lifetime &&
                    (out->mode == STS_MODE_NONE || out->patterns.len > 0);
    if (!error && !is_whole) {
        note_set(note, "the policy lacks version, mode, max_age or mx");
        error = ERROR_SYNTAX;
    }
    return error;
}

static bool is_match(struct bytes pattern, struct bytes exchanger)
{
    if (bytes_starts_nocase(pattern, "*.")) {
        size_t label = bytes_find(exchanger, '.');
        pattern = bytes_skip(pattern, 2);
        exchanger = label > 0 ? bytes_skip(exchanger, label + 1) : (struct bytes){0};
    }
    return exchanger.len > 0 && bytes_equal_nocase(pattern, exchanger);
}

bool sts_policy_allows(const struct sts_policy *policy, const char *exchanger)
{
    struct bytes rest = buffer_bytes(&policy->patterns), pattern;
    while (bytes_next(&rest, '\n', &pattern)) {
        if (is_match(pattern, bytes_of_text(exchanger)))
            return true;
    }
    return false;
}

void sts_policy_done(struct sts_policy *policy)
{
    buffer_done(&policy->patterns);
}
