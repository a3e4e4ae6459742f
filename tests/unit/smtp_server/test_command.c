/* A line → verb and arguments. */
#include "smtp_server/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct parse_case {
    const char *line;
    enum verb verb;
    const char *arguments;
    bool has_keyword;
};

static const struct parse_case parse_cases[] = {
    {"EHLO", VERB_EHLO, "", false},
    {"eHLo client.example", VERB_EHLO, "client.example", false},
    {"HELO  client \t", VERB_HELO, "client", false},
    {"MAIL FROM:<a@b>", VERB_MAIL, "<a@b>", true},
    {"mail from: <a@b> SIZE=1 ", VERB_MAIL, "<a@b> SIZE=1", true},
    {"MAIL FROM:chris@contoso.com", VERB_MAIL, "chris@contoso.com", true},
    {"MAIL FROM:", VERB_MAIL, "", true},
    {"MAIL <a@b>", VERB_MAIL, "<a@b>", false},
    {"MAIL FROM :<a@b>", VERB_MAIL, "FROM :<a@b>", false},
    {"MAIL TO:<a@b>", VERB_MAIL, "TO:<a@b>", false},
    {"RCPT TO:<a@b>", VERB_RCPT, "<a@b>", true},
    {"RCPT FROM:<a@b>", VERB_RCPT, "FROM:<a@b>", false},
    {"DATA", VERB_DATA, "", false},
    {"RSET", VERB_RSET, "", false},
    {"NOOP words", VERB_NOOP, "words", false},
    {"VRFY x", VERB_VRFY, "x", false},
    {"EXPN x", VERB_EXPN, "x", false},
    {"HELP", VERB_HELP, "", false},
    {"QUIT", VERB_QUIT, "", false},
    {"STARTTLS", VERB_STARTTLS, "", false},
    {"AUTH PLAIN", VERB_AUTH, "PLAIN", false},
    {"BDAT 1 LAST", VERB_BDAT, "1 LAST", false},
    {"", VERB_UNKNOWN, "", false},
    {" EHLO x", VERB_UNKNOWN, "EHLO x", false},
    {"EHLOx", VERB_UNKNOWN, "", false},
    {"XEXCH50 1 2", VERB_XEXCH50, "1 2", false},
    {"GET / HTTP/1.1", VERB_FOREIGN, "/ HTTP/1.1", false},
    {"POST / HTTP/1.1", VERB_FOREIGN, "/ HTTP/1.1", false},
    {"CONNECT x:25 HTTP/1.1", VERB_FOREIGN, "x:25 HTTP/1.1", false},
    {"PUT / HTTP/1.1", VERB_FOREIGN, "/ HTTP/1.1", false},
    {"SSH-2.0-OpenSSH_9.2", VERB_FOREIGN, "", false},
    {"\x16\x03\x01", VERB_FOREIGN, "", false},
};

/* proves: C74 C75 C76 F13 contract-5 */
static void every_verb_is_found_with_its_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parse_cases / sizeof parse_cases[0]; i++) {
        const struct parse_case *item = &parse_cases[i];
        struct command_line line;
        command_parse(bytes_of_text(item->line), &line);
        assert_int_equal(line.verb, item->verb);
        assert_true(bytes_equal(line.arguments, bytes_of_text(item->arguments)));
        assert_int_equal(line.has_keyword, item->has_keyword);
    }
}

/* proves: F11 */
static void control_bytes_are_seen_wherever_they_stand(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 5; place++) {
            char text[5] = "a b c";
            memcpy(text, "a b c", 5);
            text[place] = (char)byte;
            bool is_control = byte < 0x20 || byte == 0x7f;
            assert_int_equal(command_has_control((struct bytes){text, 5}), is_control);
        }
    }
}

static void every_verb_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(verb_name(VERB_MAIL), "MAIL");
    assert_string_equal(verb_name(VERB_BDAT), "BDAT");
    assert_string_equal(verb_name(VERB_UNKNOWN), "unknown");
    assert_string_equal(verb_name(VERB_FOREIGN), "foreign");
}

/* proves: F8 */
static void a_chunk_has_a_size_and_may_be_the_last(void **state)
{
    static const struct {
        const char *arguments;
        bool is_good;
        uint64_t size;
        bool is_last;
    } rows[] = {
        {"0", true, 0, false},
        {"5", true, 5, false},
        {"5 LAST", true, 5, true},
        {"0005  last", true, 5, true},
        {"2147483648 LAST", true, 2147483648u, true},
        {"18446744073709551615", true, UINT64_MAX, false},
        {"18446744073709551616", false, 0, false},
        {"", false, 0, false},
        {"LAST", false, 0, false},
        {"-1", false, 0, false},
        {"+5", false, 0, false},
        {"0x10", false, 0, false},
        {"5 LASTS", false, 0, false},
        {"5 LAST x", false, 0, false},
        {"5 6", false, 0, false},
        {"5\tLAST", false, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t size = 0;
        bool is_last = false;
        assert_int_equal(command_parse_chunk(bytes_of_text(rows[i].arguments), &size, &is_last),
                         rows[i].is_good);
        assert_true(size == rows[i].size && is_last == rows[i].is_last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_has_a_size_and_may_be_the_last),
        cmocka_unit_test(every_verb_is_found_with_its_arguments),
        cmocka_unit_test(control_bytes_are_seen_wherever_they_stand),
        cmocka_unit_test(every_verb_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
