/* Runs a sub-command of `dirrelay` on texts instead of the terminal. */
#ifndef TESTS_COMMAND_RUN_H
#define TESTS_COMMAND_RUN_H

#include "cli/command.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define COMMAND_ARGUMENT_MAX 16

/* What a command said; command_run_done frees it. */
struct command_run {
    int code;
    char *out;
    char *err;
    size_t out_len;
    size_t err_len;
};

/* arguments end with NULL and begin behind the command's name. */
static inline struct command_run command_run(int (*command)(struct command_context *, int, char **),
                                             bool is_json, FILE *in, const char *const *arguments)
{
    struct command_run run = {0};
    char *argv[COMMAND_ARGUMENT_MAX + 2] = {(char *)(uintptr_t) "command"};
    int argc = 1;
    struct command_context context = {.in = in,
                                      .out = open_memstream(&run.out, &run.out_len),
                                      .err = open_memstream(&run.err, &run.err_len),
                                      .json = is_json};

    for (; *arguments && argc <= COMMAND_ARGUMENT_MAX; arguments++)
        argv[argc++] = (char *)(uintptr_t)*arguments;
    run.code = command(&context, argc, argv);
    fclose(context.out);
    fclose(context.err);
    return run;
}

/* A text as the input; the caller closes it. */
static inline FILE *command_input(const char *text)
{
    FILE *input = tmpfile();

    assert(input);
    fputs(text, input);
    rewind(input);
    return input;
}

static inline void command_run_done(struct command_run *run)
{
    free(run->out);
    free(run->err);
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

#endif
