/* dirrelay status: how the daemon is. */
#include "cli/control_client.h"

static void print_text(FILE *out, json_t *status)
{
    const char *version = "", *state = "", *why = NULL, *organization = "", *oldest = NULL;
    json_int_t age = -1, generation = 0, messages = 0;
    json_unpack(status, "{s?s,s?{s?s,s?I,s?s},s?{s?I,s?s},s?{s?I,s?s}}", "version", &version, "directory",
                "state", &state, "age", &age, "why", &why, "organization", "generation", &generation, "name",
                &organization, "queue", "messages", &messages, "oldest", &oldest);
    fprintf(out, "dirrelayd %s\ndirectory: %s", version, state);
    if (age >= 0)
        fprintf(out, ", confirmed %lld s ago", (long long)age);
    fprintf(out, "%s%s\norganization: %s, generation %lld\nqueue: %lld messages%s%s\n", why ? ": " : "",
            why ? why : "", organization, (long long)generation, (long long)messages,
            oldest ? ", oldest " : "", oldest ? oldest : "");
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(status, "pressure"), index, item)
    {
        const char *resource = "", *level = "";
        json_int_t value = 0;
        json_unpack(item, "{s?s,s?s,s?I}", "resource", &resource, "level", &level, "value", &value);
        fprintf(out, "%s%s %s (%lld)", index ? ", " : "pressure: ", resource, level, (long long)value);
    }
    if (json_array_size(json_object_get(status, "pressure")) > 0)
        fputc('\n', out);
    json_array_foreach(json_object_get(status, "connectors"), index, item)
    {
        const char *name = "", *connector_state = "", *reason = NULL;
        json_int_t sessions = 0;
        json_unpack(item, "{s?s,s?s,s?I,s?s}", "name", &name, "state", &connector_state, "sessions",
                    &sessions, "why", &reason);
        fprintf(out, "connector %s: %s, %lld sessions%s%s\n", name, connector_state, (long long)sessions,
                reason ? ": " : "", reason ? reason : "");
    }
    json_array_foreach(json_object_get(json_object_get(status, "organization"), "refused"), index, item)
    {
        const char *dn = "", *reason = "";
        json_unpack(item, "{s?s,s?s}", "dn", &dn, "why", &reason);
        fprintf(out, "refused %s: %s\n", dn, reason);
    }
}

static void print_status(void *owner, json_t *status)
{
    struct command_context *context = owner;
    if (!context->json) {
        print_text(context->out, status);
        return;
    }
    json_dumpf(status, context->out, JSON_INDENT(1));
    fputc('\n', context->out);
}

int command_status(struct command_context *context, int argc, char **argv)
{
    if (argc > 1)
        return command_fail(context, EXIT_USAGE, "status takes no argument \"%s\"", argv[1]);
    return control_client_ask(context, json_pack("{s:s}", "command", "status"), print_status, context);
}
