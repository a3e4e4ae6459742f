#include "admin/queue_filter.h"

#include "base/quantity.h"

#include <string.h>

static const char *const FIELD_NAMES[] = {"sender", "recipient", "domain", "hop", "state", "age", "size"};

/* ">1h": the comparison and a quantity. */
static enum error parse_bound(struct bytes text, enum error (*parse)(struct bytes, uint64_t *),
                              struct queue_filter_term *term)
{
    if (text.len == 0 || (text.ptr[0] != '>' && text.ptr[0] != '<'))
        return ERROR_SYNTAX;
    term->is_more = text.ptr[0] == '>';
    return parse(bytes_skip(text, 1), &term->bound);
}

static enum error parse_term(struct bytes text, struct queue_filter_term *term)
{
    struct bytes name = bytes_trim(bytes_first(text, bytes_find(text, '=')));
    for (size_t i = 0; i < sizeof FIELD_NAMES / sizeof FIELD_NAMES[0]; i++) {
        if (!bytes_equal_text_nocase(name, FIELD_NAMES[i]) || bytes_find(text, '=') == text.len)
            continue;
        term->field = (enum queue_field)i;
        term->glob = bytes_trim(bytes_skip(text, bytes_find(text, '=') + 1));
        if (term->field == QUEUE_AGE)
            return parse_bound(term->glob, quantity_parse_duration, term);
        return term->field == QUEUE_SIZE ? parse_bound(term->glob, quantity_parse_size, term) : OK;
    }
    return ERROR_SYNTAX;
}

enum error queue_filter_parse(struct bytes text, struct queue_filter *out, struct note *note)
{
    memset(out, 0, sizeof *out);
    struct bytes term;
    while (bytes_next(&text, ',', &term)) {
        if (out->count == QUEUE_FILTER_TERMS_MAX) {
            note_set(note, "filter: more than %d terms", QUEUE_FILTER_TERMS_MAX);
            return ERROR_LIMIT;
        }
        enum error error = parse_term(term, &out->terms[out->count++]);
        if (error) {
            note_set(note,
                     "filter \"%.*s\": expected sender=, recipient=, domain=, hop=, state= with a pattern, "
                     "age=>1h or age=<1h, size=>1M or size=<1M",
                     BYTES_ARG(term));
            return error;
        }
    }
    return OK;
}

/* Only * and ? mean more than themselves: hops and address literals hold brackets. After a mismatch the last
 * * takes one byte more, so the time is bounded by the product of the lengths. */
static bool glob_matches(struct bytes glob, struct bytes text)
{
    size_t at = 0, star = SIZE_MAX, star_end = 0;
    for (size_t i = 0; i < text.len;) {
        struct bytes one = {text.ptr + i, 1};
        if (at < glob.len && glob.ptr[at] == '*') {
            star = at++;
            star_end = i;
        } else if (at < glob.len &&
                   (glob.ptr[at] == '?' || bytes_equal_nocase((struct bytes){glob.ptr + at, 1}, one))) {
            at++;
            i++;
        } else if (star != SIZE_MAX) {
            at = star + 1;
            i = ++star_end;
        } else {
            return false;
        }
    }
    while (at < glob.len && glob.ptr[at] == '*')
        at++;
    return at == glob.len;
}

/* Behind the last '@'. */
static struct bytes domain_of(struct bytes address)
{
    for (size_t i = address.len; i-- > 0;) {
        if (address.ptr[i] == '@')
            return bytes_skip(address, i + 1);
    }
    return (struct bytes){0};
}

static bool any_recipient(const struct envelope *envelope, struct bytes glob, bool is_domain)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        struct bytes address = envelope->recipients[i].address;
        if (glob_matches(glob, is_domain ? domain_of(address) : address))
            return true;
    }
    return false;
}

static bool bound_holds(const struct queue_filter_term *term, int64_t value)
{
    uint64_t size = value > 0 ? (uint64_t)value : 0;
    return term->is_more ? size > term->bound : size < term->bound;
}

static bool term_matches(const struct queue_filter_term *term, const struct envelope *envelope,
                         int64_t now_ms)
{
    switch (term->field) {
    case QUEUE_SENDER:
        return glob_matches(term->glob, envelope->sender);
    case QUEUE_RECIPIENT:
        return any_recipient(envelope, term->glob, false);
    case QUEUE_DOMAIN:
        return any_recipient(envelope, term->glob, true);
    case QUEUE_HOP:
        return glob_matches(term->glob, envelope->hop);
    case QUEUE_STATE:
        return glob_matches(term->glob, bytes_of_text(queue_state(envelope, now_ms)));
    case QUEUE_AGE:
        return bound_holds(term, now_ms - envelope->arrived_ms);
    case QUEUE_SIZE:
        return bound_holds(term, (int64_t)envelope->size_bytes);
    }
    return false;
}

bool queue_filter_matches(const struct queue_filter *filter, const struct envelope *envelope, int64_t now_ms)
{
    for (size_t i = 0; i < filter->count; i++) {
        if (!term_matches(&filter->terms[i], envelope, now_ms))
            return false;
    }
    return true;
}

const char *queue_state(const struct envelope *envelope, int64_t now_ms)
{
    if (envelope->is_held)
        return "held";
    return envelope->attempts > 0 && envelope->next_attempt_ms > now_ms ? "retry" : "ready";
}
