/* The system calls on which durability stands, as a table: tests fail the k-th of them. */
#ifndef QUEUE_SPOOL_SYSTEM_H
#define QUEUE_SPOOL_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct MDB_txn;

/* All answer as the system call does: negative with errno. */
struct spool_system {
    int (*create)(int directory, const char *name); /* a new file to write, never one that is there */
    ssize_t (*write)(int file, const void *bytes, size_t count);
    int (*sync_file)(int file);
    int (*sync_directory)(int directory);
    int (*remove)(int directory, const char *name);
    int (*free_bytes)(int directory, uint64_t *out); /* that an unprivileged process may still use */
    int (*commit)(struct MDB_txn *transaction);      /* LMDB's codes */
    unsigned store_flags;                            /* more flags for LMDB; the real table has none */
};

extern const struct spool_system spool_system_real;

#endif
