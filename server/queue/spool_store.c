#include "queue/envelope.h"
#include "queue/spool_store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_BYTES_DEFAULT (64ull << 30)
#define MAP_BYTES_MIN     (1u << 20)
#define STORE_FORMAT      3 /* of the tables, and of the newest envelope that may be in them */
#define RECORD_BYTES_MAX  (256u << 20)

_Static_assert(sizeof(size_t) == sizeof(uint64_t),
               "MDB_INTEGERKEY takes an id only where size_t has its size");

static const char *const table_names[TABLE_COUNT] = {"envelopes", "contents", "files", "quarantine", "state"};

enum error spool_store_error(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return OK;
    case MDB_NOTFOUND:
        return ERROR_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return ERROR_LIMIT;
    case ENOMEM:
        return ERROR_TEMPORARY;
    default:
        return ERROR_IO;
    }
}

static MDB_val value_of(struct bytes bytes)
{
    return (MDB_val){bytes.len, (void *)(uintptr_t)(bytes.ptr ? bytes.ptr : "")};
}

static MDB_val name_of(const char *name)
{
    return (MDB_val){strlen(name), (void *)(uintptr_t)name};
}

/* A link in place of a database file would have us write to somebody else's. */
static enum error check_file(const struct spool_store_config *config, const char *name, struct note *note)
{
    struct stat status;

    if (fstatat(config->directory_descriptor, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return OK;
        note_set(note, "%s/%s: %s", config->directory, name, strerror(errno));
        return ERROR_IO;
    }
    if (S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_uid == geteuid())
        return OK;
    note_set(note, "%s/%s: not a plain file of our own", config->directory, name);
    return ERROR_IO;
}

_Static_assert(STORE_FORMAT >= ENVELOPE_VERSION,
               "an older program must refuse a store whose envelopes it would set aside");

/* A new store gets our format, an older one is raised to it: what is put in from now on only we can read. Of
 * a newer one the note says so. */
static int check_format(struct spool_store *store, MDB_txn *txn, struct note *note)
{
    uint64_t format = 0;
    uint64_t ours = STORE_FORMAT;
    MDB_val key = name_of("format");
    MDB_val value;
    int code = mdb_get(txn, store->tables[TABLE_STATE], &key, &value);

    if (code && code != MDB_NOTFOUND)
        return code;
    if (!code && value.mv_size == sizeof(format))
        memcpy(&format, value.mv_data, sizeof(format));
    if (format > STORE_FORMAT)
        note_set(note,
                 "its format is %llu and this program knows %d at most: a newer dirrelayd wrote it, which "
                 "has to deliver what is in it",
                 (unsigned long long)format, STORE_FORMAT);
    else if (!code && format == 0)
        note_set(note, "data.mdb is no spool of dirrelayd");
    if (note->text[0])
        return MDB_VERSION_MISMATCH;
    value = (MDB_val){sizeof(ours), &ours};
    return format == ours ? MDB_SUCCESS : mdb_put(txn, store->tables[TABLE_STATE], &key, &value, 0);
}

static int open_tables(struct spool_store *store, struct note *note)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);

    if (code)
        return code;
    for (int i = 0; !code && i < TABLE_COUNT; i++)
        code = mdb_dbi_open(txn, table_names[i], MDB_CREATE | (i == TABLE_STATE ? 0 : MDB_INTEGERKEY),
                            &store->tables[i]);
    if (!code)
        code = check_format(store, txn, note);
    if (code) {
        mdb_txn_abort(txn);
        return code;
    }
    return store->config.system->commit(txn);
}

static enum error open_environment(struct spool_store *store, struct note *note)
{
    const struct spool_store_config *config = &store->config;
    struct note why = {0};
    int code = spool_store_make(config);

    if (!code)
        code = mdb_env_create(&store->env);
    if (!code)
        code = mdb_env_set_mapsize(store->env, config->map_bytes);
    if (!code)
        code = mdb_env_set_maxdbs(store->env, TABLE_COUNT);
    if (!code)
        code = mdb_env_open(store->env, config->directory, MDB_NOTLS | config->system->store_flags, 0600);
    if (!code)
        code = open_tables(store, &why);
    if (!code && fsync(config->directory_descriptor) != 0) /* data.mdb may be new */
        code = errno;
    if (!code) {
        spool_store_find_map(store);
        return OK;
    }
    note_set(note, "%s: %s", config->directory, why.text[0] ? why.text : mdb_strerror(code));
    if (store->env)
        mdb_env_close(store->env);
    store->env = NULL;
    return ERROR_IO;
}

enum error spool_store_open(const struct spool_store_config *config, struct spool_store **out,
                            struct note *note)
{
    struct spool_store *store;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    enum error error = check_file(config, "data.mdb", note);

    if (!error)
        error = check_file(config, "lock.mdb", note);
    if (error)
        return error;
    store = calloc(1, sizeof(*store));
    if (!store)
        return ERROR_TEMPORARY;
    store->config = *config;
    if (store->config.map_bytes == 0)
        store->config.map_bytes = MAP_BYTES_DEFAULT;
    if (store->config.map_bytes < MAP_BYTES_MIN)
        store->config.map_bytes = MAP_BYTES_MIN;
    store->config.map_bytes = (store->config.map_bytes + page - 1) / page * page;
    pthread_rwlock_init(&store->gate, NULL);
    pthread_mutex_init(&store->idle_mutex, NULL);
    error = open_environment(store, note);
    if (error) {
        spool_store_close(store);
        return error;
    }
    *out = store;
    return OK;
}

static void close_environment(struct spool_store *store)
{
    spool_store_abort(store);
    spool_store_drop_readers(store);
    if (store->env)
        mdb_env_close(store->env);
    store->env = NULL;
}

void spool_store_close(struct spool_store *store)
{
    if (!store)
        return;
    close_environment(store);
    pthread_mutex_destroy(&store->idle_mutex);
    pthread_rwlock_destroy(&store->gate);
    free(store);
}

enum error spool_store_reopen(struct spool_store *store, struct note *note)
{
    enum error error;

    pthread_rwlock_wrlock(&store->gate);
    close_environment(store);
    error = open_environment(store, note);
    pthread_rwlock_unlock(&store->gate);
    return error;
}

enum error spool_store_begin(struct spool_store *store)
{
    return store->env ? spool_store_error(mdb_txn_begin(store->env, NULL, 0, &store->batch)) : ERROR_IO;
}

void spool_store_abort(struct spool_store *store)
{
    if (store->batch)
        mdb_txn_abort(store->batch);
    store->batch = NULL;
}

enum error spool_store_commit(struct spool_store *store)
{
    MDB_txn *txn = store->batch;

    store->batch = NULL;
    return store->config.system->commit(txn) == MDB_SUCCESS ? OK : ERROR_IO;
}

/* Fresh ids come last nearly always; one that was overtaken takes the ordinary way. */
static int put_new(struct spool_store *store, enum spool_table table, uint64_t id, MDB_val value)
{
    MDB_val key = spool_store_key(&id);
    int code = mdb_put(store->batch, store->tables[table], &key, &value, MDB_APPEND);

    if (code == MDB_KEYEXIST)
        code = mdb_put(store->batch, store->tables[table], &key, &value, MDB_NOOVERWRITE);
    return code;
}

enum error spool_store_add(struct spool_store *store, uint64_t id, struct bytes envelope,
                           struct bytes content)
{
    int code = put_new(store, TABLE_ENVELOPES, id, value_of(envelope));

    if (!code)
        code = put_new(store, TABLE_CONTENTS, id, value_of(content));
    return spool_store_error(code);
}

enum error spool_store_add_file(struct spool_store *store, uint64_t id, struct bytes envelope,
                                uint64_t file_bytes)
{
    int code = put_new(store, TABLE_ENVELOPES, id, value_of(envelope));

    if (!code)
        code = put_new(store, TABLE_FILES, id, (MDB_val){sizeof(file_bytes), &file_bytes});
    return spool_store_error(code);
}

enum error spool_store_update(struct spool_store *store, uint64_t id, struct bytes envelope)
{
    MDB_val key = spool_store_key(&id);
    MDB_val value;
    int code = mdb_get(store->batch, store->tables[TABLE_ENVELOPES], &key, &value);

    spool_store_note_use(store);
    if (code)
        return spool_store_error(code);
    value = value_of(envelope);
    return spool_store_error(mdb_put(store->batch, store->tables[TABLE_ENVELOPES], &key, &value, 0));
}

/* Deletes where it is; *out_was_there may be NULL. */
static int delete_from(struct spool_store *store, enum spool_table table, uint64_t id, bool *out_was_there)
{
    MDB_val key = spool_store_key(&id);
    int code = mdb_del(store->batch, store->tables[table], &key, NULL);

    if (out_was_there)
        *out_was_there = code == MDB_SUCCESS;
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

enum error spool_store_remove(struct spool_store *store, uint64_t id, bool *out_had_file)
{
    bool was_there;
    bool had_file = false;
    int code = delete_from(store, TABLE_ENVELOPES, id, &was_there);

    spool_store_note_use(store);
    if (!code)
        code = delete_from(store, TABLE_CONTENTS, id, NULL);
    if (!code)
        code = delete_from(store, TABLE_FILES, id, &had_file);
    if (code)
        return spool_store_error(code);
    *out_had_file = had_file;
    return was_there ? OK : ERROR_NOT_FOUND;
}

/* "reason NUL envelope content", the lengths of the first two in front. */
static enum error make_quarantine_record(struct bytes reason, MDB_val envelope, MDB_val content,
                                         struct buffer *out)
{
    uint32_t lengths[2] = {(uint32_t)reason.len, (uint32_t)envelope.mv_size};
    enum error error = buffer_append(out, (struct bytes){(const char *)lengths, sizeof(lengths)});

    if (!error)
        error = buffer_append(out, reason);
    if (!error)
        error = buffer_append(out, (struct bytes){envelope.mv_data, envelope.mv_size});
    if (!error)
        error = buffer_append(out, (struct bytes){content.mv_data, content.mv_size});
    return error;
}

enum error spool_store_quarantine(struct spool_store *store, uint64_t id, const char *reason,
                                  bool *out_had_file)
{
    MDB_val key = spool_store_key(&id);
    MDB_val envelope = {0, NULL};
    MDB_val content = {0, NULL};
    MDB_val value;
    struct buffer record;
    enum error error;
    int code = mdb_get(store->batch, store->tables[TABLE_ENVELOPES], &key, &envelope);

    if (code)
        return spool_store_error(code);
    code = mdb_get(store->batch, store->tables[TABLE_CONTENTS], &key, &content);
    if (code && code != MDB_NOTFOUND)
        return spool_store_error(code);
    /* A copy: LMDB may move what the values point to as soon as something is written. */
    buffer_init(&record, RECORD_BYTES_MAX);
    error = make_quarantine_record(bytes_of_text(reason), envelope, content, &record);
    if (!error) {
        value = value_of(buffer_bytes(&record));
        error = spool_store_error(mdb_put(store->batch, store->tables[TABLE_QUARANTINE], &key, &value, 0));
    }
    buffer_done(&record);
    return error ? error : spool_store_remove(store, id, out_had_file);
}

enum error spool_store_set_next_id(struct spool_store *store, uint64_t next_id)
{
    MDB_val key = name_of("next_id");
    MDB_val value = {sizeof(next_id), &next_id};

    return spool_store_error(mdb_put(store->batch, store->tables[TABLE_STATE], &key, &value, 0));
}
