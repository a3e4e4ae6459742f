/* header_each_address: the parser of RFC 5322 mailbox lists. It is apart from header_block.c, which only
 * cuts. */
#include "mail/atext.h"
#include "mail/header_block.h"

#define COMMENT_DEPTH_MAX 32
#define ADDRESS_MAX       1024

enum token_kind {
    TOKEN_END,
    TOKEN_ATOM,
    TOKEN_QUOTED,
    TOKEN_LITERAL,
    TOKEN_SPECIAL, /* one byte */
    TOKEN_MALFORMED,
};

struct token {
    enum token_kind kind;
    struct bytes text;
};

/* The address under construction, its folding and comments gone. */
struct address_text {
    char text[ADDRESS_MAX];
    size_t len;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_control(char c)
{
    return ((unsigned char)c < ' ' && !is_space(c)) || c == 0x7f;
}

/* Octets above 127 stand in display names, and in addresses for address_parse to judge. */
static bool is_atext(char c)
{
    return (unsigned char)c >= 0x80 || atext_holds(c);
}

/* Skips one comment and those nested in it. False when it does not end or nests too deep. */
static bool skip_comment(struct bytes *rest)
{
    unsigned depth = 0;

    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->ptr[i];
        if (c == '\\')
            i++;
        else if (c == '(' && ++depth > COMMENT_DEPTH_MAX)
            return false;
        else if (c == ')' && --depth == 0) {
            *rest = bytes_skip(*rest, i + 1);
            return true;
        } else if (is_control(c))
            return false;
    }
    return false;
}

static bool skip_space_and_comments(struct bytes *rest)
{
    while (rest->len && (is_space(rest->ptr[0]) || rest->ptr[0] == '(')) {
        if (rest->ptr[0] != '(')
            *rest = bytes_skip(*rest, 1);
        else if (!skip_comment(rest))
            return false;
    }
    return true;
}

/* The length of a run that begins with one delimiter and ends with another, both included; 0 when it does not
 * end. A line end is not escaped: it is dropped later, and the backslash would escape what follows. */
static size_t delimited_length(struct bytes text, char last)
{
    for (size_t i = 1; i < text.len && !is_control(text.ptr[i]); i++) {
        if (text.ptr[i] == last)
            return i + 1;
        if (text.ptr[i] != '\\')
            continue;
        i++;
        if (i == text.len || is_control(text.ptr[i]) || text.ptr[i] == '\r' || text.ptr[i] == '\n')
            return 0;
    }
    return 0;
}

static size_t atom_length(struct bytes text)
{
    size_t end = 0;

    while (end < text.len && is_atext(text.ptr[end]))
        end++;
    return end;
}

/* Takes the next token off *rest. */
static struct token next_token(struct bytes *rest)
{
    enum token_kind kind;
    struct token token;
    size_t len;

    if (!skip_space_and_comments(rest))
        return (struct token){.kind = TOKEN_MALFORMED};
    if (rest->len == 0)
        return (struct token){.kind = TOKEN_END};
    if (rest->ptr[0] == '"') {
        kind = TOKEN_QUOTED;
        len = delimited_length(*rest, '"');
    } else if (rest->ptr[0] == '[') {
        kind = TOKEN_LITERAL;
        len = delimited_length(*rest, ']');
    } else if (is_atext(rest->ptr[0])) {
        kind = TOKEN_ATOM;
        len = atom_length(*rest);
    } else {
        kind = TOKEN_SPECIAL;
        len = is_control(rest->ptr[0]) ? 0 : 1;
    }
    token = (struct token){len ? kind : TOKEN_MALFORMED, bytes_first(*rest, len)};
    *rest = bytes_skip(*rest, len);
    return token;
}

static struct token peek_token(struct bytes rest)
{
    return next_token(&rest);
}

static bool is_special_token(struct token token, char c)
{
    return token.kind == TOKEN_SPECIAL && token.text.ptr[0] == c;
}

/* Appends a token without the line ends of its folding. */
static bool put_token(struct address_text *out, struct token token)
{
    for (size_t i = 0; i < token.text.len; i++) {
        char c = token.text.ptr[i];
        if (c == '\r' || c == '\n')
            continue;
        if (out->len == sizeof(out->text))
            return false;
        out->text[out->len++] = c;
    }
    return true;
}

/* Appends word *("." word). */
static bool put_dotted(struct bytes *rest, bool may_be_quoted, struct address_text *out)
{
    struct token token;

    do {
        token = next_token(rest);
        if (token.kind != TOKEN_ATOM && !(may_be_quoted && token.kind == TOKEN_QUOTED))
            return false;
        if (!put_token(out, token))
            return false;
        if (!is_special_token(peek_token(*rest), '.'))
            return true;
        token = next_token(rest);
    } while (put_token(out, token));
    return false;
}

static bool put_domain(struct bytes *rest, struct address_text *out)
{
    if (peek_token(*rest).kind == TOKEN_LITERAL)
        return put_token(out, next_token(rest));
    return put_dotted(rest, false, out);
}

/* local-part "@" domain */
static bool take_addr_spec(struct bytes *rest, struct address_text *out)
{
    struct token at;

    out->len = 0;
    if (!put_dotted(rest, true, out))
        return false;
    at = next_token(rest);
    return is_special_token(at, '@') && put_token(out, at) && put_domain(rest, out);
}

/* "@a,@b:" in front of an address, when it is there. */
static bool skip_route(struct bytes *rest)
{
    struct address_text ignored = {.len = 0};
    struct token token;

    if (!is_special_token(peek_token(*rest), '@'))
        return true;
    do {
        token = next_token(rest);
        ignored.len = 0;
        if (!is_special_token(token, '@') || !put_domain(rest, &ignored))
            return false;
        token = next_token(rest);
    } while (is_special_token(token, ','));
    return is_special_token(token, ':');
}

/* Walks over words and dots, as display names and local parts are made of, to the token behind them. */
static struct token skip_phrase(struct bytes *rest, size_t *out_count)
{
    struct token token;

    for (*out_count = 0;; ++*out_count) {
        token = next_token(rest);
        if (token.kind == TOKEN_END || token.kind == TOKEN_MALFORMED)
            return token;
        if (token.kind == TOKEN_SPECIAL && token.text.ptr[0] != '.')
            return token;
    }
}

/* What stands in one element of the list, and how the element ended. */
struct list_state {
    bool is_in_group;
    size_t found_count; /* mailboxes and groups */
};

/* Takes one mailbox, or the beginning of a group, up to the separator behind it. */
static bool take_element(struct bytes *rest, struct list_state *state, struct address_text *out,
                         bool *out_is_mailbox)
{
    struct bytes behind = *rest;
    size_t word_count;
    struct token decider = skip_phrase(&behind, &word_count);

    *out_is_mailbox = false;
    if (is_special_token(decider, '@')) {
        *out_is_mailbox = true;
        return take_addr_spec(rest, out);
    }
    if (is_special_token(decider, '<')) {
        *rest = behind;
        *out_is_mailbox = true;
        return skip_route(rest) && take_addr_spec(rest, out) && is_special_token(next_token(rest), '>');
    }
    if (is_special_token(decider, ':')) {
        if (word_count == 0 || state->is_in_group)
            return false;
        *rest = behind;
        state->is_in_group = true;
        state->found_count++;
        return true;
    }
    /* Nothing between two separators is obsolete syntax; words without an address are not. */
    return word_count == 0 && (decider.kind == TOKEN_END || decider.kind == TOKEN_SPECIAL);
}

bool header_each_address(struct bytes body, void (*each)(struct bytes address, void *owner), void *owner)
{
    struct list_state state = {0};
    struct address_text address;
    struct bytes rest = body;
    struct token token;
    bool is_mailbox;

    for (;;) {
        bool was_in_group = state.is_in_group;
        if (!take_element(&rest, &state, &address, &is_mailbox))
            return false;
        if (state.is_in_group && !was_in_group)
            continue;
        if (is_mailbox) {
            state.found_count++;
            each((struct bytes){address.text, address.len}, owner);
        }
        token = next_token(&rest);
        if (is_special_token(token, ';') && state.is_in_group) {
            state.is_in_group = false;
            /* Only a separator may follow; the next element is then an empty one. */
            token = peek_token(rest);
            if (token.kind == TOKEN_END)
                return true;
            if (!is_special_token(token, ','))
                return false;
            token = next_token(&rest);
        }
        if (token.kind == TOKEN_END)
            return !state.is_in_group && state.found_count > 0;
        if (!is_special_token(token, ','))
            return false;
    }
}
