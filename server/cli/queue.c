/* dirrelay queue: lists and changes what the daemon owes. */
#include "cli/control_client.h"

#include <string.h>

struct printer {
    struct command_context *context;
    json_t *array; /* --json: collected, printed at the end */
    bool is_long;  /* show */
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static void print_recipients(FILE *out, const json_t *message, const char *indent)
{
    size_t index;
    json_t *recipient;
    json_array_foreach(json_object_get(message, "recipients"), index, recipient)
    {
        const char *reply = text_of(recipient, "reply");
        fprintf(out, "%s%s %s%s%s\n", indent, text_of(recipient, "address"), text_of(recipient, "state"),
                reply[0] ? ": " : "", reply);
    }
}

static void print_message(void *owner, json_t *message)
{
    struct printer *printer = owner;
    FILE *out = printer->context->out;
    const char *sender = text_of(message, "sender");
    if (printer->array) {
        json_array_append(printer->array, message);
        return;
    }
    fprintf(out, "%-10s %-6s %10lld  %s  <%s>", text_of(message, "id"), text_of(message, "state"),
            (long long)json_integer_value(json_object_get(message, "size")), text_of(message, "arrived"),
            sender);
    fprintf(out, "%s%s\n", text_of(message, "hop")[0] ? "  by " : "", text_of(message, "hop"));
    print_recipients(out, message, "           ");
    if (printer->is_long)
        fprintf(out, "           attempts %lld, next %s\n           message-id %s\n           connector %s\n",
                (long long)json_integer_value(json_object_get(message, "attempts")), text_of(message, "next"),
                text_of(message, "message_id"), text_of(message, "connector"));
}

static bool is_listing(const char *action)
{
    return strcmp(action, "list") == 0 || strcmp(action, "show") == 0;
}

static bool is_known(const char *action)
{
    static const char *const ACTIONS[] = {"list", "show", "retry", "hold", "release", "remove", "bounce"};
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        if (strcmp(ACTIONS[i], action) == 0)
            return true;
    }
    return false;
}

/* The rest of the arguments as the daemon's message; NULL: usage. */
static json_t *make_message(int argc, char **argv)
{
    json_t *message = json_pack("{s:s,s:s}", "command", "queue", "action", argv[1]);
    json_t *ids = json_array();
    bool all = false;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc)
            json_object_set_new(message, "filter", json_string(argv[++i]));
        else if (strcmp(argv[i], "*") == 0)
            all = true;
        else
            json_array_append_new(ids, json_string(argv[i]));
    }
    bool has_ids = json_array_size(ids) > 0;
    /* A change to everything is asked for in so many words; a list needs none. */
    bool is_clear = all || has_ids || strcmp(argv[1], "list") == 0 || json_object_get(message, "filter");
    if (has_ids)
        json_object_set(message, "ids", ids);
    json_decref(ids);
    if (is_clear && !(all && has_ids))
        return message;
    json_decref(message);
    return NULL;
}

int command_queue(struct command_context *context, int argc, char **argv)
{
    json_t *message = argc >= 2 && is_known(argv[1]) ? make_message(argc, argv) : NULL;
    if (!message)
        return command_fail(
            context, EXIT_USAGE,
            "queue list|show|retry|hold|release|remove|bounce [ID...|'*'] [--filter 'field=glob,...']");
    struct printer printer = {.context = context, .is_long = strcmp(argv[1], "show") == 0};
    printer.array = context->json && is_listing(argv[1]) ? json_array() : NULL;
    int code = control_client_ask(context, message, print_message, &printer);
    if (printer.array) {
        json_dumpf(printer.array, context->out, JSON_INDENT(1));
        fputc('\n', context->out);
        json_decref(printer.array);
    }
    /* An empty queue is a good answer to `list`. */
    bool is_empty_list = code == EXIT_NEGATIVE && argc == 2 && strcmp(argv[1], "list") == 0;
    return is_empty_list ? EXIT_DONE : code;
}
