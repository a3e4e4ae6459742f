/* Accepted domains. Facts 1.5, 2.5. */
#include "mail/domain.h"
#include "source/attributes.h"
#include "source/load_context.h"

#include <stdlib.h>
#include <string.h>

enum domain_flag {
    DOMAIN_TYPE_MASK = 3,
    DOMAIN_DEFAULT = 4,
    DOMAIN_X400 = 16,
    DOMAIN_PENDING_REMOVAL = 64,
    DOMAIN_OUTBOUND_ONLY = 256,
    DOMAIN_MATCH_SUBDOMAINS = 65536,
};

/* Flags that change what the domain means and that nothing acts upon. */
static const struct {
    uint32_t flag;
    const char *sentence;
} closed_flags[] = {
    {DOMAIN_X400, "msExchAcceptedDomainFlags: an X.400 address space is not supported"},
    {DOMAIN_PENDING_REMOVAL, "msExchAcceptedDomainFlags: the domain is pending removal"},
    {DOMAIN_OUTBOUND_ONLY, "msExchAcceptedDomainFlags: an outbound-only domain takes no recipients"},
};

struct domain_candidate {
    struct accepted_domain domain;
    int64_t created;
};

/* "contoso.com", "*.contoso.com" or "*". */
static enum error read_name(struct load_context *load, const struct domain_values *values,
                            struct accepted_domain *domain, struct note *note)
{
    struct bytes name = bytes_trim(bytes_of_text(values->name));
    char normal[DOMAIN_TEXT_SIZE] = "*";
    bool is_below = bytes_starts_nocase(name, "*.");
    bool is_every = bytes_equal_text_nocase(name, "*");
    if (name.len == 0) {
        note_set(note, "msExchAcceptedDomainName is missing");
        return ERROR_SYNTAX;
    }
    if (!is_every && domain_normalize(is_below ? bytes_skip(name, 2) : name, normal) != OK) {
        note_set(note, "msExchAcceptedDomainName \"%.*s\" is not a domain", BYTES_ARG(bytes_first(name, 80)));
        return ERROR_SYNTAX;
    }
    bool matches_below = (values->flags & DOMAIN_MATCH_SUBDOMAINS) != 0;
    domain->name = arena_copy(load->arena, bytes_of_text(normal)).ptr;
    domain->with_subdomains = is_below || matches_below || is_every;
    domain->is_subdomains_only = is_below && !matches_below;
    return domain->name ? OK : ERROR_LIMIT;
}

/* ERROR_SYNTAX with a note: unreadable; another version may do. */
static enum error read_version(struct load_context *load, const struct entry *entry,
                               struct accepted_domain *out, uint32_t *out_flags, struct note *note)
{
    struct domain_values values;
    struct attribute_reading reading = {0};
    enum error error = attribute_table_read(domain_attributes.rows, domain_attributes.count, entry, false,
                                            load->arena, &values, &reading);
    if (error != OK)
        return error;
    if (reading.unreadable.text[0]) {
        *note = reading.unreadable;
        return ERROR_SYNTAX;
    }
    if ((values.flags & DOMAIN_TYPE_MASK) == DOMAIN_TYPE_MASK) {
        note_set(note, "msExchAcceptedDomainFlags: 3 is no domain type");
        return ERROR_SYNTAX;
    }
    *out = (struct accepted_domain){
        .type = (enum accepted_domain_type)(values.flags & DOMAIN_TYPE_MASK),
        .is_default = (values.flags & DOMAIN_DEFAULT) != 0,
        .allow_open_relay = values.allow_open_relay,
    };
    *out_flags = values.flags;
    return read_name(load, &values, out, note);
}

/* Why the domain is not taken whatever was before, or NULL. */
static const char *find_refusal(const struct accepted_domain *domain, uint32_t flags)
{
    for (size_t i = 0; i < sizeof(closed_flags) / sizeof(closed_flags[0]); i++)
        if (flags & closed_flags[i].flag)
            return closed_flags[i].sentence;
    if (accepted_domain_is_every(domain) && !domain->allow_open_relay)
        return "would be an open relay: the accepted domain * takes every recipient, and "
               "dirrelayAllowOpenRelay is not "
               "TRUE";
    return NULL;
}

/* *out_is_taken says whether *out was filled. */
static enum error read_domain(struct load_context *load, const struct entry *entry,
                              struct domain_candidate *out, bool *out_is_taken)
{
    const struct entry *good = image_last_good(load->request->image, entry->id);
    struct note note = {0};
    uint32_t flags = 0;
    *out_is_taken = false;
    enum error error = read_version(load, entry, &out->domain, &flags, &note);
    bool is_current = error == OK;
    if (error == ERROR_SYNTAX) {
        struct note ignored;
        bool has_other = good && good != entry;
        error = has_other ? read_version(load, good, &out->domain, &flags, &ignored) : error;
        load_refuse(load, entry->dn, error == OK, "%s", note.text);
        /* An acknowledgement is a permission: only the present one counts. */
        bool is_allowed = false;
        out->domain.allow_open_relay =
            entry_boolean(entry, "dirrelayAllowOpenRelay", &is_allowed) == OK && is_allowed;
    }
    if (error == ERROR_SYNTAX)
        return OK;
    if (error != OK)
        return error;
    const char *why = find_refusal(&out->domain, flags);
    if (why) {
        load_refuse(load, entry->dn, false, "%s", why);
        return OK;
    }
    if (is_current)
        image_mark_good(load->request->image, entry->id);
    out->created = load_created(entry);
    out->domain.id = load_id(entry);
    out->domain.dn = arena_copy(load->arena, bytes_of_text(entry->dn)).ptr;
    *out_is_taken = true;
    return out->domain.dn ? OK : ERROR_LIMIT;
}

/* By name, then the older first. */
static int compare_candidates(const void *left, const void *right)
{
    const struct domain_candidate *a = left;
    const struct domain_candidate *b = right;
    int order = strcmp(a->domain.name, b->domain.name);
    if (order)
        return order;
    if (a->domain.is_subdomains_only != b->domain.is_subdomains_only)
        return a->domain.is_subdomains_only ? 1 : -1;
    if (a->created != b->created)
        return a->created < b->created ? -1 : 1;
    return strcmp(a->domain.dn, b->domain.dn);
}

static bool is_same_domain(const struct accepted_domain *a, const struct accepted_domain *b)
{
    return strcmp(a->name, b->name) == 0 && a->is_subdomains_only == b->is_subdomains_only;
}

/* One name, one object: the older stays. */
static size_t drop_doubles(struct load_context *load, struct domain_candidate *candidates, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && is_same_domain(&candidates[kept - 1].domain, &candidates[i].domain))
            load_refuse(load, candidates[i].domain.dn, false, "the domain %s is already accepted by %s",
                        candidates[i].domain.name, candidates[kept - 1].domain.dn);
        else
            candidates[kept++] = candidates[i];
    }
    return kept;
}

/* One default domain: the oldest that says so. */
static void settle_default(struct load_context *load, struct domain_candidate *candidates, size_t count)
{
    struct domain_candidate *chosen = NULL;
    for (size_t i = 0; i < count; i++)
        if (candidates[i].domain.is_default && (!chosen || candidates[i].created < chosen->created))
            chosen = &candidates[i];
    for (size_t i = 0; i < count; i++) {
        if (!candidates[i].domain.is_default || &candidates[i] == chosen)
            continue;
        candidates[i].domain.is_default = false;
        load_refuse(load, candidates[i].domain.dn, false, "the default domain is already %s",
                    chosen->domain.name);
    }
}

enum error load_domains(struct load_context *load)
{
    if (load->domains.count == 0)
        return OK;
    struct domain_candidate *candidates =
        arena_array(&load->scratch, load->domains.count, sizeof(*candidates));
    if (!candidates)
        return ERROR_LIMIT;
    size_t count = 0;
    for (size_t i = 0; i < load->domains.count; i++) {
        bool is_taken;
        enum error error = read_domain(load, load->domains.entries[i], &candidates[count], &is_taken);
        if (error != OK)
            return error;
        count += is_taken;
    }
    qsort(candidates, count, sizeof(*candidates), compare_candidates);
    count = drop_doubles(load, candidates, count);
    settle_default(load, candidates, count);
    struct accepted_domain *domains = arena_array(load->arena, count, sizeof(*domains));
    if (!domains && count > 0)
        return ERROR_LIMIT;
    for (size_t i = 0; i < count; i++)
        domains[i] = candidates[i].domain;
    load->organization->domains = domains;
    load->organization->domain_count = count;
    return OK;
}
