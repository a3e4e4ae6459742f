/* MTA-STS records and policies: what is one, what it says, what it is not. */
#include "policy/sts_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One text, behind its length. */
static enum error read_text(const char *text, char out_id[STS_ID_SIZE])
{
    char data[256];
    size_t len = strlen(text);
    data[0] = (char)len;
    memcpy(data + 1, text, len);
    return sts_record_read((struct bytes){data, len + 1}, out_id);
}

static void records(void **state)
{
    static const struct row {
        const char *text;
        enum error error;
        const char *id;
    } rows[] = {
        {"v=STSv1; id=20160831085700Z;", OK, "20160831085700Z"},
        {"v=STSv1;id=1", OK, "1"},
        {"v=STSv1 ; x=y ; id=Ab1 ; z=;", OK, "Ab1"},
        {"v=STSv1; id=1; id=2", OK, "1"},
        {"v=STSv1; id=12345678901234567890123456789012;", OK, "12345678901234567890123456789012"},
        {"v=STSv1; id=123456789012345678901234567890123;", ERROR_SYNTAX, NULL},
        {"v=STSv1; id=a-b;", ERROR_SYNTAX, NULL},
        {"v=STSv1; id=;", ERROR_SYNTAX, NULL},
        {"v=STSv1;", ERROR_SYNTAX, NULL},
        {"v=STSv1", ERROR_SYNTAX, NULL},
        {"v=STSv2; id=1;", ERROR_NOT_FOUND, NULL},
        {"v=STSv10; id=1;", ERROR_NOT_FOUND, NULL},
        {"id=1; v=STSv1;", ERROR_NOT_FOUND, NULL},
        {"v=spf1 -all", ERROR_NOT_FOUND, NULL},
        {"", ERROR_NOT_FOUND, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char id[STS_ID_SIZE] = "";
        if (read_text(rows[i].text, id) != rows[i].error || (rows[i].id && strcmp(id, rows[i].id) != 0))
            fail_msg("\"%s\"", rows[i].text);
    }
}

static void records_of_several_texts(void **state)
{
    char id[STS_ID_SIZE] = "";
    (void)state;
    assert_int_equal(sts_record_read(BYTES_LITERAL("\5v=STS\7v1; id=\0\2a1"), id), OK);
    assert_string_equal(id, "a1");
    assert_int_equal(sts_record_read(BYTES_LITERAL("\5v=STS\7v1; id"), id), ERROR_SYNTAX);
    assert_int_equal(sts_record_read((struct bytes){0}, id), ERROR_NOT_FOUND);
}

#define HEAD "version: STSv1\n"

static void policies(void **state)
{
    static const struct row {
        const char *text;
        enum error error;
        enum sts_mode mode;
        uint32_t lifetime_s;
    } rows[] = {
        {"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: "
         "604800\r\n",
         OK, STS_MODE_ENFORCE, 604800},
        {"mx:a.example\nmax_age:1  \nmode:testing\nversion:STSv1", OK, STS_MODE_TESTING, 1},
        {HEAD "mode: none\nmax_age: 0", OK, STS_MODE_NONE, 0},
        {HEAD "mode: none\nmax_age: 9999999999", OK, STS_MODE_NONE, STS_LIFETIME_MAX_S},
        {HEAD "mode: none\nmode: enforce\nmax_age: 5\nmax_age: 6\nunknown: x\n\n", OK, STS_MODE_NONE, 5},
        {HEAD "mode: enforce\nmax_age: 5", ERROR_SYNTAX, 0, 0},
        {HEAD "mode: enforce\nmax_age: 5\nmx: a..b\nmx: *.\nmx: *.*.example", ERROR_SYNTAX, 0, 0},
        {HEAD "mode: enforced\nmx: a.example\nmax_age: 5", ERROR_SYNTAX, 0, 0},
        {HEAD "mode: Enforce\nmx: a.example\nmax_age: 5", ERROR_SYNTAX, 0, 0},
        {HEAD "mx: a.example\nmax_age: 5", ERROR_SYNTAX, 0, 0},
        {HEAD "mode: enforce\nmx: a.example", ERROR_SYNTAX, 0, 0},
        {HEAD "mode: enforce\nmx: a.example\nmax_age: -1", ERROR_SYNTAX, 0, 0},
        {HEAD "mode: enforce\nmx: a.example\nmax_age: 99999999999", ERROR_SYNTAX, 0, 0},
        {HEAD "mode: enforce\nmx: a.example\nmax_age: 5\nno colon", ERROR_SYNTAX, 0, 0},
        {"version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 5", ERROR_SYNTAX, 0, 0},
        {"mode: enforce\nmx: a.example\nmax_age: 5", ERROR_SYNTAX, 0, 0},
        {"<html>", ERROR_SYNTAX, 0, 0},
        {"", ERROR_SYNTAX, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sts_policy policy;
        struct note note = {0};
        enum error error = sts_policy_parse(bytes_of_text(rows[i].text), &policy, &note);
        if (error != rows[i].error || (note.text[0] != '\0') != (error != OK))
            fail_msg("row %zu: %s", i, note.text);
        if (!error && (policy.mode != rows[i].mode || policy.lifetime_s != rows[i].lifetime_s))
            fail_msg("row %zu", i);
        sts_policy_done(&policy);
    }
}

static void exchangers(void **state)
{
    static const struct row {
        const char *name;
        bool is_allowed;
    } rows[] = {
        {"mail.example.com", true},      {"a.example.net", true}, {"example.net", false},
        {"a.b.example.net", false},      {"example.com", false},  {"a.mail.example.com", false},
        {"xn--bcher-kva.example", true}, {".example.net", false}, {"", false},
    };
    struct sts_policy policy;
    struct note note = {0};
    (void)state;
    assert_int_equal(
        sts_policy_parse(BYTES_LITERAL("version: STSv1\nmode: enforce\nmax_age: 5\nmx: Mail.Example.COM\n"
                                       "mx: *.example.net\nmx: xn--bcher-kva.example\nmx: mail.*.example\n"),
                         &policy, &note),
        OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (sts_policy_allows(&policy, rows[i].name) != rows[i].is_allowed)
            fail_msg("\"%s\"", rows[i].name);
    }
    sts_policy_done(&policy);
}

/* Zero bytes and all else that may come: no policy, no crash. */
static void rubbish(void **state)
{
    static const char TEXT[] = "version: STSv1\0\nmode: enforce\nmax_age: 5\nmx: a.example\n";
    struct sts_policy policy;
    struct note note = {0};
    (void)state;
    assert_int_equal(sts_policy_parse((struct bytes){TEXT, sizeof TEXT - 1}, &policy, &note), ERROR_SYNTAX);
    sts_policy_done(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),  cmocka_unit_test(records_of_several_texts),
        cmocka_unit_test(policies), cmocka_unit_test(exchangers),
        cmocka_unit_test(rubbish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
