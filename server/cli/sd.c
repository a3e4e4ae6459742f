/* dirrelay sd: base64 descriptors to SDDL and back, one or a line at a time. Needs no configuration. */
#include "cli/command.h"
#include "cli/descriptor_text.h"
#include "cli/printable.h"
#include "security/sddl.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

#define SDDL_TEXT_MAX (16u << 20) /* what 64 KiB of descriptor can not fill */

enum direction { DIRECTION_DECODE, DIRECTION_ENCODE };

struct options {
    enum direction direction;
    bool is_batch;
    bool has_domain;
    struct sid domain_sid;
    const char *value; /* NULL: the first line of the input */
};

/* What came out of one line. */
struct conversion {
    struct buffer text;
    size_t left_out; /* ACEs that SDDL can not write */
    struct note note;
};

static int parse_option(struct command_context *context, int argc, char **argv, int *at, struct options *out)
{
    const char *argument = argv[*at];

    if (strcmp(argument, "--batch") == 0) {
        out->is_batch = true;
    } else if (strcmp(argument, "--domain-sid") == 0) {
        if (++*at == argc || sid_parse(bytes_of_text(argv[*at]), &out->domain_sid) != OK)
            return command_fail(context, EXIT_USAGE, "sd: --domain-sid needs a SID");
        out->has_domain = true;
    } else if (argument[0] == '-' || out->value) {
        return command_fail(context, EXIT_USAGE, "sd: unknown argument \"%s\"", argument);
    } else {
        out->value = argument;
    }
    return EXIT_DONE;
}

static int parse_options(struct command_context *context, int argc, char **argv, struct options *out)
{
    int code = EXIT_DONE;

    if (argc < 2 || (strcmp(argv[1], "decode") != 0 && strcmp(argv[1], "encode") != 0))
        return command_fail(context, EXIT_USAGE, "sd: decode or encode?");
    out->direction = strcmp(argv[1], "decode") == 0 ? DIRECTION_DECODE : DIRECTION_ENCODE;
    for (int i = 2; code == EXIT_DONE && i < argc; i++)
        code = parse_option(context, argc, argv, &i, out);
    if (code == EXIT_DONE && out->is_batch && out->value)
        code = command_fail(context, EXIT_USAGE, "sd: --batch reads its lines from the input");
    if (code == EXIT_DONE && out->has_domain && out->direction == DIRECTION_DECODE)
        code = command_fail(context, EXIT_USAGE, "sd: --domain-sid is for encode");
    return code;
}

static enum error decode(struct bytes line, struct arena *arena, struct conversion *out)
{
    struct descriptor descriptor;
    enum error error = descriptor_text_decode(line, arena, &descriptor, &out->note);

    if (error)
        return error;
    error = sddl_format(&descriptor, &out->text, &out->left_out);
    if (error)
        note_set(&out->note, "the SDDL text is too long");
    return error;
}

static enum error encode(const struct options *options, struct bytes line, struct arena *arena,
                         struct conversion *out)
{
    const struct sid *domain_sid = options->has_domain ? &options->domain_sid : NULL;
    struct buffer binary;
    struct descriptor descriptor;
    enum error error = sddl_parse(line, domain_sid, arena, &descriptor, &out->note);

    if (error)
        return error;
    buffer_init(&binary, 2 * DESCRIPTOR_BYTES_MAX);
    error = descriptor_encode(&descriptor, &binary);
    if (!error)
        error = buffer_reserve(&out->text, 4 * ((binary.len + 2) / 3) + 1);
    if (!error) {
        bytes_to_base64(buffer_bytes(&binary), out->text.ptr);
        out->text.len = strlen(out->text.ptr);
    } else {
        note_set(&out->note, "the descriptor would be longer than %d bytes", DESCRIPTOR_BYTES_MAX);
    }
    buffer_done(&binary);
    return error;
}

static void print_json(FILE *out, const struct options *options, enum error error, struct conversion *result)
{
    json_t *object;

    if (error)
        object = json_pack("{s:s}", "error", result->note.text);
    else if (options->direction == DIRECTION_ENCODE)
        object = json_pack("{s:s%}", "base64", result->text.ptr, result->text.len);
    else
        object = json_pack("{s:s%,s:I}", "sddl", result->text.ptr ? result->text.ptr : "", result->text.len,
                           "left_out", (json_int_t)result->left_out);
    json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
}

/* One line of answer for one line of input. */
static enum error convert(struct command_context *context, const struct options *options, struct bytes line)
{
    struct conversion result = {.text = {.ceiling = SDDL_TEXT_MAX}};
    struct arena arena;
    enum error error;

    arena_init(&arena, DESCRIPTOR_TEXT_ARENA_BYTES);
    if (options->direction == DIRECTION_DECODE)
        error = decode(line, &arena, &result);
    else
        error = encode(options, line, &arena, &result);
    printable_note(&result.note);
    if (context->json)
        print_json(context->out, options, error, &result);
    else if (error)
        fprintf(options->is_batch ? context->out : context->err, "error: %s\n", result.note.text);
    else
        fprintf(context->out, "%.*s\n", BYTES_ARG(result.text));
    if (!error && result.left_out && !context->json)
        fprintf(context->err, "dirrelay: sd: %zu ACEs of types that SDDL can not write are left out\n",
                result.left_out);
    buffer_done(&result.text);
    arena_done(&arena);
    return error;
}

static struct bytes without_line_end(const char *line, ssize_t len)
{
    struct bytes text = {line, (size_t)len};

    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return text;
}

/* The first line, or with --batch every line. A bad line of a batch is an answer like others. */
static int convert_input(struct command_context *context, const struct options *options)
{
    char *line = NULL;
    size_t capacity = 0, count = 0;
    enum error error = OK;
    ssize_t len;

    while ((count == 0 || options->is_batch) && (len = getline(&line, &capacity, context->in)) >= 0) {
        error = convert(context, options, bytes_trim(without_line_end(line, len)));
        count++;
    }
    free(line);
    if (options->is_batch)
        return EXIT_DONE;
    if (count == 0)
        return command_fail(context, EXIT_USAGE, "sd: nothing to read");
    return error ? EXIT_INVALID : EXIT_DONE;
}

int command_sd(struct command_context *context, int argc, char **argv)
{
    struct options options = {0};
    int code = parse_options(context, argc, argv, &options);

    if (code != EXIT_DONE)
        return code;
    if (!options.value)
        return convert_input(context, &options);
    return convert(context, &options, bytes_of_text(options.value)) ? EXIT_INVALID : EXIT_DONE;
}
