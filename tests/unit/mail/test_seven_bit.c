#include "mail/seven_bit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The content fed in runs of this size. */
static enum error convert(struct bytes content, size_t run, struct buffer *out)
{
    struct seven_bit *state = seven_bit_new();
    enum error error = OK;
    buffer_clear(out);
    for (; content.len && !error; content = bytes_skip(content, run))
        error = seven_bit_append(state, bytes_first(content, run), out);
    if (!error)
        error = seven_bit_finish(state, out);
    seven_bit_free(state);
    return error;
}

static void check_bytes(struct bytes content, enum error expected_error, struct bytes expected)
{
    static const size_t RUNS[] = {SIZE_MAX / 2, 1, 2, 3, 7, 2047, 2048, 2049};
    struct buffer out;
    buffer_init(&out, 1u << 24);
    for (size_t i = 0; i < sizeof RUNS / sizeof RUNS[0]; i++) {
        assert_int_equal(convert(content, RUNS[i], &out), expected_error);
        if (!expected_error && !bytes_equal(buffer_bytes(&out), expected))
            fail_msg("runs of %zu: expected\n%.*s\ngot\n%.*s", RUNS[i], BYTES_ARG(expected),
                     BYTES_ARG(buffer_bytes(&out)));
    }
    buffer_done(&out);
}

/* expected NULL: there is no standard way. */
static void check(const char *content, const char *expected)
{
    check_bytes(bytes_of_text(content), expected ? OK : ERROR_SYNTAX,
                expected ? bytes_of_text(expected) : (struct bytes){0});
}

#define TEXT  "Content-Type: text/plain; charset=utf-8\r\n"
#define EIGHT "Content-Transfer-Encoding: 8bit\r\n"
#define QP    "Content-Transfer-Encoding: quoted-printable\r\n"
#define B64   "Content-Transfer-Encoding: base64\r\n"
#define SEVEN "Content-Transfer-Encoding: 7bit\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=\"b 1\"\r\n"

/* proves: F8 */
static void text_becomes_quoted_printable(void **state)
{
    (void)state;
    check("Subject: x\r\n" EIGHT TEXT "\r\nGr\xc3\xbc\xc3\x9f"
          "e=\r\n\r\n.\r\ntail \r\nno end\t",
          "Subject: x\r\n" TEXT QP "\r\nGr=C3=BC=C3=9Fe=3D\r\n\r\n.\r\ntail=20\r\nno end=09\r\n");
    check(EIGHT "\r\n\xff\r\n", QP "\r\n=FF\r\n"); /* without a type it is text */
    check("content-transfer-encoding: BINARY\r\n" TEXT "\r\na\rb\nc\x01\r\n", TEXT QP "\r\na=0Db=0Ac=01\r\n");
    check(TEXT EIGHT "\r\n", TEXT QP "\r\n");
    check(TEXT EIGHT "\r\n"
                     "0123456789012345678901234567890123456789012345678901234567890123456789012345\r\n"
                     "01234567890123456789012345678901234567890123456789012345678901234567890123\xff\r\n",
          TEXT QP "\r\n"
                  "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n5\r\n"
                  "01234567890123456789012345678901234567890123456789012345678901234567890123=\r\n=FF\r\n");
}

/* proves: F8 */
static void all_else_becomes_base64(void **state)
{
    (void)state;
    check("Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\n\x1a\n",
          "Content-Type: image/png\r\n" B64 "\r\niVBORw0KGgo=\r\n");
    char content[600] = "Content-Type: application/x\r\n" EIGHT "\r\n";
    size_t len = strlen(content);
    memset(content + len, 'a', 60);
    check(content,
          "Content-Type: application/x\r\n" B64
          "\r\nYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh\r\nYWFh\r\n");
}

/* proves: F8 */
static void each_part_is_encoded_for_itself(void **state)
{
    (void)state;
    check("MIME-Version: 1.0\r\n" MIXED EIGHT "\r\npreamble\r\n"
          "--b 1 \r\n" TEXT EIGHT "\r\n\xe4\r\n"
          "--b 1\r\n" TEXT "\r\nplain = \r\n"
          "--b 1\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
          "--b 1\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\na\r\n\r\n"
          "--b 1--\r\nepilogue\r\n--b 1\r\n",
          "MIME-Version: 1.0\r\n" MIXED SEVEN "\r\npreamble\r\n"
          "--b 1 \r\n" TEXT QP "\r\n=E4\r\n"
          "--b 1\r\n" TEXT "\r\nplain = \r\n"
          "--b 1\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
          "--b 1\r\nContent-Type: application/x\r\n" B64 "\r\nYQ0K\r\n"
          "--b 1--\r\nepilogue\r\n--b 1\r\n");
    /* Multiparts inside, a message inside, and an inner one that is never closed. */
    check("Content-Type: multipart/mixed; charset=x;\r\n boundary=out\r\n\r\n"
          "--out\r\nContent-Type: Multipart/Alternative; boundary=\"in\"\r\n" EIGHT "\r\n"
          "--in\r\n" EIGHT "\r\n\xe4\r\n--inn\r\n"
          "--out\r\nContent-Type: message/rfc822\r\n" EIGHT "\r\nSubject: y\r\n" EIGHT "\r\n\xe4\r\n"
          "--out--\r\n",
          "Content-Type: multipart/mixed; charset=x;\r\n boundary=out\r\n\r\n"
          "--out\r\nContent-Type: Multipart/Alternative; boundary=\"in\"\r\n" SEVEN "\r\n"
          "--in\r\n" QP "\r\n=E4\r\n--inn\r\n"
          "--out\r\nContent-Type: message/rfc822\r\n" SEVEN "\r\nSubject: y\r\n" QP "\r\n=E4\r\n"
          "--out--\r\n");
}

static void what_is_in_seven_bits_stays(void **state)
{
    (void)state;
    static const char *const SAME[] = {
        "Subject: x\r\n\r\nbody\r\n.\r\n",
        "\r\nno field\r\n",
        TEXT B64 "\r\nAAAA\r\n",
        "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n" EIGHT "\r\nx\r\n--s--\r\n",
        "Content-Transfer-Encoding: x-own\r\n\r\nx\r\n",
    };
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++)
        check(SAME[i], SAME[i]);
}

/* proves: F8 */
static void what_no_standard_encodes_is_refused(void **state)
{
    (void)state;
    static const char *const NONE[] = {
        "Subject: x\r\n\r\n\xe4\r\n",                                           /* declared nowhere */
        "Subject: \xe4\r\n\r\nx\r\n",                                           /* in a header */
        TEXT B64 "\r\n\xe4\r\n",                                                /* said to be base64 */
        "\r\na\nb\r\n",                                                         /* a lone LF */
        "\r\na\rb\r\n",                                                         /* a lone CR */
        "Content-Type: multipart/signed; boundary=s\r\n" EIGHT "\r\n--s--\r\n", /* a signature would break */
        "Content-Type: multipart/mixed\r\n" EIGHT "\r\n\xe4\r\n",               /* no boundary */
        MIXED "Content-Transfer-Encoding: base64\r\n\r\n--b 1--\r\n",           /* not allowed */
        "Content-Type: message/partial\r\n" EIGHT "\r\n\xe4\r\n",
        "Content-Type: message/rfc822\r\n" B64 "\r\nAAAA\r\n",
        TEXT TEXT EIGHT "\r\n\xe4\r\n", /* one too many */
        TEXT EIGHT EIGHT "\r\n\xe4\r\n",
        "Content-Type: text (a comment) /plain\r\n" EIGHT "\r\n\xe4\r\n",
        "Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a--\r\n",
        MIXED "\r\n--b 1\r\n--b 1--\r\n", /* a part without a body */
        "Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n" EIGHT
        "\r\nSubject: x\r\n\r\n\xe4\r\n--d--\r\n",
        "Subject: no body\r\n",
    };
    for (size_t i = 0; i < sizeof NONE / sizeof NONE[0]; i++)
        check(NONE[i], NULL);
    check_bytes(BYTES_LITERAL("\r\na\0b\r\n"), ERROR_SYNTAX, (struct bytes){0});
    char long_line[1100] = "\r\n";
    memset(long_line + 2, 'x', 999);
    memcpy(long_line + 1001, "\r\n", 3);
    check(long_line, NULL);
    char deep[8192] = "";
    for (int i = 0; i < 21; i++)
        snprintf(deep + strlen(deep), sizeof deep - strlen(deep),
                 "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
    check(deep, NULL);
}

/* Lines longer than any buffer, in both encodings. */
static void long_lines_flow(void **state)
{
    (void)state;
    struct buffer content, out;
    buffer_init(&content, 1u << 20);
    buffer_init(&out, 1u << 22);
    assert_int_equal(buffer_append_text(&content, TEXT EIGHT "\r\n"), OK);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(buffer_append_byte(&content, (char)(i % 251)), OK);
    assert_int_equal(convert(buffer_bytes(&content), 4096, &out), OK);
    check_bytes(buffer_bytes(&content), OK, buffer_bytes(&out));
    for (struct bytes line, rest = buffer_bytes(&out); bytes_next(&rest, '\n', &line);)
        assert_true(line.len <= 78);
    buffer_done(&content);
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_becomes_quoted_printable),       cmocka_unit_test(all_else_becomes_base64),
        cmocka_unit_test(each_part_is_encoded_for_itself),     cmocka_unit_test(what_is_in_seven_bits_stays),
        cmocka_unit_test(what_no_standard_encodes_is_refused), cmocka_unit_test(long_lines_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
