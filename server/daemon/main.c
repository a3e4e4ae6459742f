/* dirrelayd: the server. */
#include "auth/sasl_library.h"
#include "base/exit_code.h"
#include "config/config.h"
#include "daemon/check.h"
#include "daemon/confinement.h"
#include "daemon/privileges.h"
#include "daemon/process.h"

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_STOP_MS 2000

struct options {
    const char *config_path;
    bool is_check;
};

static const char USAGE[] = "usage: dirrelayd [-c FILE] [--check]\n"
                            "       dirrelayd --version\n";

/* Fills the options; an exit code, or -1 to go on. */
static int parse(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-c") == 0 && i + 1 < argc) {
            options->config_path = argv[++i];
        } else if (strcmp(argv[i], "--check") == 0) {
            options->is_check = true;
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("dirrelayd " DIRRELAY_VERSION);
            return EXIT_DONE;
        } else if (strcmp(argv[i], "--help") == 0) {
            fputs(USAGE, stdout);
            return EXIT_DONE;
        } else {
            fputs(USAGE, stderr);
            return EXIT_USAGE;
        }
    }
    return -1;
}

/* The directories of our own files, then identity and confinement for life. */
static enum error take_identity(const struct config *config, struct note *note)
{
    char control[256];
    snprintf(control, sizeof control, "%s", config->server.control);
    const char *user = config->server.user, *group = config->server.group;
    enum error error = privileges_prepare_directory(config->server.state_dir, 0750, user, group, note);
    if (!error)
        error = privileges_prepare_directory(dirname(control), 0755, user, group, note);
    if (!error)
        error = privileges_drop(user, group, note);
    return error ? error : confinement_enter(CONFINEMENT_IS_SANITIZED, note);
}

static int fail(const struct note *note, enum error error, int code)
{
    fprintf(stderr, "dirrelayd: %s\n", note->text[0] ? note->text : error_name(error));
    return code;
}

static int serve(const struct config *config, const char *config_path)
{
    struct note note = {0};
    enum error error = take_identity(config, &note);
    if (error)
        return fail(&note, error, EXIT_NEGATIVE);
    signal(SIGPIPE, SIG_IGN);
    privileges_raise_descriptors();
    directory_prepare_process(config_client_keytab(config));
    setenv("KRB5RCACHEDIR", config->server.state_dir, 0); /* /var/tmp may be read-only, or another's */
    error = sasl_library_start(config->sasl.keytab, &note);
    if (error)
        return fail(&note, error, EXIT_NEGATIVE);
    error = event_writer_start(STDOUT_FILENO, config->log.format, config->log.level);
    if (error)
        return fail(&note, error, EXIT_NEGATIVE);
    int code = process_run(config, config_path);
    sasl_library_stop();
    event_writer_stop(LOG_STOP_MS);
    return code;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct config config;
    struct note note = {0};
    int code = parse(argc, argv, &options);
    if (code >= 0)
        return code;
    enum error error = config_read(options.config_path, !options.config_path, true, &config, &note);
    if (error)
        code = fail(&note, error, EXIT_USAGE);
    else
        code = options.is_check ? check_run(&config) : serve(&config, options.config_path);
    config_done(&config);
    return code;
}
