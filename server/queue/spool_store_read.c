/* Every function here is one read transaction from begin to end: one that lives on makes the file grow
 * without bound, because no page freed after it may be used again. */
#include "queue/spool_store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void spool_store_drop_readers(struct spool_store *store)
{
    while (store->idle_count > 0)
        mdb_txn_abort(store->idle[--store->idle_count]);
}

/* Takes the gate; read_end gives it back. */
static enum error read_begin(struct spool_store *store, MDB_txn **out)
{
    MDB_txn *txn = NULL;
    int code;

    pthread_rwlock_rdlock(&store->gate);
    if (!store->env) {
        pthread_rwlock_unlock(&store->gate);
        return ERROR_IO;
    }
    pthread_mutex_lock(&store->idle_mutex);
    if (store->idle_count > 0)
        txn = store->idle[--store->idle_count];
    pthread_mutex_unlock(&store->idle_mutex);
    code = txn ? mdb_txn_renew(txn) : mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (code) {
        if (txn)
            mdb_txn_abort(txn);
        pthread_rwlock_unlock(&store->gate);
        return spool_store_error(code);
    }
    *out = txn;
    return OK;
}

static void read_end(struct spool_store *store, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    pthread_mutex_lock(&store->idle_mutex);
    if (store->idle_count < SPOOL_STORE_IDLE_READERS) {
        store->idle[store->idle_count++] = txn;
        txn = NULL;
    }
    pthread_mutex_unlock(&store->idle_mutex);
    if (txn)
        mdb_txn_abort(txn);
    pthread_rwlock_unlock(&store->gate);
}

static int get(struct spool_store *store, MDB_txn *txn, enum spool_table table, uint64_t id, MDB_val *out)
{
    MDB_val key = spool_store_key(&id);

    spool_store_note_use(store);
    return mdb_get(txn, store->tables[table], &key, out);
}

static enum error take_u64(MDB_val value, uint64_t *out)
{
    if (value.mv_size != sizeof(*out))
        return ERROR_IO;
    memcpy(out, value.mv_data, sizeof(*out));
    return OK;
}

enum error spool_store_count(struct spool_store *store, uint64_t *out_count)
{
    MDB_txn *txn;
    MDB_stat stat;
    enum error error = read_begin(store, &txn);

    if (error)
        return error;
    error = spool_store_error(mdb_stat(txn, store->tables[TABLE_ENVELOPES], &stat));
    read_end(store, txn);
    if (!error)
        *out_count = stat.ms_entries;
    return error;
}

/* The highest id of the table; left as it is when the table is empty. */
static int last_id(struct spool_store *store, MDB_txn *txn, enum spool_table table, uint64_t *out)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    int code = mdb_cursor_open(txn, store->tables[table], &cursor);

    if (code)
        return code;
    code = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (!code)
        memcpy(out, key.mv_data, sizeof(*out));
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

enum error spool_store_next_id(struct spool_store *store, uint64_t *out_next_id)
{
    MDB_txn *txn;
    MDB_val key = {strlen("next_id"), (void *)(uintptr_t) "next_id"};
    MDB_val value;
    uint64_t next_id = 1;
    enum error error = read_begin(store, &txn);
    int code;

    if (error)
        return error;
    code = mdb_get(txn, store->tables[TABLE_STATE], &key, &value);
    if (!code)
        error = take_u64(value, &next_id);
    else if (code != MDB_NOTFOUND)
        error = spool_store_error(code);
    for (enum spool_table table = TABLE_ENVELOPES; !error && table < TABLE_STATE; table++) {
        uint64_t last = 0;
        error = spool_store_error(last_id(store, txn, table, &last));
        if (last >= next_id)
            next_id = last + 1;
    }
    read_end(store, txn);
    if (!error)
        *out_next_id = next_id;
    return error;
}

enum error spool_store_read_envelope(struct spool_store *store, uint64_t id, struct buffer *out)
{
    MDB_txn *txn;
    MDB_val value;
    enum error error = read_begin(store, &txn);

    if (error)
        return error;
    error = spool_store_error(get(store, txn, TABLE_ENVELOPES, id, &value));
    if (!error)
        error = buffer_append(out, (struct bytes){value.mv_data, value.mv_size});
    read_end(store, txn);
    return error;
}

enum error spool_store_read_content(struct spool_store *store, uint64_t id, uint64_t offset, char *out,
                                    size_t size, size_t *out_len, enum spool_place *out_place,
                                    uint64_t *out_file_bytes)
{
    MDB_txn *txn;
    MDB_val value;
    enum error error = read_begin(store, &txn);
    int code;

    if (error)
        return error;
    code = get(store, txn, TABLE_CONTENTS, id, &value);
    if (!code) {
        size_t left = offset < value.mv_size ? value.mv_size - (size_t)offset : 0;
        *out_len = left < size ? left : size;
        if (*out_len)
            memcpy(out, (const char *)value.mv_data + offset, *out_len);
        *out_place = SPOOL_PLACE_DATABASE;
    } else if (code == MDB_NOTFOUND) {
        code = get(store, txn, TABLE_FILES, id, &value);
        if (!code) {
            error = take_u64(value, out_file_bytes);
            *out_place = SPOOL_PLACE_FILE;
        } else if (code == MDB_NOTFOUND) {
            code = get(store, txn, TABLE_ENVELOPES, id, &value);
            *out_place = SPOOL_PLACE_NONE;
        }
    }
    read_end(store, txn);
    return error ? error : spool_store_error(code);
}

enum error spool_store_owns_file(struct spool_store *store, uint64_t id, bool *out_owns)
{
    MDB_txn *txn;
    MDB_val value;
    enum error error = read_begin(store, &txn);
    int code;

    if (error)
        return error;
    code = get(store, txn, TABLE_FILES, id, &value);
    if (code == MDB_NOTFOUND)
        code = get(store, txn, TABLE_QUARANTINE, id, &value);
    read_end(store, txn);
    if (code && code != MDB_NOTFOUND)
        return spool_store_error(code);
    *out_owns = code == 0;
    return OK;
}

static enum error append_record(struct buffer *out, uint64_t id, MDB_val envelope)
{
    uint32_t len = (uint32_t)envelope.mv_size;
    enum error error = buffer_reserve(out, sizeof(id) + sizeof(len) + envelope.mv_size);

    if (!error)
        error = buffer_append(out, (struct bytes){(const char *)&id, sizeof(id)});
    if (!error)
        error = buffer_append(out, (struct bytes){(const char *)&len, sizeof(len)});
    if (!error)
        error = buffer_append(out, (struct bytes){envelope.mv_data, envelope.mv_size});
    return error;
}

enum error spool_store_walk(struct spool_store *store, uint64_t first, size_t enough_bytes,
                            struct buffer *out)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key = spool_store_key(&first);
    MDB_val value;
    enum error error = read_begin(store, &txn);
    int code;

    if (error)
        return error;
    code = mdb_cursor_open(txn, store->tables[TABLE_ENVELOPES], &cursor);
    if (!code) {
        code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
        while (!code && !error && out->len < enough_bytes) {
            uint64_t id;
            memcpy(&id, key.mv_data, sizeof(id));
            error = append_record(out, id, value);
            spool_store_note_use(store);
            code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        }
        mdb_cursor_close(cursor);
    }
    read_end(store, txn);
    if (!error && code && code != MDB_NOTFOUND)
        error = spool_store_error(code);
    return error;
}

enum error spool_store_ids(struct spool_store *store, uint64_t **out_ids, size_t *out_count)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_stat stat;
    MDB_val key;
    MDB_val value;
    uint64_t *ids = NULL;
    size_t count = 0;
    enum error error = read_begin(store, &txn);
    int code;

    if (error)
        return error;
    code = mdb_stat(txn, store->tables[TABLE_ENVELOPES], &stat);
    if (!code)
        ids = malloc((stat.ms_entries + 1) * sizeof(*ids));
    if (!code)
        code = ids ? mdb_cursor_open(txn, store->tables[TABLE_ENVELOPES], &cursor) : ENOMEM;
    if (!code) {
        while (count < stat.ms_entries && !(code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
            memcpy(&ids[count++], key.mv_data, sizeof(*ids));
            spool_store_note_use(store);
        }
        mdb_cursor_close(cursor);
    }
    read_end(store, txn);
    if (code && code != MDB_NOTFOUND) {
        free(ids);
        return spool_store_error(code);
    }
    *out_ids = ids;
    *out_count = count;
    return OK;
}

/* Bytes in pages that were freed: the sum over LMDB's own list, whose records begin with their count. */
static int freed_pages(MDB_txn *txn, uint64_t *out_pages)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    uint64_t pages = 0;
    int code = mdb_cursor_open(txn, 0, &cursor);

    if (code)
        return code;
    while (!(code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
        size_t count = 0;
        if (value.mv_size >= sizeof(count))
            memcpy(&count, value.mv_data, sizeof(count));
        pages += count;
    }
    mdb_cursor_close(cursor);
    *out_pages = pages;
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

enum error spool_store_room(struct spool_store *store, uint64_t enough_bytes, uint64_t *out_bytes)
{
    MDB_txn *txn;
    MDB_envinfo info;
    MDB_stat stat;
    uint64_t used;
    uint64_t rest;
    uint64_t disk;
    uint64_t pages = 0;
    enum error error;
    int code;

    if (store->config.system->free_bytes(store->config.directory_descriptor, &disk) != 0)
        return ERROR_IO;
    error = read_begin(store, &txn);
    if (error)
        return error;
    code = mdb_env_info(store->env, &info);
    if (!code)
        code = mdb_env_stat(store->env, &stat);
    if (!code) {
        used = (info.me_last_pgno + 1) * stat.ms_psize;
        rest = used < info.me_mapsize ? info.me_mapsize - used : 0;
        if (disk < rest)
            rest = disk;
        if (rest < enough_bytes)
            code = freed_pages(txn, &pages);
        *out_bytes = rest + pages * stat.ms_psize;
    }
    read_end(store, txn);
    return spool_store_error(code);
}
