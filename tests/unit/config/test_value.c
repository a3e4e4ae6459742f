#include "config/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_choice_is_a_word_of_the_list(void **state)
{
    (void)state;
    static const char CHOICES[] = "debug info warning";
    unsigned index = 9;
    assert_int_equal(value_choice(bytes_of_text("info"), CHOICES, &index), OK);
    assert_int_equal(index, 1);
    assert_int_equal(value_choice(bytes_of_text("WARNING"), CHOICES, &index), OK);
    assert_int_equal(index, 2);
    static const char *const BAD[] = {"", " ", "inf", "infos", "debug info", "info ", "inf\xc3\xb6"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_int_equal(value_choice(bytes_of_text(BAD[i]), CHOICES, &index), ERROR_SYNTAX);
    assert_int_equal(index, 2);
}

static void check_words(const char *text, const char *const *words)
{
    struct bytes rest = bytes_of_text(text), word;
    for (; *words; words++) {
        assert_true(value_next_word(&rest, &word));
        assert_true(bytes_equal(word, bytes_of_text(*words)));
    }
    assert_false(value_next_word(&rest, &word));
    assert_int_equal(word.len, 0);
}

static void words_stand_between_blanks_and_tabs(void **state)
{
    (void)state;
    check_words("", (const char *const[]){NULL});
    check_words(" \t ", (const char *const[]){NULL});
    check_words("a", (const char *const[]){"a", NULL});
    check_words(" a\t\tbc  d ", (const char *const[]){"a", "bc", "d", NULL});
    check_words(NULL, (const char *const[]){NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_choice_is_a_word_of_the_list),
        cmocka_unit_test(words_stand_between_blanks_and_tabs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
