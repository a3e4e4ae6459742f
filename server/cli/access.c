/* dirrelay access: what a token may do on a descriptor. The engine's own answer: an absent or NULL DACL
 * grants all (contract 4), which no connector ever gets from the loader. */
#include "cli/access_answer.h"
#include "cli/command.h"
#include "cli/descriptor_text.h"
#include "cli/printable.h"

#include <stdlib.h>
#include <string.h>

#define SID_OPTION_MAX 4096

struct options {
    const char *descriptor;
    const char *connector;
    const char *right;
    enum right only; /* RIGHT_COUNT: all */
    bool is_batch;
    bool has_domain;
    struct sid domain_sid;
    size_t sid_count;
    const char *sids[SID_OPTION_MAX];
};

/* Where the value of an option goes, or NULL. */
static const char **value_of(struct options *options, const char *name)
{
    if (strcmp(name, "--sd") == 0)
        return &options->descriptor;
    if (strcmp(name, "--connector") == 0)
        return &options->connector;
    if (strcmp(name, "--right") == 0)
        return &options->right;
    return NULL;
}

/* --sid takes all that follows up to the next option. */
static bool take_sids(struct options *options, int argc, char **argv, int *at)
{
    size_t before = options->sid_count;

    while (*at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0) {
        if (options->sid_count == SID_OPTION_MAX)
            return false;
        options->sids[options->sid_count++] = argv[++*at];
    }
    return options->sid_count > before;
}

static int parse_option(struct command_context *context, int argc, char **argv, int *at, struct options *out)
{
    const char *name = argv[*at];
    const char **value = value_of(out, name);

    if (value) {
        if (++*at == argc)
            return command_fail(context, EXIT_USAGE, "access: %s needs a value", name);
        *value = argv[*at];
    } else if (strcmp(name, "--sid") == 0) {
        if (!take_sids(out, argc, argv, at))
            return command_fail(context, EXIT_USAGE, "access: --sid needs 1 to %d SIDs", SID_OPTION_MAX);
    } else if (strcmp(name, "--domain-sid") == 0) {
        if (++*at == argc || sid_parse(bytes_of_text(argv[*at]), &out->domain_sid) != OK)
            return command_fail(context, EXIT_USAGE, "access: --domain-sid needs a SID");
        out->has_domain = true;
    } else if (strcmp(name, "--batch") == 0) {
        out->is_batch = true;
    } else {
        return command_fail(context, EXIT_USAGE, "access: unknown argument \"%s\"", name);
    }
    return EXIT_DONE;
}

static int check_options(struct command_context *context, struct options *options)
{
    if (options->is_batch) {
        if (options->descriptor || options->connector || options->right || options->sid_count)
            return command_fail(context, EXIT_USAGE,
                                "access: --batch takes descriptors and SIDs from its lines");
        return EXIT_DONE;
    }
    if (!options->descriptor == !options->connector)
        return command_fail(context, EXIT_USAGE, "access: either --sd or --connector");
    if (options->connector && options->has_domain)
        return command_fail(context, EXIT_USAGE, "access: --domain-sid goes with --sd");
    if (options->sid_count == 0)
        return command_fail(context, EXIT_USAGE, "access: whose rights? --sid is missing");
    if (options->right && !right_by_name(bytes_of_text(options->right), &options->only))
        return command_fail(context, EXIT_USAGE, "access: no right \"%s\"", options->right);
    return EXIT_DONE;
}

static const struct sid *domain_of(const struct options *options)
{
    return options->has_domain ? &options->domain_sid : NULL;
}

static int answer_descriptor(struct command_context *context, const struct options *options)
{
    struct note note = {0};
    struct token *token = access_token(options->sids, options->sid_count, &note);
    struct descriptor descriptor;
    struct arena arena;
    int code = EXIT_INVALID;

    arena_init(&arena, DESCRIPTOR_TEXT_ARENA_BYTES);
    if (token && descriptor_text_read(bytes_of_text(options->descriptor), domain_of(options), &arena,
                                      &descriptor, &note) == OK) {
        code = access_answer(context, &descriptor.dacl, NULL, token, options->only);
    } else {
        printable_note(&note);
        command_fail(context, code, "access: %s", note.text);
    }
    arena_done(&arena);
    token_unref(token);
    return code;
}

/* The "sids" of a batch line. Gives a token, or NULL with a note. */
static struct token *token_of_json(const json_t *texts, struct note *note)
{
    size_t count = json_array_size(texts);
    const char **sids = calloc(count ? count : 1, sizeof(*sids));
    struct token *token = NULL;
    bool is_text = sids != NULL;

    for (size_t i = 0; is_text && i < count; i++) {
        sids[i] = json_string_value(json_array_get(texts, i));
        is_text = sids[i] != NULL;
    }
    if (is_text)
        token = access_token(sids, count, note);
    else
        note_set(note, "\"sids\" must be an array of texts");
    free(sids);
    return token;
}

/* {"granted":[…]}, or NULL with a note. Gives it. */
static json_t *answer_row(const struct options *options, const json_t *row, struct note *note)
{
    const json_t *text = json_object_get(row, "sd");
    struct bytes sd = {json_string_value(text), json_string_length(text)};
    struct token *token = token_of_json(json_object_get(row, "sids"), note);
    struct descriptor descriptor;
    struct access_result result;
    struct arena arena;
    json_t *answer = NULL;

    if (!token)
        return NULL;
    arena_init(&arena, DESCRIPTOR_TEXT_ARENA_BYTES);
    if (!json_is_string(text)) {
        note_set(note, "\"sd\" must be a text");
    } else if (descriptor_text_read(sd, domain_of(options), &arena, &descriptor, note) == OK) {
        access_check(&descriptor.dacl, token, &result);
        answer = json_pack("{s:o}", "granted", access_names(result.granted));
    }
    arena_done(&arena);
    token_unref(token);
    return answer;
}

/* A bad line is an answer like others. */
static int answer_batch(struct command_context *context, const struct options *options)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;

    while ((len = getline(&line, &capacity, context->in)) >= 0) {
        struct note note = {0};
        json_error_t problem;
        json_t *row = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, &problem);
        json_t *answer = NULL;

        if (!row)
            note_set(&note, "not JSON: %s", problem.text);
        else
            answer = answer_row(options, row, &note);
        printable_note(&note);
        if (!answer)
            answer = json_pack("{s:s}", "error", note.text);
        json_dumpf(answer, context->out, JSON_COMPACT);
        fputc('\n', context->out);
        json_decref(answer);
        json_decref(row);
    }
    free(line);
    return EXIT_DONE;
}

int command_access(struct command_context *context, int argc, char **argv)
{
    struct options *options = calloc(1, sizeof(*options));
    int code = EXIT_DONE;

    if (!options)
        return command_fail(context, EXIT_UNREACHABLE, "access: no memory");
    options->only = RIGHT_COUNT;
    for (int i = 1; code == EXIT_DONE && i < argc; i++)
        code = parse_option(context, argc, argv, &i, options);
    if (code == EXIT_DONE)
        code = check_options(context, options);
    if (code == EXIT_DONE) {
        if (options->is_batch)
            code = answer_batch(context, options);
        else if (options->connector)
            code = access_connector(context, options->connector, options->sids, options->sid_count,
                                    options->right);
        else
            code = answer_descriptor(context, options);
    }
    free(options);
    return code;
}
