/* A spool that another version of the program has written. */
/* fakes: spool_dir */
#include "fakes/fake_spool_dir.h"

#include "queue/envelope.h"

#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct spool_dir dir;

static int set_up(void **state)
{
    (void)state;
    spool_dir_new(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    spool_dir_free(&dir);
    return 0;
}

/* The value of state "format" in the closed spool; written when new_value is not NULL. */
static uint64_t format_of_spool(const void *new_value, size_t size)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi state;
    MDB_val key = {6, (void *)(uintptr_t) "format"};
    MDB_val value = {size, (void *)(uintptr_t)new_value};
    uint64_t format = 0;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 5), 0);
    assert_int_equal(mdb_env_open(env, dir.path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "state", 0, &state), 0);
    if (new_value)
        assert_int_equal(mdb_put(txn, state, &key, &value, 0), 0);
    assert_int_equal(mdb_get(txn, state, &key, &value), 0);
    if (value.mv_size == sizeof(format))
        memcpy(&format, value.mv_data, sizeof(format));
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    return format;
}

static void expect_refused(const char *why)
{
    struct note note = {{0}};
    struct spool *spool = NULL;

    assert_int_equal(spool_open(&dir.config, &spool, &note), ERROR_IO);
    assert_null(spool);
    if (!strstr(note.text, why))
        fail_msg("'%s' does not say '%s'", note.text, why);
}

/* proves: R11 */
static void an_older_spool_is_read_and_raised(void **state)
{
    uint64_t id;

    (void)state;
    assert_int_equal(spool_dir_accept(&dir, 100, "kate@fabrikam.com", &id), OK);
    for (uint64_t older = 1; older < ENVELOPE_VERSION; older++) {
        spool_dir_close(&dir);
        assert_int_equal(format_of_spool(&older, sizeof(older)), older);
        spool_dir_open(&dir);
        assert_int_equal(dir.spool->ops->count(dir.spool), 1);
        assert_true(spool_dir_is_intact(&dir, id, 100));
    }
    spool_dir_close(&dir);
    assert_int_equal(format_of_spool(NULL, 0), ENVELOPE_VERSION);
    spool_dir_open(&dir);
}

/* proves: R11 */
static void a_newer_spool_is_refused_and_left_as_it_is(void **state)
{
    const uint64_t newer = ENVELOPE_VERSION + 1;
    const uint64_t ours = ENVELOPE_VERSION;
    uint64_t id;

    (void)state;
    assert_int_equal(spool_dir_accept(&dir, 100, "kate@fabrikam.com", &id), OK);
    spool_dir_close(&dir);
    (void)format_of_spool(&newer, sizeof(newer));
    expect_refused("a newer dirrelayd wrote it");
    expect_refused(dir.path);
    assert_int_equal(format_of_spool(&ours, sizeof(ours)), ours);
    spool_dir_open(&dir);
    assert_true(spool_dir_is_intact(&dir, id, 100));
}

static void another_programs_database_is_refused(void **state)
{
    const uint64_t none = 0;
    const uint64_t ours = ENVELOPE_VERSION;

    (void)state;
    spool_dir_close(&dir);
    (void)format_of_spool("no format", 9);
    expect_refused("no spool of dirrelayd");
    (void)format_of_spool(&none, sizeof(none));
    expect_refused("no spool of dirrelayd");
    (void)format_of_spool(&ours, sizeof(ours));
    spool_dir_open(&dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_older_spool_is_read_and_raised),
        TEST(a_newer_spool_is_refused_and_left_as_it_is),
        TEST(another_programs_database_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
