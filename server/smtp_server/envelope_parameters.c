#include "smtp_server/envelope_parameters.h"

#include "mail/address.h"
#include "mail/parameter.h"
#include "policy/offer.h"

#define AUTH_VALUE_MAX  500 /* facts 8.3 */
#define ENVELOPE_ID_MAX 100
#define ORIGINAL_MAX    500 /* RFC 3461 4.2 */

/* Each takes the value of one parameter; REPLY_COUNT when it is fine. */

static enum reply take_size(uint32_t offered, struct bytes value, void *out)
{
    struct mail_parameters *parameters = out;
    (void)offered;
    switch (bytes_to_u64(value, UINT64_MAX - 1, &parameters->size_bytes)) {
    case OK:
        return REPLY_COUNT;
    case ERROR_LIMIT:
        parameters->size_bytes = UINT64_MAX;
        return REPLY_COUNT;
    case ERROR_SYNTAX:
    case ERROR_NOT_FOUND:
    case ERROR_DENIED_CREDENTIALS:
    case ERROR_TEMPORARY:
    case ERROR_TIMEOUT:
    case ERROR_CANCELED:
    case ERROR_PROTOCOL:
    case ERROR_IO:
        break;
    }
    return REPLY_INVALID_ARGUMENTS;
}

static const struct {
    const char *value;
    uint32_t offer; /* any of these makes it known */
    enum body_type body;
} body_rows[] = {
    {"7BIT", OFFER_8BITMIME | OFFER_BINARYMIME, BODY_7BIT},
    {"8BITMIME", OFFER_8BITMIME, BODY_8BITMIME},
    {"BINARYMIME", OFFER_BINARYMIME, BODY_BINARYMIME},
};

static enum reply take_body(uint32_t offered, struct bytes value, void *out)
{
    struct mail_parameters *parameters = out;
    for (size_t i = 0; i < sizeof body_rows / sizeof body_rows[0]; i++) {
        if ((offered & body_rows[i].offer) && bytes_equal_text_nocase(value, body_rows[i].value)) {
            parameters->body = body_rows[i].body;
            return REPLY_COUNT;
        }
    }
    return REPLY_UNSUPPORTED_BODY;
}

/* RFC 4954 5: whoever offers AUTH takes it. */
static enum reply take_auth(uint32_t offered, struct bytes value, void *out)
{
    struct mail_parameters *parameters = out;
    (void)offered;
    char plain[AUTH_VALUE_MAX];
    size_t length;
    if (value.len > sizeof plain || parameter_decode_xtext(value, plain, &length) != OK) {
        return REPLY_INVALID_ARGUMENTS;
    }
    struct address named;
    parameters->auth = value;
    parameters->is_auth_null = address_parse((struct bytes){plain, length}, true, &named) != ADDRESS_OK;
    return REPLY_COUNT;
}

static enum reply take_return(uint32_t offered, struct bytes value, void *out)
{
    struct mail_parameters *parameters = out;
    bool is_full = bytes_equal_text_nocase(value, "FULL");
    (void)offered;
    parameters->dsn_return = is_full ? RETURN_FULL : RETURN_HEADERS;
    return is_full || bytes_equal_text_nocase(value, "HDRS") ? REPLY_COUNT : REPLY_INVALID_ARGUMENTS;
}

/* Does it decode to printable ASCII? What a report repeats must not have lines of its own (matrix R17). */
static bool is_printable_xtext(struct bytes text, size_t ceiling)
{
    char plain[ORIGINAL_MAX];
    size_t length;
    if (text.len == 0 || text.len > ceiling || parameter_decode_xtext(text, plain, &length) != OK) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (plain[i] < ' ' || plain[i] > '~') {
            return false;
        }
    }
    return true;
}

static enum reply take_envelope_id(uint32_t offered, struct bytes value, void *out)
{
    struct mail_parameters *parameters = out;
    (void)offered;
    parameters->envelope_id = value;
    return is_printable_xtext(value, ENVELOPE_ID_MAX) ? REPLY_COUNT : REPLY_INVALID_ARGUMENTS;
}

static enum reply take_utf8(uint32_t offered, struct bytes value, void *out)
{
    struct mail_parameters *parameters = out;
    (void)offered;
    (void)value;
    parameters->is_utf8 = true;
    return REPLY_COUNT;
}

static const struct {
    const char *word;
    enum notify notify;
} notify_rows[] = {
    {"NEVER", NOTIFY_NEVER},
    {"SUCCESS", NOTIFY_SUCCESS},
    {"FAILURE", NOTIFY_FAILURE},
    {"DELAY", NOTIFY_DELAY},
};

static uint8_t notify_of(struct bytes word)
{
    for (size_t i = 0; i < sizeof notify_rows / sizeof notify_rows[0]; i++) {
        if (bytes_equal_text_nocase(word, notify_rows[i].word)) {
            return (uint8_t)notify_rows[i].notify;
        }
    }
    return 0;
}

static enum reply take_notify(uint32_t offered, struct bytes value, void *out)
{
    struct recipient_parameters *parameters = out;
    struct bytes word;
    bool ends_in_comma = value.ptr[value.len - 1] == ',';
    (void)offered;
    while (bytes_next(&value, ',', &word)) {
        uint8_t bit = notify_of(word);
        if (bit == 0) {
            return REPLY_INVALID_ARGUMENTS;
        }
        parameters->notify |= bit;
    }
    bool contradicts = (parameters->notify & NOTIFY_NEVER) && parameters->notify != NOTIFY_NEVER;
    return contradicts || ends_in_comma ? REPLY_INVALID_ARGUMENTS : REPLY_COUNT;
}

static bool is_address_type(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return text.len > 0;
}

static enum reply take_original(uint32_t offered, struct bytes value, void *out)
{
    struct recipient_parameters *parameters = out;
    size_t type = bytes_find(value, ';');
    (void)offered;
    parameters->original = value;
    return value.len <= ORIGINAL_MAX && is_address_type(bytes_first(value, type)) &&
                   is_printable_xtext(bytes_skip(value, type + 1), ORIGINAL_MAX)
               ? REPLY_COUNT
               : REPLY_INVALID_ARGUMENTS;
}

struct parameter_row {
    const char *keyword;
    uint32_t offer; /* without any of these the parameter is unknown */
    enum reply (*take)(uint32_t offered, struct bytes value, void *out);
};

static const struct parameter_row mail_rows[] = {
    {"SIZE", OFFER_SIZE, take_size},        {"BODY", OFFER_8BITMIME | OFFER_BINARYMIME, take_body},
    {"AUTH", OFFER_AUTH, take_auth},        {"RET", OFFER_DSN, take_return},
    {"ENVID", OFFER_DSN, take_envelope_id}, {"SMTPUTF8", OFFER_SMTPUTF8, take_utf8},
};

static const struct parameter_row recipient_rows[] = {
    {"NOTIFY", OFFER_DSN, take_notify},
    {"ORCPT", OFFER_DSN, take_original},
};

#define ROWS_MAX (8 * sizeof(unsigned))

static enum reply parse(uint32_t offered, struct bytes text, const struct parameter_row *rows, size_t count,
                        void *out)
{
    struct parameter parameter;
    enum error error;
    unsigned seen = 0;
    while ((error = parameter_next(&text, &parameter)) == OK) {
        size_t i = 0;
        while (i < count &&
               !((offered & rows[i].offer) && bytes_equal_text_nocase(parameter.keyword, rows[i].keyword))) {
            i++;
        }
        if (i == count) {
            return REPLY_UNRECOGNIZED_PARAMETER;
        }
        if ((seen & 1u << i) || parameter.has_value == (rows[i].take == take_utf8)) {
            return REPLY_INVALID_ARGUMENTS;
        }
        seen |= 1u << i;
        enum reply reply = rows[i].take(offered, parameter.value, out);
        if (reply != REPLY_COUNT) {
            return reply;
        }
    }
    return error == ERROR_NOT_FOUND ? REPLY_COUNT : REPLY_INVALID_ARGUMENTS;
}

_Static_assert(sizeof mail_rows / sizeof mail_rows[0] <= ROWS_MAX, "seen has a bit for each row");

enum reply mail_parameters_parse(uint32_t offered, struct bytes text, struct mail_parameters *out)
{
    *out = (struct mail_parameters){.body = BODY_7BIT};
    return parse(offered, text, mail_rows, sizeof mail_rows / sizeof mail_rows[0], out);
}

enum reply recipient_parameters_parse(uint32_t offered, struct bytes text, struct recipient_parameters *out)
{
    *out = (struct recipient_parameters){0};
    return parse(offered, text, recipient_rows, sizeof recipient_rows / sizeof recipient_rows[0], out);
}
