/* fakes: access_connector */
/* dirrelay sd: one value, a line of input, a batch, JSON, and the exit codes. */
#include "lib/command_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SDDL_TEXT   "D:(A;;CR;;;AN)"
#define SDDL_BASE64 "AQAEgAAAAAAAAAAAAAAAABQAAAACABwAAQAAAAAAFAAAAQAAAQEAAAAAAAUHAAAA"

static void check(const char *input, bool is_json, const char *const *arguments, int code, const char *out,
                  const char *err)
{
    FILE *in = command_input(input);
    struct command_run run = command_run(command_sd, is_json, in, arguments);
    assert_string_equal(run.out, out);
    assert_string_equal(run.err, err);
    assert_int_equal(run.code, code);
    command_run_done(&run);
    fclose(in);
}

/* proves: contract-4 contract-1 */
static void one_value_goes_both_ways(void **state)
{
    (void)state;
    check("", false, ARGUMENTS("decode", SDDL_BASE64), EXIT_DONE, SDDL_TEXT "\n", "");
    check("", false, ARGUMENTS("encode", SDDL_TEXT), EXIT_DONE, SDDL_BASE64 "\n", "");
    check("", true, ARGUMENTS("encode", SDDL_TEXT), EXIT_DONE, "{\"base64\":\"" SDDL_BASE64 "\"}\n", "");
    check("", true, ARGUMENTS("decode", SDDL_BASE64), EXIT_DONE,
          "{\"sddl\":\"" SDDL_TEXT "\",\"left_out\":0}\n", "");
}

/* proves: contract-4 contract-7 */
static void aliases_of_a_domain_need_the_option(void **state)
{
    (void)state;
    check("", false, ARGUMENTS("encode", "O:DA"), EXIT_INVALID, "",
          "error: the domain's SID is needed for the alias 'DA' at character 3\n");
    check("", false, ARGUMENTS("encode", "O:DA", "--domain-sid", "S-1-5-21-1-2-3"), EXIT_DONE,
          "AQAAgBQAAAAAAAAAAAAAAAAAAAABBQAAAAAABRUAAAABAAAAAgAAAAMAAAAAAgAA\n", "");
}

/* proves: contract-4 */
static void a_bad_line_of_a_batch_is_an_answer(void **state)
{
    (void)state;
    check(SDDL_TEXT "\r\nD:(X;;CR;;;AN)\n\n" SDDL_TEXT "\n", false, ARGUMENTS("encode", "--batch"), EXIT_DONE,
          SDDL_BASE64
          "\nerror: unknown ACE type 'X' at character 4\nerror: no section at character 1\n" SDDL_BASE64 "\n",
          "");
}

/* proves: contract-1 */
static void wrong_use_and_bad_data_exit_differently(void **state)
{
    (void)state;
    check("", false, ARGUMENTS("decode", "AAAA"), EXIT_INVALID, "",
          "error: 3 bytes, shorter than the header\n");
    check("", false, ARGUMENTS("decode", "!"), EXIT_INVALID, "", "error: not base64\n");
    check("", true, ARGUMENTS("decode", "!"), EXIT_INVALID, "{\"error\":\"not base64\"}\n", "");
    check("", false, ARGUMENTS("recode"), EXIT_USAGE, "", "dirrelay: sd: decode or encode?\n");
    check("", false, ARGUMENTS("decode", "--all"), EXIT_USAGE, "",
          "dirrelay: sd: unknown argument \"--all\"\n");
    check("", false, ARGUMENTS("encode", "--domain-sid"), EXIT_USAGE, "",
          "dirrelay: sd: --domain-sid needs a SID\n");
    check("", false, ARGUMENTS("encode", "--batch", SDDL_TEXT), EXIT_USAGE, "",
          "dirrelay: sd: --batch reads its lines from the input\n");
    check("", false, ARGUMENTS("decode"), EXIT_USAGE, "", "dirrelay: sd: nothing to read\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_goes_both_ways),
        cmocka_unit_test(aliases_of_a_domain_need_the_option),
        cmocka_unit_test(a_bad_line_of_a_batch_is_an_answer),
        cmocka_unit_test(wrong_use_and_bad_data_exit_differently),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
