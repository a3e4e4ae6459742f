#include "cli/access_answer.h"

#include "security/sddl.h"

#include <stdlib.h>
#include <string.h>

#define ACE_TEXT_MAX 4096

static bool parse_sid(const char *text, struct sid *out)
{
    enum sid_known known;

    if (sid_known_by_name(bytes_of_text(text), &known)) {
        *out = *sid_known(known);
        return true;
    }
    return sid_parse(bytes_of_text(text), out) == OK;
}

struct token *access_token(const char *const *sids, size_t count, struct note *note)
{
    struct sid *parsed = calloc(count ? count : 1, sizeof(*parsed));
    struct token *token = NULL;
    size_t i = 0;

    while (parsed && i < count && parse_sid(sids[i], &parsed[i]))
        i++;
    if (!parsed || count == 0)
        note_set(note, "%s", parsed ? "no SID" : "no memory");
    else if (i < count)
        note_set(note, "bad SID '%.60s'", sids[i]);
    else if (!(token = token_new(parsed, NULL, count)))
        note_set(note, "too many SIDs");
    free(parsed);
    return token;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *left = (const char *const *)a;
    const char *const *right = (const char *const *)b;

    return strcmp(*left, *right);
}

json_t *access_names(uint32_t rights)
{
    const char *names[RIGHT_COUNT];
    size_t count = 0;
    json_t *array = json_array();

    for (unsigned right = 0; right < RIGHT_COUNT; right++) {
        if (rights & RIGHT_BIT(right))
            names[count++] = right_name((enum right)right);
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_string(names[i]));
    return array;
}

/* The ACE that decided, or NULL when none spoke. */
static const struct ace *decider(const struct acl *dacl, const struct access_result *result, enum right right)
{
    return result->ace[right] == ACCESS_NO_ACE ? NULL : &dacl->aces[result->ace[right]];
}

/* As it was written; else its SDDL, terminated in the buffer: an ACE always fits. */
static const char *ace_text(const struct ace *ace, const struct acl *dacl, const struct ace_origin *origins,
                            struct buffer *text)
{
    if (origins)
        return origins[ace - dacl->aces].text;
    buffer_clear(text);
    if (sddl_format_ace(ace, text) != OK || buffer_append_byte(text, '\0') != OK)
        return "";
    return text->ptr;
}

/* Why a right no ACE spoke of is granted or not. */
static const char *without_ace(const struct acl *dacl)
{
    switch (dacl->state) {
    case ACL_ABSENT:
        return "no DACL";
    case ACL_NULL:
        return "NULL DACL";
    case ACL_PRESENT:
        break;
    }
    return "no ACE applies";
}

static void print_text(FILE *out, const struct acl *dacl, const struct ace_origin *origins,
                       const struct access_result *result, uint32_t asked)
{
    struct buffer text = {.ceiling = ACE_TEXT_MAX};

    for (unsigned right = 0; right < RIGHT_COUNT; right++) {
        const struct ace *ace = decider(dacl, result, (enum right)right);

        if (!(asked & RIGHT_BIT(right)))
            continue;
        fprintf(out, "%-7s  %-54s  %s\n", result->granted & RIGHT_BIT(right) ? "granted" : "denied",
                right_name((enum right)right), ace ? ace_text(ace, dacl, origins, &text) : without_ace(dacl));
    }
    buffer_done(&text);
}

static void print_json(FILE *out, const struct acl *dacl, const struct ace_origin *origins,
                       const struct access_result *result, uint32_t asked)
{
    struct buffer text = {.ceiling = ACE_TEXT_MAX};
    json_t *decisions = json_array();
    json_t *answer = json_object();

    for (unsigned right = 0; right < RIGHT_COUNT; right++) {
        const struct ace *ace = decider(dacl, result, (enum right)right);

        if (asked & RIGHT_BIT(right))
            json_array_append_new(decisions,
                                  json_pack("{s:s,s:b,s:s?}", "right", right_name((enum right)right),
                                            "granted", (result->granted & RIGHT_BIT(right)) != 0, "ace",
                                            ace ? ace_text(ace, dacl, origins, &text) : NULL));
    }
    json_object_set_new(answer, "granted", access_names(result->granted & asked));
    json_object_set_new(answer, "decisions", decisions);
    json_dumpf(answer, out, JSON_INDENT(1));
    fputc('\n', out);
    json_decref(answer);
    buffer_done(&text);
}

int access_answer(struct command_context *context, const struct acl *dacl, const struct ace_origin *origins,
                  const struct token *token, enum right only)
{
    uint32_t asked = only == RIGHT_COUNT ? RIGHTS_ALL : RIGHT_BIT(only);
    struct access_result result;

    access_check(dacl, token, &result);
    if (context->json)
        print_json(context->out, dacl, origins, &result, asked);
    else
        print_text(context->out, dacl, origins, &result, asked);
    return result.granted & asked ? EXIT_DONE : EXIT_NEGATIVE;
}
