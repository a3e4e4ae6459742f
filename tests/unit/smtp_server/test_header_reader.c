/* Where the header block ends. */
#include "smtp_server/header_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct header_case {
    const char *text;
    enum header_end end;
    size_t length;
};

static const struct header_case header_cases[] = {
    {"", HEADER_GOES_ON, 0},
    {"Subject: x\r\n", HEADER_GOES_ON, 0},
    {"\r\nbody\r\n", HEADER_ENDS_AT_EMPTY_LINE, 0},
    {"Subject: x\r\n\r\nbody", HEADER_ENDS_AT_EMPTY_LINE, 12},
    {"Subject: x\r\n y: z\r\n\r\n", HEADER_ENDS_AT_EMPTY_LINE, 19},
    {"A: b\r\n \r\nB: c\r\n\r\n", HEADER_ENDS_AT_EMPTY_LINE, 15},
    {"hello world\r\n", HEADER_ENDS_AT_BODY, 0},
    {" folded: x\r\n\r\n", HEADER_ENDS_AT_BODY, 0},
    {"Subject: x\r\nhello\r\n\r\n", HEADER_ENDS_AT_BODY, 12},
    {": no name\r\n", HEADER_ENDS_AT_BODY, 0},
};

/* proves: F15 C81 */
static void the_block_ends_at_the_same_place_however_it_arrives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof header_cases / sizeof header_cases[0]; i++) {
        const struct header_case *item = &header_cases[i];
        struct bytes text = bytes_of_text(item->text);
        for (size_t split = 0; split <= text.len; split++) {
            struct header_reader reader = {0};
            size_t length = 0;
            enum header_end end = header_reader_scan(&reader, bytes_first(text, split), &length);
            if (end == HEADER_GOES_ON) {
                end = header_reader_scan(&reader, text, &length);
            }
            assert_int_equal(end, item->end);
            assert_int_equal(length, item->length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_block_ends_at_the_same_place_however_it_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
