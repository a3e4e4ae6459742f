#include "mail/address.h"

#include "base/utf8.h"
#include "mail/atext.h"

#include <string.h>

/* RFC 5321 4.5.3.1.3: a path has 256 octets, brackets included. */
#define MAILBOX_MAX 254
#define DOMAIN_MAX  255
/* What is looked at at all: room for a source route and for domains that are longer as U-labels. */
#define PATH_MAX_OCTETS 1024

/* Octets above 127 are let through here: they were judged before, as UTF-8. */
static bool is_atext(char c)
{
    return (unsigned char)c >= 0x80 || atext_holds(c);
}

/* Printable in a quoted string, besides '"' and '\'. */
static bool is_quotable(char c)
{
    unsigned char octet = (unsigned char)c;

    return octet >= 0x80 || (octet >= ' ' && octet < 0x7f);
}

/* The length of the dot-string at the start of text; it may end before the text does. 0 when there is none.
 */
static size_t dot_string_length(struct bytes text)
{
    size_t end = 0;

    while (end < text.len &&
           (is_atext(text.ptr[end]) || (text.ptr[end] == '.' && end && text.ptr[end - 1] != '.')))
        end++;
    return end && text.ptr[end - 1] == '.' ? 0 : end;
}

/* Where the quoted string at the start of text ends, behind its closing quote; 0 when it is malformed. */
static size_t quoted_string_length(struct bytes text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '"')
            return i + 1;
        if (text.ptr[i] == '\\' && (++i == text.len || (unsigned char)text.ptr[i] >= 0x80))
            return 0;
        if (!is_quotable(text.ptr[i]))
            return 0;
    }
    return 0;
}

/* Writes the canonical local part of a wire form of at most ADDRESS_LOCAL_MAX octets; it is never the longer
 * one, since what must be escaped in it was escaped on the wire. Returns its length. */
static size_t put_local(struct bytes wire, char *out)
{
    char plain[ADDRESS_LOCAL_MAX];
    size_t plain_len = 0, len = 0;

    if (wire.ptr[0] != '"') {
        memcpy(out, wire.ptr, wire.len);
        return wire.len;
    }
    for (size_t i = 1; i + 1 < wire.len; i++) {
        i += wire.ptr[i] == '\\';
        plain[plain_len++] = wire.ptr[i];
    }
    if (plain_len && dot_string_length((struct bytes){plain, plain_len}) == plain_len) {
        memcpy(out, plain, plain_len);
        return plain_len;
    }
    out[len++] = '"';
    for (size_t i = 0; i < plain_len; i++) {
        if (plain[i] == '"' || plain[i] == '\\')
            out[len++] = '\\';
        out[len++] = plain[i];
    }
    out[len++] = '"';
    return len;
}

/* A name in normal form or a literal as written, terminated. */
static enum address_flaw put_domain(struct bytes wire, char out[DOMAIN_TEXT_SIZE], bool *out_is_literal)
{
    /* One octet more for the root's dot, which the normal form drops. */
    if (wire.len > DOMAIN_MAX + 1)
        return ADDRESS_TOO_LONG;
    *out_is_literal = domain_is_literal(wire);
    if (!*out_is_literal)
        return domain_normalize(wire, out) ? ADDRESS_INVALID : ADDRESS_OK;
    memcpy(out, wire.ptr, wire.len);
    out[wire.len] = '\0';
    return ADDRESS_OK;
}

/* "local@domain", or "postmaster" where a missing domain is allowed. Nothing before or behind it. */
static enum address_flaw parse_mailbox(struct bytes text, bool may_lack_domain, struct address *out)
{
    bool is_quoted = text.len && text.ptr[0] == '"';
    size_t local_len = is_quoted ? quoted_string_length(text) : dot_string_length(text);
    struct bytes tail = bytes_skip(text, local_len);
    struct address address = {0};
    char domain[DOMAIN_TEXT_SIZE];
    size_t len, domain_len;
    enum address_flaw flaw;

    if (local_len == 0 || (tail.len && tail.ptr[0] != '@'))
        return ADDRESS_INVALID;
    if (local_len > ADDRESS_LOCAL_MAX)
        return ADDRESS_TOO_LONG;
    len = put_local(bytes_first(text, local_len), address.text);
    address.local_len = (uint16_t)len;
    for (size_t i = 0; i < len; i++)
        address.needs_utf8 = address.needs_utf8 || (unsigned char)address.text[i] >= 0x80;
    if (tail.len == 0) {
        if (!may_lack_domain || !address_is_postmaster(&address))
            return ADDRESS_INVALID;
        *out = address;
        return ADDRESS_OK;
    }
    flaw = put_domain(bytes_skip(tail, 1), domain, &address.is_literal);
    if (flaw)
        return flaw;
    domain_len = strlen(domain);
    if (len + 1 + domain_len > MAILBOX_MAX)
        return ADDRESS_TOO_LONG;
    address.text[len] = '@';
    memcpy(address.text + len + 1, domain, domain_len + 1);
    address.domain_len = (uint16_t)domain_len;
    *out = address;
    return ADDRESS_OK;
}

/* Octets above 127 need the permission to be there, then to be UTF-8 without the C1 control characters. */
static enum address_flaw check_octets(struct bytes text, bool allow_utf8)
{
    bool is_ascii = true;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char octet = (unsigned char)text.ptr[i];
        if (octet >= 0x80 && !allow_utf8)
            return ADDRESS_NOT_ASCII;
        if (octet == 0xc2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xa0)
            return ADDRESS_INVALID;
        is_ascii = is_ascii && octet < 0x80;
    }
    return is_ascii || utf8_is_valid(text) ? ADDRESS_OK : ADDRESS_INVALID;
}

/* Drops "@a,@b:" when it is there. False when it is malformed. */
static bool skip_source_route(struct bytes *mailbox)
{
    struct bytes route, hop;
    char domain[DOMAIN_TEXT_SIZE];
    bool is_literal;
    size_t end;

    if (mailbox->len == 0 || mailbox->ptr[0] != '@')
        return true;
    /* An IPv6 literal among the hops holds colons of its own. */
    for (end = 0; end < mailbox->len && mailbox->ptr[end] != ':'; end++)
        if (mailbox->ptr[end] == '[')
            end += bytes_find(bytes_skip(*mailbox, end), ']');
    if (end >= mailbox->len)
        return false;
    route = bytes_first(*mailbox, end);
    if (route.ptr[route.len - 1] == ',')
        return false;
    while (bytes_next(&route, ',', &hop))
        if (hop.len == 0 || hop.ptr[0] != '@' || put_domain(bytes_skip(hop, 1), domain, &is_literal))
            return false;
    *mailbox = bytes_skip(*mailbox, end + 1);
    return true;
}

/* The index of the '>' that ends a bracketed path: not one inside a quoted string. text.len when there is
 * none. */
static size_t find_bracket(struct bytes text)
{
    bool is_quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '>' && !is_quoted)
            return i;
        if (text.ptr[i] == '"')
            is_quoted = !is_quoted;
        else if (text.ptr[i] == '\\' && is_quoted)
            i++;
    }
    return text.len;
}

enum address_flaw address_parse_path(struct bytes text, bool allow_utf8, struct address *out,
                                     struct bytes *out_rest)
{
    bool is_bracketed;
    struct bytes mailbox, rest;
    struct address address = {0};
    enum address_flaw flaw;
    size_t end;

    while (text.len && text.ptr[0] == ' ')
        text = bytes_skip(text, 1);
    is_bracketed = text.len && text.ptr[0] == '<';
    text = bytes_skip(text, is_bracketed);
    end = is_bracketed ? find_bracket(text) : bytes_find(text, ' ');
    mailbox = bytes_first(text, end);
    rest = bytes_skip(text, end + is_bracketed);
    if (mailbox.len > PATH_MAX_OCTETS)
        return ADDRESS_TOO_LONG;
    flaw = check_octets(mailbox, allow_utf8);
    if (flaw)
        return flaw;
    if (is_bracketed && (end == text.len || (rest.len && rest.ptr[0] != ' ') || !skip_source_route(&mailbox)))
        return ADDRESS_INVALID;

    /* "<>" alone is the null path: neither an empty bare path nor a route that leads nowhere. */
    if (!(is_bracketed && end == 0))
        flaw = parse_mailbox(mailbox, true, &address);
    if (flaw)
        return flaw;
    *out = address;
    *out_rest = rest;
    return ADDRESS_OK;
}

enum address_flaw address_parse(struct bytes text, bool allow_utf8, struct address *out)
{
    enum address_flaw flaw = check_octets(text, allow_utf8);

    return flaw ? flaw : parse_mailbox(text, false, out);
}

bool address_is_null(const struct address *address)
{
    return address->local_len == 0;
}

bool address_is_postmaster(const struct address *address)
{
    return bytes_equal_text_nocase(address_local(address), "postmaster");
}

struct bytes address_local(const struct address *address)
{
    return (struct bytes){address->text, address->local_len};
}

struct bytes address_domain(const struct address *address)
{
    return (struct bytes){address->text + address->local_len + (address->domain_len > 0),
                          address->domain_len};
}

struct bytes address_text(const struct address *address)
{
    return (struct bytes){address->text,
                          (size_t)address->local_len + address->domain_len + (address->domain_len > 0)};
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->local_len == b->local_len && bytes_equal(address_text(a), address_text(b));
}
