/* What the files of the loader share while one organization is built. Internal to the room. */
#ifndef SOURCE_LOAD_CONTEXT_H
#define SOURCE_LOAD_CONTEXT_H

#include "organization/organization.h"
#include "source/access_source.h"
#include "source/load.h"

struct entry_list {
    const struct entry **entries;
    size_t count;
    size_t capacity;
};

struct load_context {
    const struct load_request *request;
    struct organization *organization;
    struct arena *arena;  /* the organization's */
    struct arena scratch; /* lists that are needed only while loading */
    const struct entry *organization_entry;
    const struct entry *server_entry;
    const char
        *groups_why; /* what permission groups hold here cannot be known: every connector grants nothing */
    const char *connectors_why; /* why no connector serves: a value that holds for all of them is not taken */
    struct access_source access;
    struct refusal *refused; /* in scratch while it grows */
    size_t refused_count;
    size_t refused_capacity;
    bool is_out_of_memory; /* some refusal could not be kept: nothing may be published */
    struct entry_list servers;
    struct entry_list receive;
    struct entry_list send;
    struct entry_list domains;
    struct entry_list settings;
};

/* Notes that an object, or a part of one, was not taken. */
void load_refuse(struct load_context *load, const char *dn, bool is_kept, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* A formatted text in the organization's arena; NULL and is_out_of_memory without memory. */
const char *load_text(struct load_context *load, const char *format, ...) PRINTF_LIKE(2, 3);
bool load_is_edge(const struct load_context *load);

/* cn of an entry as a text in the arena; NULL with ERROR_SYNTAX when it has none that can be printed. */
MUST_USE enum error load_name(struct load_context *load, const struct entry *entry, const char **out);
struct guid load_id(const struct entry *entry);
/* createTimestamp or whenCreated as seconds since 1970, or 0. */
int64_t load_created(const struct entry *entry);

/* Each takes its part of context->organization. ERROR_LIMIT, ERROR_TEMPORARY without memory: the build fails.
 */
MUST_USE enum error load_server(struct load_context *load);
MUST_USE enum error load_direct_trust(struct load_context *load);
MUST_USE enum error load_settings(struct load_context *load);
MUST_USE enum error load_domains(struct load_context *load);
MUST_USE enum error load_receive_connectors(struct load_context *load);
MUST_USE enum error load_send_connectors(struct load_context *load);

#endif
