#include "organization/organization.h"

#include "organization/connector_index.h"

#include <stdlib.h>
#include <string.h>

#define ORGANIZATION_BYTES_MAX ((size_t)1 << 30)

struct organization *organization_new(void)
{
    struct organization *organization = calloc(1, sizeof(*organization));
    if (organization != NULL) {
        atomic_init(&organization->references, 1);
        arena_init(&organization->arena, ORGANIZATION_BYTES_MAX);
    }
    return organization;
}

static int compare_ids(const void *left, const void *right)
{
    const struct receive_connector *a = *(const struct receive_connector *const *)left;
    const struct receive_connector *b = *(const struct receive_connector *const *)right;
    return memcmp(a->id.octets, b->id.octets, sizeof(a->id.octets));
}

static enum error sort_by_id(struct organization *organization)
{
    const struct receive_connector **sorted =
        arena_array(&organization->arena, organization->receive_count + 1, sizeof(*sorted));
    if (sorted == NULL) {
        return ERROR_LIMIT;
    }
    for (size_t i = 0; i < organization->receive_count; i++) {
        sorted[i] = &organization->receive[i];
    }
    qsort(sorted, organization->receive_count, sizeof(*sorted), compare_ids);
    organization->receive_by_id = sorted;
    return OK;
}

enum error organization_finish(struct organization *organization)
{
    enum error error = sort_by_id(organization);
    if (error == OK) {
        error = connector_index_build(organization->receive, organization->receive_count,
                                      &organization->arena, &organization->connectors);
    }
    if (error == OK) {
        error = domain_index_build(organization->domains, organization->domain_count, &organization->arena,
                                   &organization->domain_index);
    }
    return error;
}

/* The reference count is the one part of a published organization that changes. */
static struct organization *counted(const struct organization *organization)
{
    return (struct organization *)(uintptr_t)organization;
}

const struct organization *organization_ref(const struct organization *organization)
{
    atomic_fetch_add_explicit(&counted(organization)->references, 1, memory_order_relaxed);
    return organization;
}

static void wipe_passwords(const struct organization *organization)
{
    for (size_t i = 0; i < organization->send_count; i++) {
        const char *password = organization->send[i].login_password;
        if (password != NULL) {
            explicit_bzero((char *)(uintptr_t)password, strlen(password));
        }
    }
}

void organization_unref(const struct organization *organization)
{
    if (organization == NULL ||
        atomic_fetch_sub_explicit(&counted(organization)->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    wipe_passwords(organization);
    arena_done(&counted(organization)->arena);
    free(counted(organization));
}

const struct receive_connector *organization_receive_by_id(const struct organization *organization,
                                                           const struct guid *id)
{
    const struct receive_connector wanted = {.id = *id};
    const struct receive_connector *key = &wanted;
    const struct receive_connector *const *found =
        organization->receive_by_id == NULL || organization->receive_count == 0
            ? NULL
            : bsearch(&key, organization->receive_by_id, organization->receive_count, sizeof(key),
                      compare_ids);
    return found == NULL ? NULL : *found;
}

const struct receive_connector *organization_receive_by_name(const struct organization *organization,
                                                             struct bytes name)
{
    /* A connector's name holds no backslash (facts 1.1), so one can only end the server's. */
    size_t backslash = bytes_find(name, '\\');
    if (backslash < name.len) {
        if (!bytes_equal_text_nocase(bytes_first(name, backslash), organization->server.name)) {
            return NULL;
        }
        name = bytes_skip(name, backslash + 1);
    }
    for (size_t i = 0; i < organization->receive_count; i++) {
        if (bytes_equal_text_nocase(name, organization->receive[i].name)) {
            return &organization->receive[i];
        }
    }
    return NULL;
}
