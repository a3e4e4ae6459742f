/* What a spool finds at its start: another daemon, traces of a crash, things that somebody put there. */
/* fakes: spool_dir */
#include "fakes/fake_spool_dir.h"

#include "queue/spool_durable.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

static bool is_there(const char *name)
{
    struct stat status;

    return lstat(spool_dir_file(&dir, name), &status) == 0;
}

static void make_file(const char *name, const char *content)
{
    FILE *file = fopen(spool_dir_file(&dir, name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, strlen(content), file), strlen(content));
    assert_int_equal(fclose(file), 0);
}

static const char *body_name(uint64_t id)
{
    static char name[64];

    snprintf(name, sizeof(name), "bodies/%016llx", (unsigned long long)id);
    return name;
}

static enum error try_to_open(struct note *note)
{
    struct spool *second;
    enum error error = spool_open(&dir.config, &second, note);

    if (error == OK)
        second->ops->close(second);
    return error;
}

/* proves: R11 */
static void a_second_spool_over_the_same_directory_is_refused(void **state)
{
    struct note note = {0};

    (void)state;
    assert_int_equal(try_to_open(&note), ERROR_TEMPORARY);
    assert_non_null(strstr(note.text, "another daemon"));
    spool_dir_close(&dir);
    assert_int_equal(try_to_open(&note), OK);
    spool_dir_open(&dir);
}

/* proves: R19 */
static void directories_that_others_can_reach_are_refused(void **state)
{
    struct note note = {0};

    (void)state;
    spool_dir_close(&dir);
    assert_int_equal(chmod(dir.path, 0777), 0);
    assert_int_equal(try_to_open(&note), ERROR_IO);
    assert_int_equal(chmod(dir.path, 0700), 0);
    assert_int_equal(rename(spool_dir_file(&dir, "data.mdb"), "/tmp/dirrelay-moved.mdb"), 0);
    assert_int_equal(symlink("/tmp/dirrelay-moved.mdb", spool_dir_file(&dir, "data.mdb")), 0);
    assert_int_equal(try_to_open(&note), ERROR_IO);
    assert_int_equal(rename("/tmp/dirrelay-moved.mdb", spool_dir_file(&dir, "data.mdb")), 0);
    assert_int_equal(try_to_open(&note), OK);
    dir.config.directory = "/proc/self/no-such-place";
    assert_int_equal(try_to_open(&note), ERROR_IO);
    dir.config.directory = dir.path;
    make_file("data.mdb", "this was never a database, and must not be taken for an empty one");
    assert_int_equal(try_to_open(&note), ERROR_IO);
    assert_true(is_there("data.mdb"));
}

static void network_file_systems_are_known(void **state)
{
    (void)state;
    assert_true(spool_lock_is_network_magic(0x6969));
    assert_true(spool_lock_is_network_magic(0xff534d42));
    assert_true(spool_lock_is_network_magic(0x65735546));
    assert_false(spool_lock_is_network_magic(0xef53));
    assert_false(spool_lock_is_network_magic(0x9123683e));
    assert_false(spool_lock_is_network_magic(0x58465342));
}

static void orphans_go_and_owned_bodies_stay(void **state)
{
    uint64_t id;

    (void)state;
    assert_int_equal(spool_dir_accept(&dir, 30000, "a@b", &id), OK);
    spool_dir_close(&dir);
    make_file("bodies/00000000000000ff", "left by a crash before the commit");
    spool_dir_open(&dir);
    assert_false(is_there("bodies/00000000000000ff"));
    assert_true(spool_dir_is_intact(&dir, id, 30000));
}

/* proves: R19 */
static void foreign_things_are_set_aside_unread_and_kept(void **state)
{
    (void)state;
    spool_dir_close(&dir);
    make_file("bodies/..%2f..%2fetc", "a");
    make_file("bodies/00000000000000FF", "upper case is not ours");
    make_file("outside", "secret");
    assert_int_equal(symlink("../outside", spool_dir_file(&dir, "bodies/0000000000000001")), 0);
    assert_int_equal(mkdir(spool_dir_file(&dir, "bodies/0000000000000002"), 0700), 0);
    char linked[256];
    snprintf(linked, sizeof(linked), "%s", spool_dir_file(&dir, "outside"));
    assert_int_equal(link(linked, spool_dir_file(&dir, "bodies/0000000000000003")), 0);
    spool_dir_open(&dir);
    assert_true(is_there("quarantine/..%2f..%2fetc"));
    assert_true(is_there("quarantine/00000000000000FF"));
    assert_true(is_there("quarantine/0000000000000001"));
    assert_true(is_there("quarantine/0000000000000002"));
    assert_true(is_there("quarantine/0000000000000003"));
    assert_true(is_there("outside"));
    assert_false(is_there("bodies/0000000000000001"));
}

/* Replaces the body of a stored message by what damage makes, then starts and listens. */
static void check_damaged_body(void (*damage)(const char *body))
{
    uint64_t good;
    uint64_t bad;
    char body[256];

    assert_int_equal(spool_dir_accept(&dir, 30000, "a@b", &good), OK);
    assert_int_equal(spool_dir_accept(&dir, 30000, "a@b", &bad), OK);
    snprintf(body, sizeof(body), "%s", spool_dir_file(&dir, body_name(bad)));
    spool_dir_close(&dir);
    damage(body);
    spool_dir_open(&dir);
    uint64_t count = dir.spool->ops->count(dir.spool);
    char byte;
    size_t len;
    if (bad % 2) { /* it is found by listening and by reading alike */
        spool_dir_listen(&dir);
    } else {
        assert_int_equal(dir.spool->ops->read(dir.spool, bad, 0, &byte, 1, &len), ERROR_IO);
    }
    spool_dir_wait_count(&dir, count - 1);
    assert_int_equal(dir.spool->ops->read(dir.spool, bad, 0, &byte, 1, &len), ERROR_NOT_FOUND);
    assert_true(spool_dir_is_intact(&dir, good, 30000));
    assert_false(is_there(body_name(bad)));
    spool_dir_close(&dir);
    spool_dir_open(&dir);
}

static void remove_it(const char *body)
{
    assert_int_equal(unlink(body), 0);
}

static void link_it_symbolically(const char *body)
{
    assert_int_equal(unlink(body), 0);
    assert_int_equal(symlink("/etc/hostname", body), 0);
}

static void link_it_hard(const char *body)
{
    assert_int_equal(link(body, spool_dir_file(&dir, "another-name")), 0);
}

static void cut_it(const char *body)
{
    assert_int_equal(truncate(body, 29999), 0);
}

static void grow_it(const char *body)
{
    assert_int_equal(truncate(body, 30001), 0);
}

static void make_it_a_fifo(const char *body)
{
    assert_int_equal(unlink(body), 0);
    assert_int_equal(mkfifo(body, 0600), 0);
}

/* proves: R19 R5 */
static void damaged_bodies_are_quarantined_with_their_message(void **state)
{
    static void (*const damages[])(const char *body) = {remove_it, link_it_symbolically, cut_it, grow_it,
                                                        make_it_a_fifo};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(damages) / sizeof(damages[0]); i++)
        check_damaged_body(damages[i / 2]);
    check_damaged_body(link_it_hard);
}

/* Writes something else where the envelope of the id is. */
static void overwrite_envelope(uint64_t id, struct bytes with)
{
    struct spool_store_config config = {
        .directory = dir.path, .map_bytes = dir.config.map_bytes, .system = &spool_system_real};
    struct spool_store *store;

    config.directory_descriptor = open(dir.path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(spool_store_open(&config, &store, NULL), OK);
    assert_int_equal(spool_store_begin(store), OK);
    assert_int_equal(spool_store_update(store, id, with), OK);
    assert_int_equal(spool_store_commit(store), OK);
    spool_store_close(store);
    close(config.directory_descriptor);
}

static bool count_one(void *owner, const struct envelope *envelope)
{
    (void)envelope;
    ++*(size_t *)owner;
    return true;
}

/* proves: R19 */
static void damaged_envelopes_are_quarantined_and_the_others_served(void **state)
{
    uint64_t ids[3];
    size_t count = 0;
    struct buffer binary;

    (void)state;
    buffer_init(&binary, 10000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(spool_dir_accept(&dir, i == 1 ? 30000 : 100, "a@b", &ids[i]), OK);
    assert_int_equal(spool_store_read_envelope(spool_durable_of(dir.spool)->store, ids[2], &binary), OK);
    spool_dir_close(&dir);
    overwrite_envelope(ids[0], BYTES_LITERAL("garbage"));
    overwrite_envelope(ids[1], buffer_bytes(&binary)); /* that of another message: the id does not fit */
    spool_dir_open(&dir);
    assert_int_equal(dir.spool->ops->each(dir.spool, 0, count_one, &count), OK);
    assert_int_equal(count, 1);
    spool_dir_wait_count(&dir, 1);
    assert_false(is_there(body_name(ids[1])));
    spool_dir_close(&dir);
    spool_dir_open(&dir);
    assert_int_equal(dir.spool->ops->count(dir.spool), 1);
    buffer_done(&binary);
}

/* The child accepts and tells each id once it is durable, and dies in the middle. */
static void accept_until_killed(int tell)
{
    /* As after an exec: nothing of the parent's spool is touched. */
    struct spool_dir child = dir;

    child.loop = loop_new("child", NULL);
    spool_dir_open(&child);
    for (uint64_t i = 0;; i++) {
        uint64_t id;
        size_t size = i % 4 == 3 ? 20000 : 2000;
        if (spool_dir_accept(&child, size, "a@b", &id) != OK || write(tell, &id, sizeof(id)) != sizeof(id))
            _exit(1);
    }
}

/* proves: R7 contract-5 */
static void whatever_was_answered_survives_being_killed(void **state)
{
    static uint64_t told[100000];
    size_t count = 0;

    (void)state;
    spool_dir_close(&dir);
    for (int round = 0; round < 12; round++) {
        int pipes[2];
        pid_t child;
        int status;
        size_t wanted = count + (size_t)round * 3 + 1;
        assert_int_equal(pipe(pipes), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            accept_until_killed(pipes[1]);
        close(pipes[1]);
        while (count < wanted && read(pipes[0], &told[count], sizeof(told[0])) == sizeof(told[0]))
            count++;
        usleep((useconds_t)(round * 137)); /* another moment each round: whatever happens there */
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        while (read(pipes[0], &told[count], sizeof(told[0])) == sizeof(told[0]))
            count++;
        close(pipes[0]);
        assert_true(WIFSIGNALED(status));
        assert_true(count >= wanted);
        spool_dir_open(&dir);
        for (size_t i = 0; i < count; i++) {
            struct envelope envelope;
            struct arena arena;
            arena_init(&arena, 1 << 16);
            assert_int_equal(dir.spool->ops->read_envelope(dir.spool, told[i], &arena, &envelope), OK);
            assert_true(spool_dir_is_intact(&dir, told[i], envelope.size_bytes));
            arena_done(&arena);
        }
        for (size_t i = 1; i < count; i++)
            assert_true(told[i] > told[i - 1]); /* no id was given out twice */
        spool_dir_close(&dir);
    }
    spool_dir_open(&dir);
}

/* proves: R8 */
static void what_a_first_start_left_half_done_is_made_anew(void **state)
{
    uint64_t id;

    (void)state;
    spool_dir_close(&dir);
    assert_int_equal(unlink(spool_dir_file(&dir, "data.mdb")), 0);
    make_file("new.mdb", "half of its first page");
    make_file("new.mdb-lock", "");
    spool_dir_open(&dir);
    assert_int_equal(spool_dir_accept(&dir, 100, "kate@fabrikam.com", &id), OK);
    assert_false(is_there("new.mdb"));
    assert_false(is_there("new.mdb-lock"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_second_spool_over_the_same_directory_is_refused),
        TEST(directories_that_others_can_reach_are_refused),
        TEST(network_file_systems_are_known),
        TEST(what_a_first_start_left_half_done_is_made_anew),
        TEST(orphans_go_and_owned_bodies_stay),
        TEST(foreign_things_are_set_aside_unread_and_kept),
        TEST(damaged_bodies_are_quarantined_with_their_message),
        TEST(damaged_envelopes_are_quarantined_and_the_others_served),
        TEST(whatever_was_answered_survives_being_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
