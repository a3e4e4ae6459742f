/* The kinds of values that keys have: what each one takes, and what is said when it takes no such value. */
#include "base/quantity.h"
#include "config/keys.h"
#include "config/value.h"

#include <assert.h>
#include <string.h>

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
static enum error apply_retry(const struct key_row *row, struct bytes value, struct config *config,
                              void *field)
{
    (void)row, (void)field;
    size_t count = 0;
    struct bytes word;
    while (value_next_word(&value, &word)) {
        if (count == CONFIG_RETRY_MAX)
            return ERROR_LIMIT;
        enum error error = parse_interval(word, &config->queue.retry_ms[count++]);
        if (error)
            return error;
    }
    config->queue.retry_count = count;
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
static enum error apply_login_attributes(const struct key_row *row, struct bytes value, struct config *config,
                                         void *field)
{
    (void)row, (void)field;
    size_t count = 0;
    struct bytes word;
    while (value_next_word(&value, &word)) {
        if (count == CONFIG_LOGIN_ATTRIBUTES_MAX)
            return ERROR_LIMIT;
        if (!is_attribute_name(word))
            return ERROR_SYNTAX;
        const char *name = arena_copy(&config->arena, word).ptr;
        if (!name)
            return ERROR_LIMIT;
        config->directory.login_attributes[count++] = name;
    }
    config->directory.login_attribute_count = count;
    return OK;
}

/* "80-89-99" or "80 89 99": low, medium, high. */
static enum error apply_marks(const struct key_row *row, struct bytes value, struct config *config,
                              void *field)
{
    (void)row, (void)config;
    struct pressure_marks *out = field;
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

static enum error apply_endpoint(const struct key_row *row, struct bytes value, struct config *config,
                                 void *field)
{
    (void)row, (void)config;
    struct ip_endpoint *out = field;
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

/* "10 in 10m". */
static enum error apply_failures(const struct key_row *row, struct bytes value, struct config *config,
                                 void *field)
{
    (void)row, (void)field;
    struct bytes count, in, window, more;
    bool has_form = value_next_word(&value, &count) && value_next_word(&value, &in) &&
                    value_next_word(&value, &window) && !value_next_word(&value, &more) &&
                    bytes_equal_text_nocase(in, "in");
    enum error error = has_form ? OK : ERROR_SYNTAX;
    if (!error)
        error = parse_count(count, 100, &config->auth.failures);
    return error ? error : parse_interval(window, &config->auth.failure_window_ms);
}

/* An empty text is as if it was not given: compose files set variables to nothing. */
static enum error apply_text(const struct key_row *row, struct bytes value, struct config *config,
                             void *field)
{
    const char **out = field;
    if (value.len == 0)
        value = bytes_of_text(row->fallback);
    *out = value.len ? arena_copy(&config->arena, value).ptr : NULL;
    return *out || value.len == 0 ? OK : ERROR_LIMIT;
}

static enum error apply_ranges(const struct key_row *row, struct bytes value, struct config *config,
                               void *field)
{
    (void)row;
    struct config_ranges *out = field;
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
    out->ranges = arena_array(&config->arena, count + 1, sizeof ranges[0]);
    if (!out->ranges)
        return ERROR_LIMIT;
    memcpy(out->ranges, ranges, count * sizeof ranges[0]);
    return OK;
}

static enum error apply_sasl_mech(const struct key_row *row, struct bytes value, struct config *config,
                                  void *field)
{
    (void)row, (void)config;
    const char **out = field;
    static const char *const MECHANISMS[] = {"EXTERNAL", "GSSAPI"};
    unsigned index = 0;
    enum error error = value.len ? value_choice(value, "EXTERNAL GSSAPI", &index) : OK;
    if (!error)
        *out = value.len ? MECHANISMS[index] : NULL;
    return error;
}

static enum error apply_duration(const struct key_row *row, struct bytes value, struct config *config,
                                 void *field)
{
    (void)row, (void)config;
    return quantity_parse_duration(value, field);
}

static enum error apply_interval(const struct key_row *row, struct bytes value, struct config *config,
                                 void *field)
{
    (void)row, (void)config;
    return parse_interval(value, field);
}

static enum error apply_size(const struct key_row *row, struct bytes value, struct config *config,
                             void *field)
{
    (void)row, (void)config;
    return quantity_parse_size(value, field);
}

static enum error apply_count(const struct key_row *row, struct bytes value, struct config *config,
                              void *field)
{
    (void)row, (void)config;
    return parse_count(value, 1024, field);
}

static enum error apply_groups(const struct key_row *row, struct bytes value, struct config *config,
                               void *field)
{
    (void)row, (void)config;
    return parse_count(value, 60000, field);
}

static enum error apply_switch(const struct key_row *row, struct bytes value, struct config *config,
                               void *field)
{
    (void)row, (void)config;
    unsigned index;
    enum error error = value_choice(value, "no yes", &index);
    if (!error)
        *(bool *)field = index == 1;
    return error;
}

static enum error apply_milters(const struct key_row *row, struct bytes value, struct config *config,
                                void *field)
{
    (void)row, (void)field;
    return filter_list_parse(value, &config->arena, &config->filter.list, NULL);
}

#define CHOICES_MAX 4

/* How a kind is read; one of a few words where apply is NULL. */
static const struct {
    const char *expected;
    enum error (*apply)(const struct key_row *row, struct bytes value, struct config *config, void *field);
    const char *words;
    int values[CHOICES_MAX]; /* of the field, for each word */
} KINDS[] = {
    [KEY_TEXT] = {"a text", apply_text, NULL, {0}},
    [KEY_DURATION] = {"a time such as 30s, 5m, 1h or 2d", apply_duration, NULL, {0}},
    [KEY_INTERVAL] = {"a time above 0 such as 30s, 5m, 1h or 2d", apply_interval, NULL, {0}},
    [KEY_SIZE] = {"a size such as 256M", apply_size, NULL, {0}},
    [KEY_COUNT] = {"a number from 1 to 1024", apply_count, NULL, {0}},
    [KEY_SWITCH] = {"yes or no", apply_switch, NULL, {0}},
    [KEY_FAILURES] = {"1 to 100 failures in a time above 0 such as \"10 in 10m\"", apply_failures, NULL, {0}},
    [KEY_GROUPS] = {"a number from 1 to 60000", apply_groups, NULL, {0}},
    [KEY_LOGIN_ATTRIBUTES] = {"up to 8 names of attributes such as \"uid mail\"",
                              apply_login_attributes,
                              NULL,
                              {0}},
    [KEY_SASL_MECH] = {"EXTERNAL or GSSAPI", apply_sasl_mech, NULL, {0}},
    [KEY_RETRY] = {"up to 32 delays above 0 such as \"1m 5m 1h\"", apply_retry, NULL, {0}},
    [KEY_MARKS] = {"three rising numbers such as 80-89-99", apply_marks, NULL, {0}},
    [KEY_ENDPOINT] = {"an address and port such as 127.0.0.1:9125, or nothing", apply_endpoint, NULL, {0}},
    [KEY_RANGES] = {"blank separated addresses and ranges such as \"192.0.2.10 10.1.0.0/16\"",
                    apply_ranges,
                    NULL,
                    {0}},
    [KEY_MILTERS] =
        {"up to 16 filters such as \"antispam:inet:127.0.0.1:11332 unix:/run/opendkim/opendkim.sock\"",
         apply_milters,
         NULL,
         {0}},
    [KEY_FLAVOR] = {"auto, openldap or ad",
                    NULL,
                    "auto openldap ad",
                    {FLAVOR_UNKNOWN, FLAVOR_OPENLDAP, FLAVOR_AD}},
    [KEY_START_TLS] = {"demand or never", NULL, "demand never", {START_TLS_DEMAND, START_TLS_NEVER}},
    [KEY_TLS_PROFILE] = {"modern or legacy", NULL, "modern legacy", {TLS_PROFILE_MODERN, TLS_PROFILE_LEGACY}},
    [KEY_FORMAT] = {"json or text", NULL, "json text", {EVENT_JSON, EVENT_TEXT}},
    [KEY_LEVEL] = {"debug, info, warning or error",
                   NULL,
                   "debug info warning error",
                   {EVENT_DEBUG, EVENT_INFO, EVENT_WARNING, EVENT_ERROR}},
    [KEY_FILTER_DEFAULT] = {"tempfail, accept or reject",
                            NULL,
                            "tempfail accept reject",
                            {FILTER_DEFAULT_TEMPFAIL, FILTER_DEFAULT_ACCEPT, FILTER_DEFAULT_REJECT}},
};

enum error key_apply(const struct key_row *row, struct bytes value, struct config *config,
                     const char **out_expected)
{
    static_assert(sizeof(int) == sizeof(enum directory_flavor), "enums of a choice are ints");
    void *field = (char *)config + row->offset;
    unsigned index;
    *out_expected = KINDS[row->kind].expected;
    if (KINDS[row->kind].apply)
        return KINDS[row->kind].apply(row, value, config, field);
    enum error error = value_choice(value, KINDS[row->kind].words, &index);
    if (!error)
        *(int *)field = KINDS[row->kind].values[index];
    return error;
}
