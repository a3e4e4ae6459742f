#include "delivery/token.h"

#include <jansson.h>
#include <string.h>

#define LIFETIME_UNSAID_S 300
#define LIFETIME_MAX_S    86400

/* Everything but unreserved characters as %XX. */
static enum error append_encoded(struct buffer *out, const char *name, const char *text)
{
    static const char PLAIN[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    enum error error = buffer_append_text(out, name);
    for (; *text && !error; text++) {
        if (strchr(PLAIN, *text))
            error = buffer_append_byte(out, *text);
        else
            error = buffer_printf(out, "%%%02X", (unsigned char)*text);
    }
    return error;
}

enum error token_write_form(const struct send_connector *connector, const char *secret, struct buffer *out)
{
    enum error error = buffer_append_text(out, "grant_type=client_credentials");
    if (!error)
        error = append_encoded(out, "&client_id=", connector->token_client_id);
    if (!error)
        error = append_encoded(out, "&client_secret=", secret);
    if (!error && connector->token_scope)
        error = append_encoded(out, "&scope=", connector->token_scope);
    return error;
}

/* RFC 6750 2.1: what may stand behind "Bearer". */
static bool is_token(const char *text, size_t len)
{
    static const char OTHER[] = "-._~+/=";
    if (len == 0 || len > AUTH_PASSWORD_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool is_letter = (text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z') ||
                         (text[i] >= '0' && text[i] <= '9');
        if (!is_letter && (text[i] == '\0' || !strchr(OTHER, text[i])))
            return false;
    }
    return true;
}

/* RFC 6749 5.2: a code of printable characters. */
static void note_refusal(const json_t *answer, unsigned status, struct note *note)
{
    const char *code = json_string_value(json_object_get(answer, "error"));
    char shown[64] = "";
    for (size_t i = 0; code && code[i] && i < sizeof shown - 1; i++)
        shown[i] = code[i] > ' ' && code[i] <= '~' ? code[i] : '?';
    note_set(note, "the token endpoint answered %u %s", status, shown);
}

enum error token_read_answer(unsigned status, struct bytes body, char out[AUTH_PASSWORD_MAX + 1],
                             uint64_t *out_lifetime_s, struct note *note)
{
    json_t *answer = body.len ? json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *token = json_object_get(answer, "access_token");
    const char *type = json_string_value(json_object_get(answer, "token_type"));
    const char *text = json_string_value(token);
    size_t len = json_string_length(token);
    json_int_t lifetime = json_integer_value(json_object_get(answer, "expires_in"));
    bool is_good = status == 200 && type && bytes_equal_text_nocase(bytes_of_text(type), "Bearer") && text &&
                   is_token(text, len);
    if (is_good) {
        memcpy(out, text, len + 1);
        *out_lifetime_s = lifetime <= 0               ? LIFETIME_UNSAID_S
                          : lifetime > LIFETIME_MAX_S ? LIFETIME_MAX_S
                                                      : (uint64_t)lifetime;
    } else if (status == 200) {
        note_set(note, "the token endpoint's answer holds no bearer token");
    } else {
        note_refusal(answer, status, note);
    }
    json_decref(answer);
    return is_good ? OK : ERROR_SYNTAX;
}
