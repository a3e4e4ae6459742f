#include "organization/ace_text.h"

#define WORD_SHOWN 80 /* how much of a bad word a note repeats */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct bytes skip_blanks(struct bytes text)
{
    size_t count = 0;
    while (count < text.len && is_blank(text.ptr[count])) {
        count++;
    }
    return bytes_skip(text, count);
}

/* Takes a run without blanks and commas off *rest, and the blanks behind it. */
static struct bytes take_word(struct bytes *rest)
{
    size_t len = 0;
    while (len < rest->len && !is_blank(rest->ptr[len]) && rest->ptr[len] != ',') {
        len++;
    }
    struct bytes word = bytes_first(*rest, len);
    *rest = skip_blanks(bytes_skip(*rest, len));
    return word;
}

static enum error refuse(struct note *note, const char *complaint, struct bytes word)
{
    struct bytes shown = bytes_first(word, WORD_SHOWN);
    note_set(note, "\"%.*s\" %s", BYTES_ARG(shown), complaint);
    return ERROR_SYNTAX;
}

static enum error take_right(struct bytes word, struct ace_text *out, struct note *note)
{
    enum right right;
    struct guid guid;
    if (bytes_equal_text_nocase(word, "*")) {
        out->is_all_rights = true;
        out->rights = RIGHTS_ALL;
    } else if (right_by_name(word, &right)) {
        out->rights |= RIGHT_BIT(right);
    } else if (guid_parse(word, &guid) == OK) {
        if (right_by_guid(&guid, &right)) {
            out->rights |= RIGHT_BIT(right);
        } else {
            out->has_unknown_guid = true;
        }
    } else {
        return refuse(note, "is not a right", word);
    }
    return OK;
}

/* RIGHT[,RIGHT…] and the word `to` behind them. */
static enum error take_rights(struct bytes *rest, struct ace_text *out, struct note *note)
{
    for (;;) {
        enum error error = take_right(take_word(rest), out, note);
        if (error != OK) {
            return error;
        }
        if (rest->len == 0 || rest->ptr[0] != ',') {
            break;
        }
        *rest = skip_blanks(bytes_skip(*rest, 1));
    }
    struct bytes to = take_word(rest);
    if (!bytes_equal_text_nocase(to, "to")) {
        return refuse(note, "stands where \"to\" is expected", to);
    }
    return OK;
}

/* An attribute type (a name or an OID), blanks, and '='. */
static bool looks_like_dn(struct bytes text)
{
    size_t len = 0;
    while (len < text.len) {
        char c = text.ptr[len];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '.') {
            break;
        }
        len++;
    }
    struct bytes rest = skip_blanks(bytes_skip(text, len));
    return len > 0 && rest.len > 1 && rest.ptr[0] == '=';
}

static enum error take_trustee(struct bytes text, struct ace_text *out, struct note *note)
{
    enum sid_known known;
    if (text.len == 0) {
        note_set(note, "no trustee behind \"to\"");
        return ERROR_SYNTAX;
    }
    if (sid_known_by_name(text, &known)) {
        out->trustee_kind = ACE_TRUSTEE_SID;
        out->sid = *sid_known(known);
        return OK;
    }
    if (bytes_starts_nocase(text, "S-1-")) {
        out->trustee_kind = ACE_TRUSTEE_SID;
        return sid_parse(text, &out->sid) == OK ? OK : refuse(note, "is not a SID", text);
    }
    if (!looks_like_dn(text)) {
        return refuse(note, "is neither a known trustee, nor a SID, nor a DN", text);
    }
    out->trustee_kind = ACE_TRUSTEE_DN;
    out->dn = text;
    return OK;
}

enum error ace_text_parse(struct bytes line, struct ace_text *out, struct note *note)
{
    struct ace_text parsed = {0};
    if (line.len > ACE_TEXT_MAX) {
        note_set(note, "an ACE line of %zu bytes is longer than %d", line.len, ACE_TEXT_MAX);
        return ERROR_SYNTAX;
    }
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) {
            note_set(note, "a control character at byte %zu", i + 1);
            return ERROR_SYNTAX;
        }
    }
    struct bytes rest = bytes_trim(line);
    struct bytes verb = take_word(&rest);
    if (bytes_equal_text_nocase(verb, "deny")) {
        parsed.is_deny = true;
    } else if (!bytes_equal_text_nocase(verb, "allow")) {
        return refuse(note, "stands where \"allow\" or \"deny\" is expected", verb);
    }
    enum error error = take_rights(&rest, &parsed, note);
    if (error == OK) {
        error = take_trustee(rest, &parsed, note);
    }
    if (error == OK) {
        *out = parsed;
    }
    return error;
}
