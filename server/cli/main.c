/* dirrelay: the administrator's tool. */
#include "cli/command.h"

#include "cli/usage.h"

#include <string.h>

static const struct command COMMANDS[] = {
    {"access", "--connector NAME|--sd SDDL-or-base64 --sid S... [--right R] | --batch",
     "rights granted, and the ACE that decided each", command_access},
    {"connector",
     "list|show [NAME] [--type receive|send] [--server NAME] | new|set|remove NAME [--type receive|send] "
     "[--server NAME] "
     "[--dry-run] "
     "[--usage Client|Custom|Internal|Internet|Partner] [--enabled yes|no] [--fqdn F] [--require-tls yes|no] "
     "[--transport-role R] [--bindings B,...] [--remote-ip-ranges R,...] [--permission-groups G,...] "
     "[--auth-mechanism M,...] [--smart-hosts H,...] [--smart-host-auth M] [--address-spaces A,...] "
     "[--set attribute=value]...",
     "the connectors of this server; make, change and remove them", command_connector},
    {"explain",
     "--client IP [--local IP:PORT] [--tls] [--user NAME] [--helo H] [--from A] [--to B]... [--size N]",
     "what the server would answer, and why", command_explain},
    {"lint", "[--who-may-relay]",
     "findings, worst first, each with what mends it; or from where who may reach any recipient",
     command_lint},
    {"permission",
     "list [CONNECTOR] [--user TRUSTEE] [--by connector|user] | "
     "add|remove CONNECTOR --user TRUSTEE --rights R,... [--deny] [--dry-run] | "
     "cross-forest CONNECTOR --user TRUSTEE [--rights-file FILE] [--dry-run]",
     "who gets what, and from where; give and take rights", command_permission},
    {"queue", "list|show|retry|hold|release|remove|bounce [ID...|'*'] [--filter 'field=glob,...']",
     "the messages that are owed", command_queue},
    {"sd", "decode|encode [--batch] [--domain-sid SID]", "security descriptors: base64 and SDDL", command_sd},
    {"status", "", "daemon, directory, connectors, queue", command_status},
};
#define COMMAND_COUNT (sizeof COMMANDS / sizeof COMMANDS[0])

/* Takes the global options out of the arguments, wherever they stand; false: one lacks its value. */
static bool take_globals(struct command_context *context, int *argc, char **argv)
{
    int kept = 0;
    for (int i = 0; i < *argc; i++) {
        const char **value = strcmp(argv[i], "-c") == 0            ? &context->config_path
                             : strcmp(argv[i], "--directory") == 0 ? &context->directory
                                                                   : NULL;
        if (strcmp(argv[i], "--json") == 0) {
            context->json = true;
        } else if (!value) {
            argv[kept++] = argv[i];
        } else if (++i < *argc) {
            *value = argv[i];
        } else {
            return false;
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

int main(int argc, char **argv)
{
    struct command_context context = {.in = stdin, .out = stdout, .err = stderr};
    int count = argc - 1;
    char **arguments = argv + 1;
    if (!take_globals(&context, &count, arguments) || count == 0) {
        usage_print(stderr, COMMANDS, COMMAND_COUNT);
        return EXIT_USAGE;
    }
    if (strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "help") == 0) {
        usage_print(stdout, COMMANDS, COMMAND_COUNT);
        return EXIT_DONE;
    }
    if (strcmp(arguments[0], "--version") == 0) {
        puts("dirrelay " DIRRELAY_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i].name, arguments[0]) == 0)
            return COMMANDS[i].run(&context, count, arguments);
    }
    fprintf(stderr, "dirrelay: no command \"%s\"\n", arguments[0]);
    usage_print(stderr, COMMANDS, COMMAND_COUNT);
    return EXIT_USAGE;
}
