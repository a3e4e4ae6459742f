#include "config/keys.h"

#include "config/value.h"

#define FIELD(section, field) offsetof(struct config, section.field)

const struct key_row CONFIG_KEYS[] = {
    {"directory", "uri", KEY_TEXT, FIELD(directory, uri), NULL},
    {"directory", "flavor", KEY_FLAVOR, FIELD(directory, flavor), "auto"},
    {"directory", "config_base", KEY_TEXT, FIELD(directory, config_base), NULL},
    {"directory", "accounts_base", KEY_TEXT, FIELD(directory, accounts_base), NULL},
    {"directory", "bind_dn", KEY_TEXT, FIELD(directory, bind_dn), NULL},
    {"directory", "bind_password", KEY_TEXT, FIELD(directory, bind_password), NULL},
    {"directory", "sasl_mech", KEY_TEXT, FIELD(directory, sasl_mech), NULL},
    {"directory", "poll", KEY_DURATION, FIELD(directory, poll_ms), "60"},
    {"directory", "start_tls", KEY_START_TLS, FIELD(directory, start_tls), NULL},
    {"directory", "ca_file", KEY_TEXT, FIELD(directory, ca_file), NULL},
    {"directory", "login_attributes", KEY_LATER, 0, NULL},
    {"server", "name", KEY_TEXT, FIELD(server, name), NULL},
    {"server", "organization", KEY_TEXT, FIELD(server, organization), NULL},
    {"server", "state_dir", KEY_TEXT, FIELD(server, state_dir), "/var/lib/dirrelay"},
    {"server", "user", KEY_TEXT, FIELD(server, user), "dirrelay"},
    {"server", "group", KEY_TEXT, FIELD(server, group), "dirrelay"},
    {"server", "loops", KEY_COUNT, FIELD(server, loops), NULL},
    {"server", "control", KEY_TEXT, FIELD(server, control), "/run/dirrelay/control.sock"},
    {"server", "proxy_trusted", KEY_LATER, 0, NULL},
    {"server", "drain", KEY_DURATION, FIELD(server, drain_ms), "30s"},
    {"auth", "workers", KEY_LATER, 0, NULL},
    {"auth", "queue", KEY_LATER, 0, NULL},
    {"auth", "group_depth", KEY_LATER, 0, NULL},
    {"auth", "group_limit", KEY_LATER, 0, NULL},
    {"auth", "failures_per_source", KEY_LATER, 0, NULL},
    {"tls", "profile", KEY_LATER, 0, NULL},
    {"tls", "certificate_dir", KEY_LATER, 0, NULL},
    {"tls", "ca_file", KEY_LATER, 0, NULL},
    {"tls", "crl_file", KEY_LATER, 0, NULL},
    {"filter", "milters", KEY_LATER, 0, NULL},
    {"filter", "timeout", KEY_LATER, 0, NULL},
    {"filter", "default", KEY_LATER, 0, NULL},
    {"pressure", "disk", KEY_LATER, 0, NULL},
    {"pressure", "memory", KEY_LATER, 0, NULL},
    {"pressure", "queue", KEY_LATER, 0, NULL},
    {"queue", "retry", KEY_RETRY, offsetof(struct config, queue), "1m 5m 15m 30m 1h"},
    {"queue", "expire", KEY_DURATION, FIELD(queue, expire_ms), "2d"},
    {"queue", "delay_warning", KEY_LATER, 0, NULL},
    {"queue", "reserve", KEY_SIZE, FIELD(queue, reserve_bytes), "256M"},
    {"sasl", "keytab", KEY_LATER, 0, NULL},
    {"sasl", "service", KEY_LATER, 0, NULL},
    {"log", "format", KEY_FORMAT, FIELD(log, format), "json"},
    {"log", "level", KEY_LEVEL, FIELD(log, level), "info"},
    {"metrics", "listen", KEY_ENDPOINT, FIELD(metrics, listen), "127.0.0.1:9125"},
};
const size_t CONFIG_KEY_COUNT = sizeof CONFIG_KEYS / sizeof CONFIG_KEYS[0];

/* "1m 5m 1h": at least one delay. */
static enum error apply_retry(struct bytes value, struct config *config)
{
    size_t count = 0;
    struct bytes word;
    while (bytes_next(&value, ' ', &word)) {
        if (word.len == 0)
            continue;
        if (count == CONFIG_RETRY_MAX)
            return ERROR_LIMIT;
        enum error error = value_duration(word, &config->queue.retry_ms[count++]);
        if (error)
            return error;
    }
    config->queue.retry_count = count;
    return count ? OK : ERROR_SYNTAX;
}

static enum error apply_endpoint(struct bytes value, struct ip_endpoint *out)
{
    if (value.len == 0) {
        *out = (struct ip_endpoint){.address.family = IP_NONE};
        return OK;
    }
    return ip_parse_endpoint(value, out);
}

static enum error apply_text(struct bytes value, struct config *config, const char **field)
{
    *field = arena_copy(&config->arena, value).ptr;
    return *field ? OK : ERROR_LIMIT;
}

enum error key_apply(const struct key_row *row, struct bytes value, struct config *config,
                     const char **out_expected)
{
    void *field = (char *)config + row->offset;
    unsigned choice = 0;
    enum error error = OK;

    switch (row->kind) {
    case KEY_TEXT:
        *out_expected = "a text";
        return apply_text(value, config, field);
    case KEY_DURATION:
        *out_expected = "a time such as 30s, 5m, 1h or 2d";
        return value_duration(value, field);
    case KEY_SIZE:
        *out_expected = "a size such as 256M";
        return value_size(value, field);
    case KEY_COUNT:
        *out_expected = "a number from 1 to 1024";
        error = bytes_to_u64(value, 1024, field);
        return error ? error : *(uint64_t *)field ? OK : ERROR_SYNTAX;
    case KEY_FLAVOR:
        *out_expected = "auto, openldap or ad";
        error = value_choice(value, "auto openldap ad", &choice);
        *(enum directory_flavor *)field = (enum directory_flavor)choice;
        return error;
    case KEY_START_TLS:
        *out_expected = "demand or never";
        error = value_choice(value, "demand never", &choice);
        *(enum config_start_tls *)field = choice ? START_TLS_NEVER : START_TLS_DEMAND;
        return error;
    case KEY_RETRY:
        *out_expected = "delays such as \"1m 5m 1h\"";
        return apply_retry(value, config);
    case KEY_FORMAT:
        *out_expected = "json or text";
        error = value_choice(value, "json text", &choice);
        *(enum event_format *)field = choice ? EVENT_TEXT : EVENT_JSON;
        return error;
    case KEY_LEVEL:
        *out_expected = "debug, info, warning or error";
        error = value_choice(value, "debug info warning error", &choice);
        *(enum event_level *)field = (enum event_level)choice;
        return error;
    case KEY_ENDPOINT:
        *out_expected = "an address and port such as 127.0.0.1:9125, or nothing";
        return apply_endpoint(value, field);
    case KEY_LATER:
        *out_expected = "nothing: what it sets is not built yet";
        return ERROR_SYNTAX;
    }
    return ERROR_SYNTAX;
}
