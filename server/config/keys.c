#include "config/keys.h"

#include "base/quantity.h"
#include "config/value.h"

#include <assert.h>
#include <string.h>

#define FIELD(section, field) offsetof(struct config, section.field)

const struct key_row CONFIG_KEYS[] = {
    {"directory", "uri", KEY_TEXT, FIELD(directory, uri), NULL},
    {"directory", "flavor", KEY_FLAVOR, FIELD(directory, flavor), "auto"},
    {"directory", "config_base", KEY_TEXT, FIELD(directory, config_base), NULL},
    {"directory", "accounts_base", KEY_TEXT, FIELD(directory, accounts_base), NULL},
    {"directory", "bind_dn", KEY_TEXT, FIELD(directory, bind_dn), NULL},
    {"directory", "bind_password", KEY_TEXT, FIELD(directory, bind_password), NULL},
    {"directory", "sasl_mech", KEY_SASL_MECH, FIELD(directory, sasl_mech), NULL},
    {"directory", "poll", KEY_INTERVAL, FIELD(directory, poll_ms), "60"},
    {"directory", "start_tls", KEY_START_TLS, FIELD(directory, start_tls), NULL},
    {"directory", "ca_file", KEY_TEXT, FIELD(directory, ca_file), NULL},
    {"directory", "login_attributes", KEY_LOGIN_ATTRIBUTES, offsetof(struct config, directory), NULL},
    {"server", "name", KEY_TEXT, FIELD(server, name), NULL},
    {"server", "organization", KEY_TEXT, FIELD(server, organization), NULL},
    {"server", "state_dir", KEY_TEXT, FIELD(server, state_dir), "/var/lib/dirrelay"},
    {"server", "user", KEY_TEXT, FIELD(server, user), "dirrelay"},
    {"server", "group", KEY_TEXT, FIELD(server, group), "dirrelay"},
    {"server", "loops", KEY_COUNT, FIELD(server, loops), NULL},
    {"server", "control", KEY_TEXT, FIELD(server, control), "/run/dirrelay/control.sock"},
    {"server", "proxy_trusted", KEY_RANGES, FIELD(server, proxy_trusted), NULL},
    {"server", "drain", KEY_DURATION, FIELD(server, drain_ms), "30s"},
    {"auth", "workers", KEY_COUNT, FIELD(auth, workers), "32"},
    {"auth", "queue", KEY_COUNT, FIELD(auth, queue), "256"},
    {"auth", "group_depth", KEY_COUNT, FIELD(auth, group_depth), "64"},
    {"auth", "group_limit", KEY_GROUPS, FIELD(auth, group_limit), "20000"},
    {"auth", "failures_per_source", KEY_FAILURES, offsetof(struct config, auth), "10 in 10m"},
    {"tls", "profile", KEY_TLS_PROFILE, FIELD(tls, profile), "modern"},
    {"tls", "certificate_dir", KEY_TEXT, FIELD(tls, certificate_dir), "/etc/dirrelay/tls"},
    {"tls", "ca_file", KEY_TEXT, FIELD(tls, ca_file), NULL},
    {"tls", "crl_file", KEY_TEXT, FIELD(tls, crl_file), NULL},
    {"filter", "milters", KEY_MILTERS, 0, NULL},
    {"filter", "timeout", KEY_INTERVAL, FIELD(filter, list.timeout_ms), "30s"},
    {"filter", "default", KEY_FILTER_DEFAULT, FIELD(filter, list.on_failure), "tempfail"},
    {"pressure", "disk", KEY_MARKS, FIELD(pressure, disk), "80-89-99"},
    {"pressure", "memory", KEY_MARKS, FIELD(pressure, memory), "71-72-75"},
    {"pressure", "queue", KEY_MARKS, FIELD(pressure, queue), "2000-9999-15000"},
    {"queue", "retry", KEY_RETRY, offsetof(struct config, queue), "1m 5m 15m 30m 1h"},
    {"queue", "expire", KEY_DURATION, FIELD(queue, expire_ms), "2d"},
    {"queue", "delay_warning", KEY_DURATION, FIELD(queue, delay_warning_ms), "4h"},
    {"queue", "reserve", KEY_SIZE, FIELD(queue, reserve_bytes), "256M"},
    {"dns", "trust_anchor", KEY_TEXT, FIELD(dns, trust_anchor), NULL},
    {"sasl", "keytab", KEY_TEXT, FIELD(sasl, keytab), "/etc/krb5.keytab"},
    {"sasl", "service", KEY_TEXT, FIELD(sasl, service), "smtp"},
    {"log", "format", KEY_FORMAT, FIELD(log, format), "json"},
    {"log", "level", KEY_LEVEL, FIELD(log, level), "info"},
    {"metrics", "listen", KEY_ENDPOINT, FIELD(metrics, listen), "127.0.0.1:9125"},
};
const size_t CONFIG_KEY_COUNT = sizeof CONFIG_KEYS / sizeof CONFIG_KEYS[0];

/* A delay of nothing would be a loop without rest. */
static enum error apply_interval(struct bytes value, uint64_t *out_ms)
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
static enum error apply_retry(struct bytes value, struct config *config)
{
    size_t count = 0;
    struct bytes word;
    while (value_next_word(&value, &word)) {
        if (count == CONFIG_RETRY_MAX)
            return ERROR_LIMIT;
        enum error error = apply_interval(word, &config->queue.retry_ms[count++]);
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
static enum error apply_login_attributes(struct bytes value, struct config *config)
{
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
static enum error apply_marks(struct bytes value, struct pressure_marks *out)
{
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

static enum error apply_endpoint(struct bytes value, struct ip_endpoint *out)
{
    if (value.len == 0) {
        *out = (struct ip_endpoint){.address.family = IP_NONE};
        return OK;
    }
    return ip_parse_endpoint(value, out);
}

static enum error apply_count(struct bytes value, uint64_t maximum, uint64_t *out)
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
static enum error apply_failures(struct bytes value, struct config *config)
{
    struct bytes count, in, window, more;
    bool has_form = value_next_word(&value, &count) && value_next_word(&value, &in) &&
                    value_next_word(&value, &window) && !value_next_word(&value, &more) &&
                    bytes_equal_text_nocase(in, "in");
    enum error error = has_form ? OK : ERROR_SYNTAX;
    if (!error)
        error = apply_count(count, 100, &config->auth.failures);
    return error ? error : apply_interval(window, &config->auth.failure_window_ms);
}

/* An empty text is as if it was not given: compose files set variables to nothing. */
static enum error apply_text(const struct key_row *row, struct bytes value, struct config *config,
                             const char **field)
{
    if (value.len == 0)
        value = bytes_of_text(row->fallback);
    *field = value.len ? arena_copy(&config->arena, value).ptr : NULL;
    return *field || value.len == 0 ? OK : ERROR_LIMIT;
}

/* The words of a choice and, for each, the value of the field. */
static enum error apply_choice(struct bytes value, const char *words, const int *values, int *out)
{
    unsigned index;
    enum error error = value_choice(value, words, &index);
    if (!error)
        *out = values[index];
    return error;
}

static enum error apply_ranges(struct bytes value, struct config *config, struct config_ranges *out)
{
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

static enum error apply_sasl_mech(struct bytes value, const char **field)
{
    static const char *const MECHANISMS[] = {"EXTERNAL", "GSSAPI"};
    unsigned index = 0;
    enum error error = value.len ? value_choice(value, "EXTERNAL GSSAPI", &index) : OK;
    if (!error)
        *field = value.len ? MECHANISMS[index] : NULL;
    return error;
}

static const char *expected_of(enum key_kind kind)
{
    switch (kind) {
    case KEY_TEXT:
        return "a text";
    case KEY_DURATION:
        return "a time such as 30s, 5m, 1h or 2d";
    case KEY_INTERVAL:
        return "a time above 0 such as 30s, 5m, 1h or 2d";
    case KEY_SIZE:
        return "a size such as 256M";
    case KEY_COUNT:
        return "a number from 1 to 1024";
    case KEY_FAILURES:
        return "1 to 100 failures in a time above 0 such as \"10 in 10m\"";
    case KEY_GROUPS:
        return "a number from 1 to 60000";
    case KEY_LOGIN_ATTRIBUTES:
        return "up to 8 names of attributes such as \"uid mail\"";
    case KEY_FLAVOR:
        return "auto, openldap or ad";
    case KEY_START_TLS:
        return "demand or never";
    case KEY_SASL_MECH:
        return "EXTERNAL or GSSAPI";
    case KEY_TLS_PROFILE:
        return "modern or legacy";
    case KEY_RETRY:
        return "up to 32 delays above 0 such as \"1m 5m 1h\"";
    case KEY_MARKS:
        return "three rising numbers such as 80-89-99";
    case KEY_FORMAT:
        return "json or text";
    case KEY_LEVEL:
        return "debug, info, warning or error";
    case KEY_ENDPOINT:
        return "an address and port such as 127.0.0.1:9125, or nothing";
    case KEY_MILTERS:
        return "up to 16 filters such as \"antispam:inet:127.0.0.1:11332 unix:/run/opendkim/opendkim.sock\"";
    case KEY_FILTER_DEFAULT:
        return "tempfail, accept or reject";
    case KEY_RANGES:
        return "blank separated addresses and ranges such as \"192.0.2.10 10.1.0.0/16\"";
    case KEY_LATER:
        return "nothing: what it sets is not built yet";
    }
    return "";
}

enum error key_apply(const struct key_row *row, struct bytes value, struct config *config,
                     const char **out_expected)
{
    static const int FLAVORS[] = {FLAVOR_UNKNOWN, FLAVOR_OPENLDAP, FLAVOR_AD};
    static const int START_TLS[] = {START_TLS_DEMAND, START_TLS_NEVER};
    static const int TLS_PROFILES[] = {TLS_PROFILE_MODERN, TLS_PROFILE_LEGACY};
    static const int FORMATS[] = {EVENT_JSON, EVENT_TEXT};
    static const int FILTER_DEFAULTS[] = {FILTER_DEFAULT_TEMPFAIL, FILTER_DEFAULT_ACCEPT,
                                          FILTER_DEFAULT_REJECT};
    static const int LEVELS[] = {EVENT_DEBUG, EVENT_INFO, EVENT_WARNING, EVENT_ERROR};
    static_assert(sizeof(int) == sizeof(enum directory_flavor), "enums of a choice are ints");
    void *field = (char *)config + row->offset;

    *out_expected = expected_of(row->kind);
    switch (row->kind) {
    case KEY_TEXT:
        return apply_text(row, value, config, field);
    case KEY_DURATION:
        return quantity_parse_duration(value, field);
    case KEY_INTERVAL:
        return apply_interval(value, field);
    case KEY_SIZE:
        return quantity_parse_size(value, field);
    case KEY_COUNT:
        return apply_count(value, 1024, field);
    case KEY_FAILURES:
        return apply_failures(value, config);
    case KEY_GROUPS:
        return apply_count(value, 60000, field);
    case KEY_LOGIN_ATTRIBUTES:
        return apply_login_attributes(value, config);
    case KEY_FLAVOR:
        return apply_choice(value, "auto openldap ad", FLAVORS, field);
    case KEY_START_TLS:
        return apply_choice(value, "demand never", START_TLS, field);
    case KEY_SASL_MECH:
        return apply_sasl_mech(value, field);
    case KEY_TLS_PROFILE:
        return apply_choice(value, "modern legacy", TLS_PROFILES, field);
    case KEY_RETRY:
        return apply_retry(value, config);
    case KEY_MARKS:
        return apply_marks(value, field);
    case KEY_FORMAT:
        return apply_choice(value, "json text", FORMATS, field);
    case KEY_LEVEL:
        return apply_choice(value, "debug info warning error", LEVELS, field);
    case KEY_ENDPOINT:
        return apply_endpoint(value, field);
    case KEY_MILTERS:
        return filter_list_parse(value, &config->arena, &config->filter.list, NULL);
    case KEY_FILTER_DEFAULT:
        return apply_choice(value, "tempfail accept reject", FILTER_DEFAULTS, field);
    case KEY_RANGES:
        return apply_ranges(value, config, field);
    case KEY_LATER:
        return ERROR_SYNTAX;
    }
    return ERROR_SYNTAX;
}
