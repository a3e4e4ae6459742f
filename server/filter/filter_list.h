/* The filters of `filter.milters`, in order, as values. Contract 2. */
#ifndef FILTER_FILTER_LIST_H
#define FILTER_FILTER_LIST_H

#include "base/arena.h"
#include "base/ip.h"

#define FILTERS_MAX 16

/* What counts for a filter that cannot be asked. */
enum filter_default { FILTER_DEFAULT_TEMPFAIL, FILTER_DEFAULT_ACCEPT, FILTER_DEFAULT_REJECT };

struct filter {
    const char *name; /* as it was written, for log and metrics */
    bool is_antispam; /* sessions with ms-Exch-Bypass-Anti-Spam go past it */
    const char *path; /* of a unix socket, or NULL */
    const char *host; /* a name or an address, or NULL */
    uint16_t port;
};

struct filter_list {
    struct filter filters[FILTERS_MAX];
    size_t count;
    uint64_t timeout_ms; /* for each answer */
    enum filter_default on_failure;
    const char *directory; /* where large bodies are held */
};

/* Reads blank separated "[antispam:]inet:host:port" (an IPv6 address in brackets) and
 * "[antispam:]unix:/path". Texts are copied into the arena. ERROR_SYNTAX with a note that names the word,
 * ERROR_LIMIT past FILTERS_MAX or without memory. */
MUST_USE enum error filter_list_parse(struct bytes text, struct arena *arena, struct filter_list *out,
                                      struct note *note);

#endif
