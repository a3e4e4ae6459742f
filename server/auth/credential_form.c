#include "auth/credential_form.h"

static enum error check(const char *what, struct bytes value, struct note *why)
{
    const char *flaw = NULL;
    if (value.len == 0)
        flaw = "empty";
    else if (value.len > CREDENTIAL_BYTES_MAX)
        flaw = "too long";
    else if (bytes_find(value, '\0') < value.len)
        flaw = "with a zero byte";
    if (!flaw)
        return OK;
    note_set(why, "%s %s", what, flaw);
    return ERROR_DENIED_CREDENTIALS;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks in front: nobody is called so, and Cyrus fails over some of these names, losing the password's
 * memory. */
enum error credential_check_name(struct bytes name, struct note *why)
{
    if (name.len > 0 && is_blank(name.ptr[0])) {
        note_set(why, "user name with a blank in front");
        return ERROR_DENIED_CREDENTIALS;
    }
    return check("user name", name, why);
}

enum error credential_check_password(struct bytes password, struct note *why)
{
    enum error error = check("password", password, why);
    if (!error && bytes_trim(password).len == 0)
        error = check("password", bytes_trim(password), why);
    return error;
}

enum error credential_check_plain(struct bytes message, struct note *why)
{
    size_t first = bytes_find(message, '\0');
    struct bytes rest = bytes_skip(message, first + 1);
    size_t second = bytes_find(rest, '\0');
    if (first == message.len || second == rest.len) {
        note_set(why, "a PLAIN message without its two zero bytes");
        return ERROR_SYNTAX;
    }
    enum error error = first ? credential_check_name(bytes_first(message, first), why) : OK;
    if (!error)
        error = credential_check_name(bytes_first(rest, second), why);
    return error ? error : credential_check_password(bytes_skip(rest, second + 1), why);
}
