#include "fakes/fake_spool_dir.h"

#include "queue/spool_durable.h"

#include <errno.h>
#include <ftw.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static atomic_long calls;
static atomic_long faulting_call;
static atomic_int fault_kind;
static atomic_ullong claimed_free_bytes = UINT64_MAX;

static bool is_faulting(void)
{
    long call = atomic_fetch_add(&calls, 1) + 1;
    long at = atomic_load(&faulting_call);

    return at > 0 && (call == at || (call > at && atomic_load(&fault_kind) == SPOOL_FAULT_STAYS));
}

static bool is_lying(void)
{
    return atomic_load(&fault_kind) == SPOOL_FAULT_LIES;
}

static int fail_with(int code)
{
    errno = code;
    return -1;
}

static int faulty_create(int directory, const char *name)
{
    return is_faulting() ? fail_with(ENOSPC) : spool_system_real.create(directory, name);
}

static ssize_t faulty_write(int file, const void *bytes, size_t count)
{
    return is_faulting() ? fail_with(ENOSPC) : spool_system_real.write(file, bytes, count);
}

static int faulty_sync_file(int file)
{
    return is_faulting() ? fail_with(EIO) : spool_system_real.sync_file(file);
}

static int faulty_sync_directory(int directory)
{
    return is_faulting() ? fail_with(EIO) : spool_system_real.sync_directory(directory);
}

static int faulty_remove(int directory, const char *name)
{
    return is_faulting() ? fail_with(EIO) : spool_system_real.remove(directory, name);
}

static int faulty_commit(MDB_txn *transaction)
{
    if (!is_faulting())
        return spool_system_real.commit(transaction);
    if (is_lying())
        assert_int_equal(spool_system_real.commit(transaction), 0);
    else
        mdb_txn_abort(transaction);
    return EIO;
}

static int faulty_free_bytes(int directory, uint64_t *out)
{
    *out = atomic_load(&claimed_free_bytes);
    return *out != UINT64_MAX ? 0 : spool_system_real.free_bytes(directory, out);
}

static const struct spool_system faulty_system = {
    .create = faulty_create,
    .write = faulty_write,
    .sync_file = faulty_sync_file,
    .sync_directory = faulty_sync_directory,
    .remove = faulty_remove,
    .free_bytes = faulty_free_bytes,
    .commit = faulty_commit,
};

void spool_dir_fault(long faulting_at, enum spool_fault fault)
{
    atomic_store(&fault_kind, (int)fault);
    atomic_store(&calls, 0);
    atomic_store(&faulting_call, faulting_at);
}

long spool_dir_calls(void)
{
    return atomic_load(&calls);
}

void spool_dir_set_free_bytes(uint64_t free_bytes)
{
    atomic_store(&claimed_free_bytes, free_bytes);
}

void spool_dir_open(struct spool_dir *dir)
{
    struct note note = {0};
    enum error error = spool_open_over(&dir->config, &faulty_system, &dir->spool, &note);

    if (error)
        fail_msg("%s: %s", error_name(error), note.text);
}

void spool_dir_close(struct spool_dir *dir)
{
    dir->spool->ops->close(dir->spool);
    dir->spool = NULL;
    /* What was answered meanwhile. */
    for (int i = 0; i < 3; i++)
        loop_turn(dir->loop);
}

void spool_dir_new(struct spool_dir *dir)
{
    *dir = (struct spool_dir){.path = "/tmp/dirrelay-spool-XXXXXX"};
    spool_dir_fault(0, SPOOL_FAULT_FAILS);
    spool_dir_set_free_bytes(UINT64_MAX);
    assert_non_null(mkdtemp(dir->path));
    dir->config =
        (struct spool_config){.directory = dir->path, .map_bytes = 1u << 30, .clock = &clock_system};
    dir->loop = loop_new("test", NULL);
    assert_non_null(dir->loop);
    spool_dir_open(dir);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void spool_dir_free(struct spool_dir *dir)
{
    spool_dir_fault(0, SPOOL_FAULT_FAILS);
    if (dir->spool)
        spool_dir_close(dir);
    loop_free(dir->loop);
    assert_int_equal(nftw(dir->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *spool_dir_file(const struct spool_dir *dir, const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", dir->path, name);
    return path;
}

/* One turn, and a little patience for the other threads. */
static void turn(struct spool_dir *dir, time_t deadline)
{
    loop_turn(dir->loop);
    usleep(50);
    if (time(NULL) > deadline)
        fail_msg("nothing came for 20 seconds");
}

void spool_dir_wait(struct spool_dir *dir, const bool *done)
{
    time_t deadline = time(NULL) + 20;

    while (!*done)
        turn(dir, deadline);
}

void spool_dir_wait_health(struct spool_dir *dir, enum spool_health health)
{
    time_t deadline = time(NULL) + 20;

    while (dir->spool->ops->health(dir->spool) != health)
        turn(dir, deadline);
}

void spool_dir_wait_count(struct spool_dir *dir, uint64_t count)
{
    time_t deadline = time(NULL) + 20;

    while (dir->spool->ops->count(dir->spool) != count)
        turn(dir, deadline);
}

struct answer {
    bool is_there;
    enum error error;
};

static void on_done(void *owner, enum error error)
{
    struct answer *answer = owner;

    assert_false(answer->is_there);
    *answer = (struct answer){true, error};
}

static void on_ready(void *owner)
{
    *(bool *)owner = true;
}

char spool_dir_byte(uint64_t id, size_t at)
{
    return (char)('a' + (id * 7 + at + at / 4096) % 26);
}

static enum error append_content(struct spool_dir *dir, struct spool_message *message, uint64_t id,
                                 size_t size)
{
    char chunk[10000];
    size_t at = 0;

    while (at < size) {
        size_t len = size - at < sizeof(chunk) ? size - at : sizeof(chunk);
        bool is_ready = false;
        bool must_wait;
        for (size_t i = 0; i < len; i++)
            chunk[i] = spool_dir_byte(id, at + i);
        dir->spool->ops->on_ready(message, on_ready, &is_ready);
        if (dir->spool->ops->append(message, (struct bytes){chunk, len}, &must_wait) != OK)
            return ERROR_TEMPORARY;
        if (must_wait)
            spool_dir_wait(dir, &is_ready);
        at += len;
    }
    return OK;
}

enum error spool_dir_accept(struct spool_dir *dir, size_t size, const char *recipient, uint64_t *out_id)
{
    struct envelope_recipient to = {.address = bytes_of_text(recipient)};
    struct envelope envelope = {
        .sender = BYTES_LITERAL("from@example.org"), .recipients = &to, .recipient_count = 1};
    struct answer answer = {0};
    struct spool_message *message = dir->spool->ops->begin(dir->spool, dir->loop);
    uint64_t id;

    if (!message)
        return ERROR_LIMIT;
    id = dir->spool->ops->message_id(message);
    if (append_content(dir, message, id, size) != OK) {
        dir->spool->ops->abort(message);
        return ERROR_TEMPORARY;
    }
    dir->spool->ops->commit(message, &envelope, on_done, &answer);
    assert_false(answer.is_there);
    spool_dir_wait(dir, &answer.is_there);
    if (out_id)
        *out_id = id;
    return answer.error;
}

bool spool_dir_is_intact(struct spool_dir *dir, uint64_t id, size_t size)
{
    char chunk[7000];
    size_t at = 0;
    size_t len;

    while (dir->spool->ops->read(dir->spool, id, at, chunk, sizeof(chunk), &len) == OK) {
        if (len == 0)
            return at == size;
        for (size_t i = 0; i < len; i++, at++) {
            if (chunk[i] != spool_dir_byte(id, at))
                return false;
        }
    }
    return false;
}

enum error spool_dir_update(struct spool_dir *dir, const struct envelope *envelope, bool is_removed)
{
    struct answer answer = {0};

    dir->spool->ops->update(dir->spool, envelope, is_removed, on_done, &answer);
    assert_false(answer.is_there);
    spool_dir_wait(dir, &answer.is_there);
    return answer.error;
}

static void ignore(void *owner, const struct envelope *envelope)
{
    (void)owner;
    (void)envelope;
}

void spool_dir_listen(struct spool_dir *dir)
{
    dir->spool->ops->listen(dir->spool, dir->loop, ignore, NULL);
}
