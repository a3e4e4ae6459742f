#include "mail/domain.h"

#include "base/ip.h"
#include "base/utf8.h"

#include <idn2.h>
#include <string.h>

#define LABEL_MAX       63
#define NAME_MAX_OCTETS 255

/* What a label may hold, already in lower case; 0 for any other byte. */
static const char label_bytes[256] = {
    ['-'] = '-', ['_'] = '_', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',
    ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
    ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['A'] = 'a', ['B'] = 'b',
    ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r',
    ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
};

/* The length of the dot at the start of b, 0 when there is none. */
static size_t dot_length(struct bytes b)
{
    static const char *const ideographic[] = {"\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1"};

    if (b.ptr[0] == '.')
        return 1;
    if ((unsigned char)b.ptr[0] < 0x80 || b.len < 3)
        return 0;
    for (size_t i = 0; i < sizeof(ideographic) / sizeof(ideographic[0]); i++)
        if (memcmp(b.ptr, ideographic[i], 3) == 0)
            return 3;
    return 0;
}

/* Takes the next label and the dot behind it off *rest; *out_has_dot says whether there was one. */
static struct bytes take_label(struct bytes *rest, bool *out_is_ascii, bool *out_has_dot)
{
    size_t end = 0, dot = 0;
    struct bytes label;

    *out_is_ascii = true;
    for (; end < rest->len; end++) {
        char c = rest->ptr[end];
        if (c != '.' && (unsigned char)c < 0x80)
            continue;
        dot = dot_length(bytes_skip(*rest, end));
        if (dot)
            break;
        *out_is_ascii = false;
    }
    *out_has_dot = end < rest->len;
    label = bytes_first(*rest, end);
    *rest = bytes_skip(*rest, end + dot);
    return label;
}

/* Writes the A-label of a U-label. text is well-formed UTF-8 without zero bytes. */
static bool to_ascii(const char *text, char out[LABEL_MAX + 1])
{
    uint8_t *ascii = NULL;
    bool is_good =
        idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK;
    size_t len = is_good ? strlen((const char *)ascii) : 0;

    is_good = is_good && len <= LABEL_MAX;
    if (is_good)
        memcpy(out, ascii, len + 1);
    idn2_free(ascii);
    return is_good;
}

/* An A-label must be the one that its own U-label gives, else two texts would name one domain to some reader.
 */
static bool is_a_label(const char *label)
{
    char *unicode = NULL;
    char again[LABEL_MAX + 1];
    bool is_good = idn2_to_unicode_8z8z(label, &unicode, 0) == IDN2_OK && strcmp(unicode, label) != 0 &&
                   to_ascii(unicode, again) && strcmp(again, label) == 0;

    idn2_free(unicode);
    return is_good;
}

/* Writes the label in lower case. Its length, or 0 when it is no label. */
static size_t put_ascii_label(struct bytes label, char out[LABEL_MAX + 1])
{
    if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
        return 0;
    for (size_t i = 0; i < label.len; i++) {
        out[i] = label_bytes[(unsigned char)label.ptr[i]];
        if (!out[i])
            return 0;
    }
    out[label.len] = '\0';
    return label.len >= 4 && memcmp(out, "xn--", 4) == 0 && !is_a_label(out) ? 0 : label.len;
}

/* As above for a label with octets above 127. */
static size_t put_unicode_label(struct bytes label, char out[LABEL_MAX + 1])
{
    char terminated[NAME_MAX_OCTETS + 1];
    char ascii[LABEL_MAX + 1];

    if (label.len > NAME_MAX_OCTETS || !utf8_is_valid(label) || bytes_find(label, '\0') < label.len)
        return 0;
    memcpy(terminated, label.ptr, label.len);
    terminated[label.len] = '\0';
    /* The mapping may yield anything, also a dot or a false A-label: the result is checked like any other
     * label. */
    return to_ascii(terminated, ascii) ? put_ascii_label(bytes_of_text(ascii), out) : 0;
}

enum error domain_normalize(struct bytes text, char out[DOMAIN_TEXT_SIZE])
{
    char name[DOMAIN_TEXT_SIZE];
    char label_text[LABEL_MAX + 1];
    struct bytes rest = text;
    size_t len = 0;
    bool is_ascii, has_dot;

    do {
        struct bytes label = take_label(&rest, &is_ascii, &has_dot);
        size_t label_len =
            is_ascii ? put_ascii_label(label, label_text) : put_unicode_label(label, label_text);

        if (label_len == 0 || len + (len > 0) + label_len > NAME_MAX_OCTETS)
            return ERROR_SYNTAX;
        if (len)
            name[len++] = '.';
        memcpy(name + len, label_text, label_len);
        len += label_len;
        /* A dot with nothing behind it is the root's. */
    } while (has_dot && rest.len);

    memcpy(out, name, len);
    out[len] = '\0';
    return OK;
}

bool domain_is_literal(struct bytes text)
{
    struct ip_address address;
    struct bytes inside;
    bool is_v6;

    if (text.len < 2 || text.ptr[0] != '[' || text.ptr[text.len - 1] != ']')
        return false;
    inside = bytes_first(bytes_skip(text, 1), text.len - 2);
    is_v6 = bytes_starts_nocase(inside, "IPv6:");
    inside = bytes_skip(inside, is_v6 ? 5 : 0);
    return is_v6 == (bytes_find(inside, ':') < inside.len) && ip_parse_address(inside, &address) == OK;
}

bool domain_is_within(struct bytes name, struct bytes parent)
{
    size_t extra = name.len - parent.len;

    if (name.len < parent.len || !bytes_equal(bytes_skip(name, extra), parent))
        return false;
    return extra == 0 || (parent.len && name.ptr[extra - 1] == '.');
}
