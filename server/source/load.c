#include "source/load.h"

#include "directory/filter_text.h"
#include "source/attributes.h"
#include "source/image.h"
#include "source/load_context.h"

#include <stdlib.h>
#include <string.h>

#define EXCHANGE_RDNS "cn=microsoft exchange,cn=services,"
#define SCRATCH_MAX   (256u << 20)
#define DN_BYTES_MAX  8192

/* The containers the search begins at. */
struct anchors {
    struct load_context *load;
    const char *exchange_key;     /* CN=Microsoft Exchange,CN=Services,<config_base> */
    const struct entry *exchange; /* its entry, or NULL */
    const struct entry *organization;
    const char *second_organization;
    const struct entry *server;
    const char *second_server;
};

static bool is_within(const struct entry *entry, const char *ancestor_key)
{
    return dn_is_within(bytes_of_text(entry->dn_key), bytes_of_text(ancestor_key));
}

static bool has_name(const struct entry *entry, const char *name)
{
    const struct attribute *cn = entry_find(entry, "cn");
    for (size_t i = 0; cn && i < cn->value_count; i++)
        if (bytes_equal_text_nocase(cn->values[i], name))
            return true;
    return false;
}

/* Without a config_base: the entry, or anything below it, tells where CN=Microsoft Exchange is. The shortest
 * DN wins, so that the answer does not hang on the order of entries. */
static void find_exchange(const struct entry *entry, void *owner)
{
    struct anchors *anchors = owner;
    const char *found = strstr(entry->dn_key, EXCHANGE_RDNS);
    if (!found || (found != entry->dn_key && found[-1] != ','))
        return;
    if (!anchors->exchange_key || strlen(found) < strlen(anchors->exchange_key))
        anchors->exchange_key = found;
}

static enum error name_exchange(struct anchors *anchors, struct note *note)
{
    const struct load_request *request = anchors->load->request;
    if (!request->config_base) {
        image_each(request->image, find_exchange, anchors);
        if (!anchors->exchange_key) {
            note_set(note, "the directory has no CN=Microsoft Exchange,CN=Services");
            return ERROR_NOT_FOUND;
        }
        return OK;
    }
    struct buffer key;
    buffer_init(&key, DN_BYTES_MAX);
    enum error error = buffer_append_text(&key, EXCHANGE_RDNS);
    if (error == OK)
        error = dn_normalize(bytes_of_text(request->config_base), &key);
    if (error == OK) {
        anchors->exchange_key = arena_copy(&anchors->load->scratch, buffer_bytes(&key)).ptr;
        error = anchors->exchange_key ? OK : ERROR_LIMIT;
    } else {
        note_set(note, "config_base \"%.120s\" is not a DN", request->config_base);
        error = ERROR_SYNTAX;
    }
    buffer_done(&key);
    return error;
}

/* When several match, the older by DN is taken and the other named in the complaint. */
static void keep_one(const struct entry **kept, const char **second, const struct entry *entry)
{
    if (*kept)
        *second = entry->dn;
    else
        *kept = entry;
}

static void find_organization(const struct entry *entry, void *owner)
{
    struct anchors *anchors = owner;
    const char *name = anchors->load->request->organization_name;
    if (entry_has_class(entry, "msExchOrganizationContainer") && is_within(entry, anchors->exchange_key) &&
        (!name || has_name(entry, name)))
        keep_one(&anchors->organization, &anchors->second_organization, entry);
}

static void find_server(const struct entry *entry, void *owner)
{
    struct anchors *anchors = owner;
    if (entry_has_class(entry, server_attributes.object_class) &&
        is_within(entry, anchors->organization->dn_key) &&
        has_name(entry, anchors->load->request->server_name))
        keep_one(&anchors->server, &anchors->second_server, entry);
}

static enum error find_anchors(struct anchors *anchors, struct note *note)
{
    struct load_context *load = anchors->load;
    const struct load_request *request = load->request;
    enum error error = name_exchange(anchors, note);
    if (error != OK)
        return error;
    anchors->exchange = image_by_dn(request->image, anchors->exchange_key);
    image_each(request->image, find_organization, anchors);
    if (!anchors->organization) {
        note_set(note, "there is no organization %s%sbelow %.160s",
                 request->organization_name ? request->organization_name : "",
                 request->organization_name ? " " : "", anchors->exchange_key);
        return ERROR_NOT_FOUND;
    }
    if (anchors->second_organization) {
        note_set(note, "there are several organizations, name one with server.organization: %.80s; %.80s",
                 anchors->organization->dn, anchors->second_organization);
        return ERROR_NOT_FOUND;
    }
    image_each(request->image, find_server, anchors);
    if (!anchors->server || anchors->second_server) {
        note_set(note, "there %s %.64s below %.160s",
                 anchors->server ? "are several servers" : "is no server", request->server_name,
                 anchors->organization->dn);
        return ERROR_NOT_FOUND;
    }
    load->organization_entry = anchors->organization;
    load->server_entry = anchors->server;
    return OK;
}

static void list_add(struct load_context *load, struct entry_list *list, const struct entry *entry)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        const struct entry **larger = arena_array(&load->scratch, capacity, sizeof(const struct entry *));
        if (!larger) {
            load->is_out_of_memory = true;
            return;
        }
        if (list->count > 0)
            memcpy(larger, list->entries, list->count * sizeof(const struct entry *));
        list->entries = larger;
        list->capacity = capacity;
    }
    list->entries[list->count++] = entry;
}

/* Objects are found by class below their anchor, never by a container's name (contract 3). */
static void sort_out(const struct entry *entry, void *owner)
{
    struct load_context *load = owner;
    if (!is_within(entry, load->organization_entry->dn_key))
        return;
    if (entry_has_class(entry, receive_attributes.object_class)) {
        if (is_within(entry, load->server_entry->dn_key))
            list_add(load, &load->receive, entry);
    } else if (entry_has_class(entry, send_attributes.object_class)) {
        list_add(load, &load->send, entry);
    } else if (entry_has_class(entry, domain_attributes.object_class)) {
        list_add(load, &load->domains, entry);
    } else if (entry_has_class(entry, server_attributes.object_class)) {
        list_add(load, &load->servers, entry);
    } else if (entry_has_class(entry, settings_attributes.object_class)) {
        list_add(load, &load->settings, entry);
    }
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *const *a = left;
    const struct entry *const *b = right;
    return strcmp((*a)->dn_key, (*b)->dn_key);
}

/* By DN, so that the same directory always gives the same organization. */
static void list_sort(struct entry_list *list)
{
    if (list->count > 1)
        qsort(list->entries, list->count, sizeof(const struct entry *), compare_entries);
}

static void on_left_out(void *owner, const char *dn, const char *why)
{
    load_refuse(owner, dn, false, "%s; left out", why);
}

/* The SID of one of Exchange's own groups, or NULL: its grants then have no principal. */
static const struct sid *find_group(struct load_context *load, const struct entry *exchange,
                                    enum exchange_group group)
{
    if (!exchange)
        return NULL;
    struct sid *sid = arena_alloc(load->arena, sizeof(*sid));
    struct note note = {0};
    struct buffer dn;
    buffer_init(&dn, DN_BYTES_MAX);
    enum error error = sid ? trustee_exchange_group_dn(exchange, group, &dn) : ERROR_TEMPORARY;
    if (error == OK)
        error = trustee_resolve(&load->access.trustees, buffer_bytes(&dn), sid, &note);
    else if (error == ERROR_LIMIT)
        note_set(&note, "its DN is too long");
    else
        load->is_out_of_memory = true;
    buffer_done(&dn);
    if (error == ERROR_SYNTAX || error == ERROR_LIMIT)
        load_refuse(load, exchange->dn, false, "group %s: %s", trustee_exchange_group_name(group), note.text);
    return error == OK ? sid : NULL;
}

static enum error prepare_access(struct load_context *load, const struct entry *exchange)
{
    struct access_source *access = &load->access;
    *access = (struct access_source){
        .image = load->request->image,
        .top_key = load->organization_entry->dn_key,
        .flavor = load->request->flavor,
        .may_lack_containers = load->request->may_lack_containers,
        .model = load->organization->server.model,
        .is_edge = load_is_edge(load),
        .arena = load->arena,
        .on_left_out = on_left_out,
        .owner = load,
    };
    enum error error = trustee_table_init(&access->trustees, load->request->image);
    if (error != OK)
        return error;
    access->group_sids.exchange_servers = find_group(load, exchange, EXCHANGE_GROUP_SERVERS);
    access->group_sids.legacy_interop = find_group(load, exchange, EXCHANGE_GROUP_LEGACY_INTEROP);
    load->organization->legacy_interop = access->group_sids.legacy_interop;
    return OK;
}

static int compare_refusals(const void *left, const void *right)
{
    const struct refusal *a = left;
    const struct refusal *b = right;
    int order = strcmp(a->dn, b->dn);
    return order ? order : strcmp(a->why, b->why);
}

static enum error keep_refusals(struct load_context *load)
{
    struct organization *organization = load->organization;
    if (load->refused_count == 0)
        return OK;
    struct refusal *kept = arena_array(load->arena, load->refused_count, sizeof(*kept));
    if (!kept)
        return ERROR_LIMIT;
    memcpy(kept, load->refused, load->refused_count * sizeof(*kept));
    qsort(kept, load->refused_count, sizeof(*kept), compare_refusals);
    organization->refused = kept;
    organization->refused_count = load->refused_count;
    return OK;
}

static enum error build(struct load_context *load, struct note *note)
{
    struct anchors anchors = {.load = load};
    enum error error = image_is_whole(load->request->image) ? OK : ERROR_LIMIT;
    if (error == OK)
        error = find_anchors(&anchors, note);
    if (error != OK) {
        if (error == ERROR_LIMIT)
            note_set(note, "the organization does not fit into memory");
        return error;
    }
    image_each(load->request->image, sort_out, load);
    list_sort(&load->servers);
    list_sort(&load->receive);
    list_sort(&load->send);
    list_sort(&load->domains);
    list_sort(&load->settings);
    error = load_server(load);
    if (error == OK)
        error = load_direct_trust(load);
    if (error == OK)
        error = prepare_access(load, anchors.exchange);
    if (error == OK)
        error = load_settings(load);
    if (error == OK)
        error = load_domains(load);
    if (error == OK)
        error = load_receive_connectors(load);
    if (error == OK)
        error = load_send_connectors(load);
    if (error == OK)
        error = keep_refusals(load);
    if (error == OK && load->is_out_of_memory)
        error = ERROR_LIMIT;
    if (error == OK)
        error = organization_finish(load->organization);
    if (error == ERROR_SYNTAX)
        note_set(note, "the cn of the organization or of the server cannot be printed");
    else if (error != OK)
        note_set(note, "the organization does not fit into memory");
    return error;
}

enum error load_organization(const struct load_request *request, const struct organization **out,
                             struct note *note)
{
    struct load_context load = {.request = request, .organization = organization_new()};
    if (!load.organization)
        return ERROR_TEMPORARY;
    load.arena = &load.organization->arena;
    arena_init(&load.scratch, SCRATCH_MAX);
    load.organization->generation = request->previous ? request->previous->generation + 1 : 1;
    load.organization->loaded_wall_ms = request->wall_ms;
    enum error error = build(&load, note);
    access_source_done(&load.access);
    trustee_table_done(&load.access.trustees);
    arena_done(&load.scratch);
    if (error == OK)
        *out = load.organization;
    else
        organization_unref(load.organization);
    return error;
}
