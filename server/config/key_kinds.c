/* The kinds of values that keys have: what each one takes, and what is said when it takes no such value. */
#include "base/quantity.h"
#include "config/keys.h"
#include "config/value.h"

#include <assert.h>
#include <string.h>

/* Where a value goes. */
struct target {
    const struct key_row *row;
    struct config *config;
    void *field;
};

/* A delay of nothing would be a loop without rest. */
static enum error parse_interval(struct bytes value, uint64_t *out_ms)
{
    uint64_t ms;
    enum error error = quantity_parse_duration(value, &ms);
    if (!error && ms == 0)
        error = ERROR_SYNTAX;
    if (!error)
        *out_ms = ms;
    return error;
}

/* "1m 5m 1h": at least one delay. */
static enum error apply_retry(const struct target *target, struct bytes value)
{
    size_t count = 0;
    struct bytes word;
    while (value_next_word(&value, &word)) {
        if (count == CONFIG_RETRY_MAX)
            return ERROR_LIMIT;
        enum error error = parse_interval(word, &target->config->queue.retry_ms[count++]);
        if (error)
            return error;
    }
    target->config->queue.retry_count = count;
    return count ? OK : ERROR_SYNTAX;
}

/* RFC 4512 2.5, without options: they become part of a filter. */
static bool is_attribute_name(struct bytes name)
{
    bool is_good = name.len > 0 && name.len <= 100;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_later = (c >= '0' && c <= '9') || c == '-' || c == '.';
        is_good = is_good && (is_letter || is_later) && (i > 0 || c != '-');
    }
    return is_good;
}

/* "uid mail"; nothing: by flavor. */
static enum error apply_login_attributes(const struct target *target, struct bytes value)
{
    size_t count = 0;
    struct bytes word;
    while (value_next_word(&value, &word)) {
        if (count == LOGIN_ATTRIBUTES_MAX)
            return ERROR_LIMIT;
        if (!is_attribute_name(word))
            return ERROR_SYNTAX;
        const char *name = arena_copy(&target->config->arena, word).ptr;
        if (!name)
            return ERROR_LIMIT;
        target->config->directory.login_attributes[count++] = name;
    }
    target->config->directory.login_attribute_count = count;
    return OK;
}

/* "80-89-99" or "80 89 99": low, medium, high. */
static enum error apply_marks(const struct target *target, struct bytes value)
{
    struct pressure_marks *out = target->field;
    uint64_t marks[3];
    for (size_t i = 0; i < 3; i++) {
        size_t dash = bytes_find(value, '-');
        struct bytes rest = bytes_first(value, dash), word;
        if (!value_next_word(&rest, &word) || bytes_to_u64(word, INT64_MAX, &marks[i]))
            return ERROR_SYNTAX;
        size_t used = (size_t)(word.ptr + word.len - value.ptr);
        value = bytes_trim(bytes_skip(value, used));
        if (i < 2 && value.len > 0 && value.ptr[0] == '-')
            value = bytes_skip(value, 1);
    }
    if (value.len > 0 || marks[0] > marks[1] || marks[1] > marks[2])
        return ERROR_SYNTAX;
    *out = (struct pressure_marks){marks[0], marks[1], marks[2]};
    return OK;
}

static enum error apply_endpoint(const struct target *target, struct bytes value)
{
    struct ip_endpoint *out = target->field;
    if (value.len == 0) {
        *out = (struct ip_endpoint){.address.family = IP_NONE};
        return OK;
    }
    return ip_parse_endpoint(value, out);
}

static enum error parse_count(struct bytes value, uint64_t maximum, uint64_t *out)
{
    uint64_t count;
    enum error error = bytes_to_u64(value, maximum, &count);
    if (!error && count == 0)
        error = ERROR_SYNTAX;
    if (!error)
        *out = count;
    return error;
}

static enum error parse_small_count(struct bytes value, uint64_t *out)
{
    return parse_count(value, 1024, out);
}

static enum error parse_group_count(struct bytes value, uint64_t *out)
{
    return parse_count(value, 60000, out);
}

/* "10 in 10m". */
static enum error apply_failures(const struct target *target, struct bytes value)
{
    struct bytes count, in, window, more;
    bool has_form = value_next_word(&value, &count) && value_next_word(&value, &in) &&
                    value_next_word(&value, &window) && !value_next_word(&value, &more) &&
                    bytes_equal_text_nocase(in, "in");
    enum error error = has_form ? OK : ERROR_SYNTAX;
    if (!error)
        error = parse_count(count, 100, &target->config->auth.failures);
    return error ? error : parse_interval(window, &target->config->auth.failure_window_ms);
}

/* An empty text is as if it was not given: compose files set variables to nothing. */
static enum error apply_text(const struct target *target, struct bytes value)
{
    const char **out = target->field;
    if (value.len == 0)
        value = bytes_of_text(target->row->fallback);
    *out = value.len ? arena_copy(&target->config->arena, value).ptr : NULL;
    return *out || value.len == 0 ? OK : ERROR_LIMIT;
}

static enum error apply_ranges(const struct target *target, struct bytes value)
{
    struct config_ranges *out = target->field;
    struct ip_range ranges[CONFIG_RANGES_MAX];
    size_t count = 0;
    struct bytes word;
    while (value_next_word(&value, &word)) {
        if (count == CONFIG_RANGES_MAX)
            return ERROR_LIMIT;
        enum error error = ip_parse_range(word, &ranges[count++], NULL);
        if (error)
            return error;
    }
    out->count = count;
    out->ranges = arena_array(&target->config->arena, count + 1, sizeof ranges[0]);
    if (!out->ranges)
        return ERROR_LIMIT;
    memcpy(out->ranges, ranges, count * sizeof ranges[0]);
    return OK;
}

static enum error apply_sasl_mech(const struct target *target, struct bytes value)
{
    const char **out = target->field;
    static const char *const MECHANISMS[] = {"EXTERNAL", "GSSAPI"};
    unsigned index = 0;
    enum error error = value.len ? value_choice(value, "EXTERNAL GSSAPI", &index) : OK;
    if (!error)
        *out = value.len ? MECHANISMS[index] : NULL;
    return error;
}

static enum error apply_switch(const struct target *target, struct bytes value)
{
    unsigned index;
    enum error error = value_choice(value, "no yes", &index);
    if (!error)
        *(bool *)target->field = index == 1;
    return error;
}

static enum error apply_milters(const struct target *target, struct bytes value)
{
    return filter_list_parse(value, &target->config->arena, &target->config->filter.list, NULL);
}

#define CHOICES_MAX 4

/* How a kind is read: by the one of the three that is given. */
static const struct {
    const char *expected;
    enum error (*number)(struct bytes value, uint64_t *out);
    enum error (*apply)(const struct target *target, struct bytes value);
    const char *words;       /* one of these */
    int values[CHOICES_MAX]; /* of the field, for each word */
} KINDS[] = {
    [KEY_TEXT] = {"a text", .apply = apply_text},
    [KEY_DURATION] = {"a time such as 30s, 5m, 1h or 2d", .number = quantity_parse_duration},
    [KEY_INTERVAL] = {"a time above 0 such as 30s, 5m, 1h or 2d", .number = parse_interval},
    [KEY_SIZE] = {"a size such as 256M", .number = quantity_parse_size},
    [KEY_COUNT] = {"a number from 1 to 1024", .number = parse_small_count},
    [KEY_SWITCH] = {"yes or no", .apply = apply_switch},
    [KEY_FAILURES] = {"1 to 100 failures in a time above 0 such as \"10 in 10m\"", .apply = apply_failures},
    [KEY_GROUPS] = {"a number from 1 to 60000", .number = parse_group_count},
    [KEY_LOGIN_ATTRIBUTES] = {"up to 8 names of attributes such as \"uid mail\"",
                              .apply = apply_login_attributes},
    [KEY_SASL_MECH] = {"EXTERNAL or GSSAPI", .apply = apply_sasl_mech},
    [KEY_RETRY] = {"up to 32 delays above 0 such as \"1m 5m 1h\"", .apply = apply_retry},
    [KEY_MARKS] = {"three rising numbers such as 80-89-99", .apply = apply_marks},
    [KEY_ENDPOINT] = {"an address and port such as 127.0.0.1:9125, or nothing", .apply = apply_endpoint},
    [KEY_RANGES] = {"blank separated addresses and ranges such as \"192.0.2.10 10.1.0.0/16\"",
                    .apply = apply_ranges},
    [KEY_MILTERS] =
        {"up to 16 filters such as \"antispam:inet:127.0.0.1:11332 unix:/run/opendkim/opendkim.sock\"",
         .apply = apply_milters},
    [KEY_FLAVOR] = {"auto, openldap or ad", .words = "auto openldap ad",
                    .values = {FLAVOR_UNKNOWN, FLAVOR_OPENLDAP, FLAVOR_AD}},
    [KEY_START_TLS] = {"demand or never", .words = "demand never",
                       .values = {START_TLS_DEMAND, START_TLS_NEVER}},
    [KEY_TLS_PROFILE] = {"modern or legacy", .words = "modern legacy",
                         .values = {TLS_PROFILE_MODERN, TLS_PROFILE_LEGACY}},
    [KEY_FORMAT] = {"json or text", .words = "json text", .values = {EVENT_JSON, EVENT_TEXT}},
    [KEY_LEVEL] = {"debug, info, warning or error", .words = "debug info warning error",
                   .values = {EVENT_DEBUG, EVENT_INFO, EVENT_WARNING, EVENT_ERROR}},
    [KEY_FILTER_DEFAULT] = {"tempfail, accept or reject", .words = "tempfail accept reject",
                            .values = {FILTER_DEFAULT_TEMPFAIL, FILTER_DEFAULT_ACCEPT,
                                       FILTER_DEFAULT_REJECT}},
};

enum error key_apply(const struct key_row *row, struct bytes value, struct config *config,
                     const char **out_expected)
{
    static_assert(sizeof(int) == sizeof(enum directory_flavor), "enums of a choice are ints");
    const struct target target = {row, config, (char *)config + row->offset};
    unsigned index;
    *out_expected = KINDS[row->kind].expected;
    if (KINDS[row->kind].number)
        return KINDS[row->kind].number(value, target.field);
    if (KINDS[row->kind].apply)
        return KINDS[row->kind].apply(&target, value);
    enum error error = value_choice(value, KINDS[row->kind].words, &index);
    if (!error)
        *(int *)target.field = KINDS[row->kind].values[index];
    return error;
}
