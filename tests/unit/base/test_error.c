/* Error names and notes. */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (int error = OK; error <= ERROR_IO; error++)
        assert_true(strlen(error_name((enum error)error)) > 1);
    assert_string_equal(error_name(OK), "ok");
    assert_string_equal(error_name(ERROR_DENIED_CREDENTIALS), "denied_credentials");
}

static void a_note_reads_from_outside_in(void **state)
{
    struct note note;

    (void)state;
    note_set(&note, "port %d", 0);
    note_wrap(&note, "binding '%s'", "x:0");
    note_wrap(&note, "connector");
    assert_string_equal(note.text, "connector: binding 'x:0': port 0");
    note_set(NULL, "ignored");
    note_wrap(NULL, "ignored");
}

static void a_long_note_is_cut_and_terminated(void **state)
{
    char text[400];
    struct note note;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    note_set(&note, "%s", text);
    assert_int_equal(strlen(note.text), sizeof(note.text) - 1);
    note_wrap(&note, "outer");
    assert_int_equal(strlen(note.text), sizeof(note.text) - 1);
    assert_memory_equal(note.text, "outer: xxx", 10);
    note_wrap(&note, "%s", text);
    assert_int_equal(strlen(note.text), sizeof(note.text) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_name),
        cmocka_unit_test(a_note_reads_from_outside_in),
        cmocka_unit_test(a_long_note_is_cut_and_terminated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
