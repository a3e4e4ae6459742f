/* filter.milters. */
#include "filter/filter_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static enum error parse(const char *text, struct arena *arena, struct filter_list *list, struct note *note)
{
    arena_init(arena, 1 << 16);
    memset(list, 0, sizeof *list);
    return filter_list_parse(bytes_of_text(text), arena, list, note);
}

/* proves: contract-2 */
static void test_forms(void **state)
{
    (void)state;
    struct arena arena;
    struct filter_list list;
    struct note note = {0};
    assert_int_equal(parse(" antispam:inet:rspamd:11332  unix:/run/opendkim/opendkim.sock inet:[::1]:8891",
                           &arena, &list, &note),
                     OK);
    assert_int_equal(list.count, 3);
    assert_true(list.filters[0].is_antispam);
    assert_string_equal(list.filters[0].host, "rspamd");
    assert_int_equal(list.filters[0].port, 11332);
    assert_string_equal(list.filters[0].name, "antispam:inet:rspamd:11332");
    assert_false(list.filters[1].is_antispam);
    assert_string_equal(list.filters[1].path, "/run/opendkim/opendkim.sock");
    assert_null(list.filters[1].host);
    assert_string_equal(list.filters[2].host, "::1");
    arena_done(&arena);
    assert_int_equal(parse("", &arena, &list, &note), OK);
    assert_int_equal(list.count, 0);
    arena_done(&arena);
}

/* proves: contract-2 */
static void test_what_is_none(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"rspamd:11332", "inet:rspamd",   "inet::25", "inet:a:0",
                                        "inet:a:70000", "unix:relative", "unix:",    "spam:inet:a:1",
                                        "inet:[::1:25", "inet:a:1 x",    "antispam:"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        struct arena arena;
        struct filter_list list;
        struct note note = {0};
        assert_int_equal(parse(TEXTS[i], &arena, &list, &note), ERROR_SYNTAX);
        assert_non_null(strstr(note.text, "is not [antispam:]"));
        arena_done(&arena);
    }
    struct arena arena;
    struct filter_list list;
    struct note note = {0};
    assert_int_equal(parse("inet:a:1 inet:a:2 inet:a:3 inet:a:4 inet:a:5 inet:a:6 inet:a:7 inet:a:8 inet:a:9 "
                           "inet:a:1 inet:a:2 inet:a:3 inet:a:4 inet:a:5 inet:a:6 inet:a:7 inet:a:8",
                           &arena, &list, &note),
                     ERROR_LIMIT);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
