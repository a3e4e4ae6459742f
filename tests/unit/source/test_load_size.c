/* A large organization: 1,000 connectors of 100 ranges each, inherited ACEs. The time is printed, it decides
 * nothing: a release build takes a fraction of a second, a sanitizer's many times that. */
#include "unit/source/fixture.h"

#include <time.h>

#define CONNECTORS 1000
#define RANGES     100
#define INHERITED  50

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put_connectors(struct fixture *fixture)
{
    struct buffer text;
    buffer_init(&text, 64u << 20);
    for (unsigned i = 0; i < CONNECTORS; i++) {
        assert_int_equal(buffer_printf(&text,
                                       "dn: CN=C%u," RECEIVE_DN "\nobjectClass: msExchSmtpReceiveConnector\n"
                                       "cn: C%u\nmsExchSmtpReceiveBindings: 0.0.0.0:25\n"
                                       "dirrelayPermissionGroups: AnonymousUsers\n",
                                       i, i),
                         OK);
        for (unsigned j = 0; j < RANGES; j++)
            assert_int_equal(buffer_printf(&text,
                                           "msExchSmtpReceiveRemoteIPRanges: 10.%u.%u.%u-10.%u.%u.%u\n",
                                           i / 250, i % 250, 2 * j, i / 250, i % 250, 2 * j + 1),
                             OK);
        assert_int_equal(buffer_append_byte(&text, '\n'), OK);
    }
    assert_int_equal(buffer_printf(&text, "dn: " RECEIVE_DN "\nobjectClass: container\n"), OK);
    for (unsigned i = 0; i < INHERITED; i++)
        assert_int_equal(
            buffer_printf(&text, "dirrelayAce: allow ms-Exch-SMTP-Submit to S-1-5-21-1-2-3-%u\n", i), OK);
    assert_int_equal(buffer_append_text(&text, "\n\0"), OK);
    assert_int_equal(buffer_append_byte(&text, '\0'), OK);
    fixture_put(fixture, text.ptr);
    buffer_done(&text);
}

/* proves: D14 */
static void test_thousand_connectors(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "");
    put_connectors(&fixture);
    double start = seconds_now();
    fixture_load(&fixture);
    double first = seconds_now() - start;
    start = seconds_now();
    fixture_load(&fixture);
    double second = seconds_now() - start;
    print_message("1000 connectors of 100 ranges: %.3f s, again %.3f s, %zu bytes\n", first, second,
                  fixture.organization->arena.used_bytes);
    assert_int_equal(fixture.organization->receive_count, CONNECTORS);
    assert_int_equal(fixture.organization->refused_count, 0);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_thousand_connectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
