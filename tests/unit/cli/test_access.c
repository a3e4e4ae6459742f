/* fakes: access_connector */
/* dirrelay access: the answer for a descriptor, the batch over all shared vectors, and the exit codes. */
#include "lib/command_run.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SUBMIT "a18293f1-0685-4540-aa63-e32df421b3a2"
#define DENIED "(OD;;CR;" SUBMIT ";;AN)"
#define SD     "D:" DENIED "(A;;GA;;;AN)"

static struct command_run run(const char *input, bool is_json, const char *const *arguments)
{
    FILE *in = command_input(input);
    struct command_run run = command_run(command_access, is_json, in, arguments);

    fclose(in);
    return run;
}

static void check_code(const char *const *arguments, int code, const char *err)
{
    struct command_run answer = run("", false, arguments);

    assert_string_equal(answer.err, err);
    assert_int_equal(answer.code, code);
    command_run_done(&answer);
}

/* proves: contract-4 contract-1 */
static void the_ace_that_decided_is_shown(void **state)
{
    struct command_run answer =
        run("", false, ARGUMENTS("--sd", SD, "--sid", "anonymous", "--right", "ms-exch-smtp-submit"));

    (void)state;
    assert_int_equal(answer.code, EXIT_NEGATIVE);
    assert_string_equal(answer.err, "");
    assert_non_null(strstr(answer.out, "denied "));
    assert_non_null(strstr(answer.out, "ms-Exch-SMTP-Submit "));
    assert_non_null(strstr(answer.out, DENIED));
    command_run_done(&answer);
    check_code(ARGUMENTS("--sd", SD, "--sid", "S-1-5-11", "S-1-5-7", "--right", "Send-As"), EXIT_DONE, "");
    check_code(ARGUMENTS("--sd", SD, "--sid", "S-1-5-11"), EXIT_NEGATIVE, "");
}

/* proves: contract-4 */
static void json_has_the_fixed_shape(void **state)
{
    struct command_run answer = run("", true, ARGUMENTS("--sd", SD, "--sid", "S-1-5-7"));
    json_t *object = json_loads(answer.out, 0, NULL);
    const json_t *decisions = json_object_get(object, "decisions");
    const json_t *first = json_array_get(decisions, 0);

    (void)state;
    assert_int_equal(answer.code, EXIT_DONE);
    assert_int_equal(json_array_size(json_object_get(object, "granted")), 25);
    assert_string_equal(json_string_value(json_array_get(json_object_get(object, "granted"), 0)), "Send-As");
    assert_int_equal(json_array_size(decisions), 26);
    assert_string_equal(json_string_value(json_object_get(first, "right")), "ms-Exch-SMTP-Submit");
    assert_true(json_is_false(json_object_get(first, "granted")));
    assert_string_equal(json_string_value(json_object_get(first, "ace")), DENIED);
    json_decref(object);
    command_run_done(&answer);
}

/* proves: contract-4 D11 */
static void absent_and_null_grant_all_here(void **state)
{
    (void)state;
    check_code(ARGUMENTS("--sd", "O:BA", "--sid", "S-1-5-7", "--right", "Send-As"), EXIT_DONE, "");
    check_code(ARGUMENTS("--sd", "D:NO_ACCESS_CONTROL", "--sid", "S-1-5-7", "--right", "Send-As"), EXIT_DONE,
               "");
    check_code(ARGUMENTS("--sd", "D:", "--sid", "S-1-5-7", "--right", "Send-As"), EXIT_NEGATIVE, "");
}

/* proves: contract-1 */
static void wrong_use_and_bad_data_exit_differently(void **state)
{
    (void)state;
    check_code(ARGUMENTS("--sid", "S-1-5-7"), EXIT_USAGE, "dirrelay: access: either --sd or --connector\n");
    check_code(ARGUMENTS("--sd", SD), EXIT_USAGE, "dirrelay: access: whose rights? --sid is missing\n");
    check_code(ARGUMENTS("--sd", SD, "--sid"), EXIT_USAGE, "dirrelay: access: --sid needs 1 to 4096 SIDs\n");
    check_code(ARGUMENTS("--sd"), EXIT_USAGE, "dirrelay: access: --sd needs a value\n");
    check_code(ARGUMENTS("--sd", SD, "--sid", "S-1-5-7", "--right", "Fly"), EXIT_USAGE,
               "dirrelay: access: no right \"Fly\"\n");
    check_code(ARGUMENTS("--batch", "--sd", SD), EXIT_USAGE,
               "dirrelay: access: --batch takes descriptors and SIDs from its lines\n");
    check_code(ARGUMENTS("--sd", SD, "--sid", "S-1-5"), EXIT_INVALID, "dirrelay: access: bad SID 'S-1-5'\n");
    check_code(ARGUMENTS("--sd", "AAAA", "--sid", "S-1-5-7"), EXIT_INVALID,
               "dirrelay: access: 3 bytes, shorter than the header\n");
    check_code(ARGUMENTS("--sd", "O:DA", "--sid", "S-1-5-7"), EXIT_INVALID,
               "dirrelay: access: the domain's SID is needed for the alias 'DA' at character 3\n");
    check_code(ARGUMENTS("--sd", "O:DA", "--sid", "S-1-5-7", "--domain-sid", "S-1-5-21-1-2-3"), EXIT_DONE,
               "");
}

static void connectors_are_asked_of_the_organization(void **state)
{
    struct command_run answer =
        run("", false, ARGUMENTS("--connector", "Relay", "--sid", "S-1-5-7", "S-1-5-2"));

    (void)state;
    assert_string_equal(answer.out, "Relay 2 S-1-5-7 -\n");
    command_run_done(&answer);
}

/* proves: contract-4 */
static void a_bad_line_of_a_batch_is_an_answer(void **state)
{
    struct command_run answer =
        run("x\n{}\n{\"sd\":\"D:\",\"sids\":[]}\n{\"sd\":\"D:\",\"sids\":[7]}\n"
            "{\"sd\":7,\"sids\":[\"anonymous\"]}\n{\"sd\":\"D:\",\"sids\":[\"\xc3\x84\"]}\n"
            "{\"sd\":\"" SD "\",\"sids\":[\"authenticated\"]}\n",
            false, ARGUMENTS("--batch"));
    static const char *const expected[] = {
        "{\"error\":\"not JSON: ",
        "{\"error\":\"no SID\"}",
        "{\"error\":\"no SID\"}",
        "{\"error\":\"\\\"sids\\\" must be an array of texts\"}",
        "{\"error\":\"\\\"sd\\\" must be a text\"}",
        "{\"error\":\"bad SID '?\?'\"}",
        "{\"granted\":[]}",
    };
    const char *line = answer.out;

    (void)state;
    assert_int_equal(answer.code, EXIT_DONE);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        assert_non_null(line);
        assert_memory_equal(line, expected[i], strlen(expected[i]));
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
    command_run_done(&answer);
}

/* The vectors as batch lines; key says which form of the descriptor goes in. */
static FILE *batch_of_vectors(const char *key, size_t *out_count)
{
    FILE *vectors = fopen(TEST_SOURCE_DIR "/tests/vectors/access.jsonl", "r");
    FILE *batch = tmpfile();
    char *line = NULL;
    size_t capacity = 0;

    assert_true(vectors && batch);
    for (*out_count = 0; getline(&line, &capacity, vectors) > 0;) {
        json_t *row = json_loads(line, 0, NULL);
        json_t *question =
            json_pack("{s:O,s:O}", "sd", json_object_get(row, key), "sids", json_object_get(row, "sids"));

        if (json_is_string(json_object_get(row, key))) {
            json_dumpf(question, batch, JSON_COMPACT);
            fputc('\n', batch);
            ++*out_count;
        }
        json_decref(question);
        json_decref(row);
    }
    free(line);
    fclose(vectors);
    rewind(batch);
    return batch;
}

static void check_answers(const char *answers, const char *key, size_t count)
{
    FILE *vectors = fopen(TEST_SOURCE_DIR "/tests/vectors/access.jsonl", "r");
    char *line = NULL;
    size_t capacity = 0, seen = 0;

    assert_non_null(vectors);
    while (getline(&line, &capacity, vectors) > 0) {
        json_t *row = json_loads(line, 0, NULL);
        json_t *expected = json_pack("{s:O}", "granted", json_object_get(row, "granted"));
        char *text = json_dumps(expected, JSON_COMPACT);

        if (json_is_string(json_object_get(row, key))) {
            if (strncmp(answers, text, strlen(text)) != 0)
                fail_msg("%s: not %s", json_string_value(json_object_get(row, "id")), text);
            answers = strchr(answers, '\n') + 1;
            seen++;
        }
        free(text);
        json_decref(expected);
        json_decref(row);
    }
    assert_int_equal(seen, count);
    assert_string_equal(answers, "");
    free(line);
    fclose(vectors);
}

static void check_vectors(const char *key, size_t expected_count)
{
    size_t count;
    FILE *batch = batch_of_vectors(key, &count);
    struct command_run answer = command_run(command_access, false, batch, ARGUMENTS("--batch"));

    assert_int_equal(count, expected_count);
    assert_int_equal(answer.code, EXIT_DONE);
    check_answers(answer.out, key, count);
    command_run_done(&answer);
    fclose(batch);
}

/* proves: C192 contract-4 */
static void all_vectors_pass_through_the_batch(void **state)
{
    (void)state;
    check_vectors("b64", 3000);
    check_vectors("sddl", 2898);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ace_that_decided_is_shown),
        cmocka_unit_test(json_has_the_fixed_shape),
        cmocka_unit_test(absent_and_null_grant_all_here),
        cmocka_unit_test(wrong_use_and_bad_data_exit_differently),
        cmocka_unit_test(connectors_are_asked_of_the_organization),
        cmocka_unit_test(a_bad_line_of_a_batch_is_an_answer),
        cmocka_unit_test(all_vectors_pass_through_the_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
