/* Every key of contract 2 as a row. Private to the room. */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config/config.h"

enum key_kind {
    KEY_TEXT,
    KEY_DURATION,
    KEY_INTERVAL, /* a duration that is not 0 */
    KEY_SIZE,
    KEY_COUNT,
    KEY_SWITCH,
    KEY_GROUPS,           /* a number of groups that one token can hold */
    KEY_FAILURES,         /* so many in a time */
    KEY_LOGIN_ATTRIBUTES, /* names, into directory */
    KEY_FLAVOR,
    KEY_START_TLS,
    KEY_SASL_MECH,
    KEY_TLS_PROFILE,
    KEY_RETRY,
    KEY_MARKS, /* of back pressure */
    KEY_FORMAT,
    KEY_LEVEL,
    KEY_ENDPOINT,
    KEY_MILTERS,
    KEY_FILTER_DEFAULT,
    KEY_RANGES, /* blank separated, as RemoteIPRanges */
};

struct key_row {
    const char *section;
    const char *name;
    enum key_kind kind;
    size_t offset;        /* of the field in struct config */
    const char *fallback; /* default as it would stand in the file, or NULL */
};

extern const struct key_row CONFIG_KEYS[];
extern const size_t CONFIG_KEY_COUNT;

/* Parses the value into its field. On failure *out_expected says what would be right. */
MUST_USE enum error key_apply(const struct key_row *row, struct bytes value, struct config *config,
                              const char **out_expected);

#endif
