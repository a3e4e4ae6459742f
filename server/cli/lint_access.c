#include "cli/lint_access.h"

#include "cli/organization_source.h"
#include "source/write_probe.h"

#define TIMEOUT_MS  15000
#define OBJECTS_MAX 64 /* access rules are for trees: the first ones tell */

struct findings {
    const char *dns[OBJECTS_MAX];
    size_t count;
    struct lint_write writes[2 * OBJECTS_MAX];
    size_t write_count;
};

static void collect_objects(const struct organization *organization, struct findings *findings)
{
    for (size_t i = 0; i < organization->receive_count && findings->count < OBJECTS_MAX; i++)
        findings->dns[findings->count++] = organization->receive[i].dn;
    for (size_t i = 0; i < organization->send_count && findings->count < OBJECTS_MAX; i++)
        findings->dns[findings->count++] = organization->send[i].dn;
}

/* Asks as whoever the directory's configuration says. */
static enum error ask(const struct directory_config *directory, bool is_anonymous, struct findings *findings)
{
    bool may_write[OBJECTS_MAX] = {false};
    struct note note = {0};
    const struct write_probe_request request = {
        .directory = directory, .dns = findings->dns, .count = findings->count, .timeout_ms = TIMEOUT_MS};
    enum error error = write_probe(&request, may_write, &note);
    for (size_t i = 0; i < findings->count && error == OK; i++) {
        if (may_write[i])
            findings->writes[findings->write_count++] =
                (struct lint_write){.dn = findings->dns[i], .is_anonymous = is_anonymous};
    }
    return error;
}

static bool has_scheme(const struct directory_config *directory, const char *scheme)
{
    return directory->uri_count > 0 && bytes_starts_nocase(bytes_of_text(directory->uris[0]), scheme);
}

/* OK: OpenLDAP has answered. */
static enum error ask_all(const struct directory_config *directory, struct findings *findings)
{
    struct directory_config nobody = *directory;
    bool is_nobody =
        directory->bind_dn == NULL && directory->sasl_mech == NULL && !has_scheme(directory, "ldapi:");
    enum error error = ask(directory, is_nobody, findings);
    nobody.bind_dn = NULL;
    nobody.bind_password = NULL;
    nobody.sasl_mech = NULL;
    /* Over the local socket there is no nobody: a bind without a name is EXTERNAL there. */
    if (error == OK && !is_nobody && !has_scheme(directory, "ldapi:"))
        (void)ask(&nobody, true, findings);
    return error;
}

void lint_access_read(struct command_context *context, const struct organization *organization,
                      struct arena *arena, struct lint_facts *facts)
{
    struct organization_source source;
    struct findings *findings = arena_alloc(arena, sizeof *findings);
    int code = organization_source_open(context, &source); /* -1: it was read */
    if (findings && code < 0) {
        collect_objects(organization, findings);
        enum error error =
            has_scheme(&source.directory, "ldif:") ? ERROR_NOT_FOUND : ask_all(&source.directory, findings);
        facts->writes = findings->writes;
        facts->write_count = findings->write_count;
        facts->are_other_writers_unseen = error != ERROR_NOT_FOUND;
    }
    organization_source_close(&source);
}
