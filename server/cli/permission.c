/* dirrelay permission list: who holds or is denied what on a connector, and where it comes from. Contract 4.
 */
#include "cli/cross_forest.h"
#include "cli/organization_source.h"
#include "cli/permission_edit.h"
#include "organization/ace_text.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

struct listing {
    const char *user;    /* --user, or NULL */
    struct sid user_sid; /* of a well-known name or a SID */
    bool has_user_sid;
    json_t *rows;
};

static bool is_wanted(const struct listing *listing, const struct ace *ace, struct bytes trustee)
{
    if (!listing->user)
        return true;
    return listing->has_user_sid ? sid_equal(&listing->user_sid, &ace->sid)
                                 : bytes_equal_text_nocase(trustee, listing->user);
}

/* The well-known name, else the DN that stands in the ACE line, else the SID. */
static struct bytes trustee_of(const struct ace *ace, const struct ace_origin *origin, const char *sid)
{
    struct note note = {0};
    struct ace_text line;
    const char *name = sid_display_name(&ace->sid);
    if (name)
        return bytes_of_text(name);
    bool is_line = origin->text && ace_text_parse(bytes_of_text(origin->text), &line, &note) == OK;
    return is_line && line.trustee_kind == ACE_TRUSTEE_DN ? line.dn : bytes_of_text(sid);
}

/* An ACE names one right by its GUID, or all of them. */
static void add_rights(struct listing *listing, const char *connector, const struct ace *ace,
                       const struct ace_origin *origin)
{
    char sid[SID_TEXT_SIZE];
    struct bytes trustee = trustee_of(ace, origin, sid_format(&ace->sid, sid));
    bool is_allow = ace->type == ACE_ALLOW || ace->type == ACE_ALLOW_OBJECT;
    bool is_deny = ace->type == ACE_DENY || ace->type == ACE_DENY_OBJECT;
    enum right one;
    if (!is_wanted(listing, ace, trustee) || (!is_allow && !is_deny))
        return;
    if (!(ace->mask & (ACE_MASK_CONTROL_ACCESS | ACE_MASK_GENERIC_ALL)))
        return;
    const char *right = !ace->has_object_type                    ? "*"
                        : right_by_guid(&ace->object_type, &one) ? right_name(one)
                                                                 : NULL;
    if (!right)
        return;
    json_array_append_new(listing->rows,
                          json_pack("{s:s,s:s%,s:s,s:s,s:b,s:b,s:s}", "connector", connector, "trustee",
                                    trustee.ptr, trustee.len, "sid", sid, "right", right, "allow", is_allow,
                                    "inherited", origin->is_inherited, "from",
                                    origin->group          ? origin->group
                                    : origin->is_inherited ? origin->from
                                                           : "explicit"));
}

static void add_list(struct listing *listing, const char *connector, const struct access_list *access)
{
    for (size_t i = 0; i < access->acl.count; i++)
        add_rights(listing, connector, &access->acl.aces[i], &access->origins[i]);
}

static void print_text(FILE *out, const json_t *rows, bool by_user)
{
    size_t index;
    json_t *row;
    const char *previous = "";
    json_array_foreach(rows, index, row)
    {
        const char *connector, *trustee, *right, *from, *sid;
        int is_allow, is_inherited;
        json_unpack(row, "{s:s,s:s,s:s,s:s,s:b,s:b,s:s}", "connector", &connector, "trustee", &trustee, "sid",
                    &sid, "right", &right, "allow", &is_allow, "inherited", &is_inherited, "from", &from);
        const char *heading = by_user ? trustee : connector;
        if (strcmp(heading, previous) != 0)
            fprintf(out, "%s\n", heading);
        previous = heading;
        fprintf(out, "  %-5s %-52s %-40s %s%s\n", is_allow ? "allow" : "deny", right,
                by_user ? connector : trustee, is_inherited ? "inherited: " : "", from);
    }
}

/* The rows in the order of trustees, connectors within them. */
static json_t *sorted_by_user(json_t *rows)
{
    json_t *sorted = json_array();
    while (json_array_size(rows)) {
        const char *trustee = json_string_value(json_object_get(json_array_get(rows, 0), "trustee"));
        json_t *name = json_string(trustee);
        for (size_t i = 0; i < json_array_size(rows);) {
            json_t *row = json_array_get(rows, i);
            if (!json_equal(json_object_get(row, "trustee"), name)) {
                i++;
                continue;
            }
            json_array_append(sorted, row);
            json_array_remove(rows, i);
        }
        json_decref(name);
    }
    json_decref(rows);
    return sorted;
}

/* False: the connector does not exist. */
static bool collect(struct listing *listing, const struct organization *organization, const char *name)
{
    bool is_found = !name;
    const struct receive_connector *named =
        name ? organization_receive_by_name(organization, bytes_of_text(name)) : NULL;
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        if (name && connector != named)
            continue;
        is_found = true;
        add_list(listing, connector->display, &connector->access);
    }
    for (size_t i = 0; i < organization->send_count; i++) {
        const struct send_connector *connector = &organization->send[i];
        if (name && (named || strcasecmp(connector->name, name) != 0))
            continue;
        is_found = true;
        add_list(listing, connector->name, &connector->access);
    }
    return is_found;
}

static int run_list(struct command_context *context, struct listing *listing, const char *name, bool by_user)
{
    const struct organization *organization;
    int code = organization_source_load(context, &organization);
    if (code >= 0)
        return code;
    enum sid_known known;
    listing->rows = json_array();
    if (listing->user && sid_known_by_name(bytes_of_text(listing->user), &known)) {
        listing->user_sid = *sid_known(known);
        listing->has_user_sid = true;
    } else if (listing->user) {
        listing->has_user_sid = sid_parse(bytes_of_text(listing->user), &listing->user_sid) == OK;
    }
    if (!collect(listing, organization, name)) {
        code = command_fail(context, EXIT_NEGATIVE, "no connector \"%s\"", name);
    } else {
        code = json_array_size(listing->rows) ? EXIT_DONE : EXIT_NEGATIVE;
        if (by_user)
            listing->rows = sorted_by_user(listing->rows);
        if (context->json)
            json_dumpf(listing->rows, context->out, JSON_INDENT(1)), fputc('\n', context->out);
        else
            print_text(context->out, listing->rows, by_user);
    }
    json_decref(listing->rows);
    organization_unref(organization);
    return code;
}

int command_permission(struct command_context *context, int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "add") == 0 || strcmp(argv[1], "remove") == 0))
        return permission_edit(context, argc, argv);
    if (argc > 1 && strcmp(argv[1], "cross-forest") == 0)
        return cross_forest(context, argc, argv);
    struct listing listing = {0};
    const char *name = NULL, *by = "connector";
    bool is_usage_error = argc < 2 || strcmp(argv[1], "list") != 0;
    for (int i = 2; i < argc && !is_usage_error; i++) {
        if (strcmp(argv[i], "--user") == 0 && i + 1 < argc)
            listing.user = argv[++i];
        else if (strcmp(argv[i], "--by") == 0 && i + 1 < argc)
            by = argv[++i];
        else if (argv[i][0] != '-' && !name)
            name = argv[i];
        else
            is_usage_error = true;
    }
    bool by_user = strcmp(by, "user") == 0;
    if (is_usage_error || (!by_user && strcmp(by, "connector") != 0))
        return command_fail(
            context, EXIT_USAGE,
            "permission list [CONNECTOR] [--user TRUSTEE] [--by connector|user], or permission "
            "add|remove CONNECTOR --user TRUSTEE --rights R,... [--deny] [--dry-run]");
    return run_list(context, &listing, name, by_user);
}
