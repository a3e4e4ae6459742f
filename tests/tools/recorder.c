/* room: base */
/* Runs a program, records what it does to files, and kills it at its k-th system call where that is wanted.
 *
 *   recorder LOG KILL PROGRAM [ARGUMENT...]
 *
 * The program keeps the process; the recorder watches from another. From SIGUSR1 to the recorder on, the
 * system calls of all threads are counted; the KILL-th is not executed any more: SIGKILL (0: never).
 *
 * LOG: lines of fields with tabs between them.
 *   recorder PID
 *   begin NUMBER CALL PATH OFFSET FLAGS LENGTH     then LENGTH bytes (what is written; a second path) and a
 * line end end NUMBER RESULT counted COUNT                                  the last line OFFSET: of a write;
 * the length of ftruncate. FLAGS: of open, or those the descriptor was opened with. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX  256
#define IOV_MAX_HERE 1024

enum shape {
    SHAPE_OPEN,       /* directory, name, flags */
    SHAPE_NAME_AT,    /* directory, name */
    SHAPE_NAME,       /* name */
    SHAPE_RENAME_AT,  /* directory, name, directory, name */
    SHAPE_RENAME,     /* name, name */
    SHAPE_WRITE,      /* descriptor, bytes, count */
    SHAPE_WRITE_AT,   /* descriptor, bytes, count, offset */
    SHAPE_VECTOR,     /* descriptor, vectors, count */
    SHAPE_VECTOR_AT,  /* descriptor, vectors, count, offset */
    SHAPE_LENGTH,     /* descriptor, length */
    SHAPE_DESCRIPTOR, /* descriptor */
};

static const struct watched {
    unsigned long number;
    const char *name;
    enum shape shape;
} watched[] = {
    {SYS_openat, "open", SHAPE_OPEN},          {SYS_mkdirat, "mkdir", SHAPE_NAME_AT},
    {SYS_unlinkat, "unlink", SHAPE_NAME_AT},   {SYS_renameat2, "rename", SHAPE_RENAME_AT},
    {SYS_write, "write", SHAPE_WRITE},         {SYS_pwrite64, "write", SHAPE_WRITE_AT},
    {SYS_writev, "write", SHAPE_VECTOR},       {SYS_pwritev, "write", SHAPE_VECTOR_AT},
    {SYS_ftruncate, "truncate", SHAPE_LENGTH}, {SYS_fsync, "sync", SHAPE_DESCRIPTOR},
    {SYS_fdatasync, "sync", SHAPE_DESCRIPTOR},
#ifdef SYS_renameat
    {SYS_renameat, "rename", SHAPE_RENAME_AT},
#endif
#ifdef SYS_mkdir
    {SYS_mkdir, "mkdir", SHAPE_NAME},          {SYS_unlink, "unlink", SHAPE_NAME},
    {SYS_rmdir, "unlink", SHAPE_NAME},         {SYS_rename, "rename", SHAPE_RENAME},
#endif
};

struct thread {
    pid_t id;
    uint64_t open_call; /* 0: none that is recorded */
};

static struct thread threads[THREADS_MAX];
static size_t thread_count;
static volatile sig_atomic_t is_counting;
static FILE *record;
static uint64_t last_call;

static void on_signal(int number)
{
    (void)number;
    is_counting = 1;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct thread *find_thread(pid_t id)
{
    for (size_t i = 0; i < thread_count; i++) {
        if (threads[i].id == id)
            return &threads[i];
    }
    if (thread_count == THREADS_MAX) {
        errno = EAGAIN;
        die("threads");
    }
    threads[thread_count] = (struct thread){.id = id};
    return &threads[thread_count++];
}

/* -- what stands in the program's memory -- */

static void read_memory(pid_t thread, uint64_t at, void *out, size_t size)
{
    struct iovec here = {out, size};
    struct iovec there = {(void *)(uintptr_t)at, size};

    if (size > 0 && process_vm_readv(thread, &here, 1, &there, 1, 0) != (ssize_t)size)
        die("process_vm_readv");
}

static void read_text(pid_t thread, uint64_t at, char out[PATH_MAX])
{
    size_t length = 0;

    do
        read_memory(thread, at + length, out + length, 1);
    while (out[length] && ++length < PATH_MAX - 1);
    out[length] = 0;
}

/* -- names -- */

static void read_link(pid_t thread, const char *what, int descriptor, char out[PATH_MAX])
{
    char path[64];
    ssize_t length;

    snprintf(path, sizeof(path), descriptor < 0 ? "/proc/%d/%s" : "/proc/%d/%s/%d", (int)thread, what,
             descriptor);
    length = readlink(path, out, PATH_MAX - 1);
    out[length > 0 ? length : 0] = 0;
}

static void name_descriptor(pid_t thread, int descriptor, char out[PATH_MAX])
{
    if (descriptor == STDOUT_FILENO)
        snprintf(out, PATH_MAX, "stdout");
    else
        read_link(thread, "fd", descriptor, out);
}

static void name_at(pid_t thread, int directory, uint64_t name, char out[PATH_MAX])
{
    char text[PATH_MAX];
    char above[PATH_MAX];

    read_text(thread, name, text);
    if (directory == AT_FDCWD)
        read_link(thread, "cwd", -1, above);
    else
        read_link(thread, "fd", directory, above);
    if (text[0] == '/' || snprintf(out, PATH_MAX, "%s/%s", above, text) >= PATH_MAX)
        memcpy(out, text, sizeof(text));
}

/* Where the descriptor stands and the flags it was opened with. */
static void ask_descriptor(pid_t thread, int descriptor, uint64_t *out_offset, unsigned *out_flags)
{
    char path[64];
    FILE *file;
    unsigned long long offset = 0;

    snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)thread, descriptor);
    file = fopen(path, "re");
    *out_flags = 0;
    if (file && fscanf(file, "pos: %llu flags: %o", &offset, out_flags) != 2)
        die(path);
    if (file)
        fclose(file);
    *out_offset = offset;
}

/* -- recording -- */

static void write_begin(const char *call, const char *path, uint64_t offset, unsigned flags, size_t length)
{
    fprintf(record, "begin\t%llu\t%s\t%s\t%llu\t%u\t%zu\n", (unsigned long long)++last_call, call, path,
            (unsigned long long)offset, flags, length);
}

static void write_bytes(pid_t thread, uint64_t at, size_t length)
{
    char chunk[65536];

    while (length > 0) {
        size_t part = length < sizeof(chunk) ? length : sizeof(chunk);
        read_memory(thread, at, chunk, part);
        fwrite(chunk, 1, part, record);
        at += part;
        length -= part;
    }
}

static void record_vectors(pid_t thread, const char *call, const char *path, uint64_t offset, unsigned flags,
                           uint64_t at, size_t count)
{
    struct iovec vectors[IOV_MAX_HERE];
    size_t length = 0;

    count = count < IOV_MAX_HERE ? count : IOV_MAX_HERE;
    read_memory(thread, at, vectors, count * sizeof(vectors[0]));
    for (size_t i = 0; i < count; i++)
        length += vectors[i].iov_len;
    write_begin(call, path, offset, flags, length);
    for (size_t i = 0; i < count; i++)
        write_bytes(thread, (uint64_t)(uintptr_t)vectors[i].iov_base, vectors[i].iov_len);
}

static void record_names(pid_t thread, const struct watched *call, const unsigned long long *arguments)
{
    bool is_at = call->shape == SHAPE_OPEN || call->shape == SHAPE_NAME_AT || call->shape == SHAPE_RENAME_AT;
    const unsigned long long *next = arguments + (is_at ? 2 : 1);
    char path[PATH_MAX];
    char second[PATH_MAX] = "";

    name_at(thread, is_at ? (int)arguments[0] : AT_FDCWD, arguments[is_at], path);
    if (call->shape == SHAPE_RENAME_AT)
        name_at(thread, (int)next[0], next[1], second);
    if (call->shape == SHAPE_RENAME)
        name_at(thread, AT_FDCWD, next[0], second);
    write_begin(call->name, path, 0, call->shape == SHAPE_OPEN ? (unsigned)*next : 0, strlen(second));
    fputs(second, record);
}

static void record_begin(pid_t thread, const struct watched *call, const unsigned long long *arguments)
{
    char path[PATH_MAX];
    uint64_t offset;
    unsigned flags;

    if (call->shape <= SHAPE_RENAME) {
        record_names(thread, call, arguments);
    } else {
        name_descriptor(thread, (int)arguments[0], path);
        ask_descriptor(thread, (int)arguments[0], &offset, &flags);
        if (call->shape == SHAPE_WRITE_AT || call->shape == SHAPE_VECTOR_AT)
            offset = arguments[3];
        if (call->shape == SHAPE_LENGTH)
            offset = arguments[1];
        if (call->shape == SHAPE_VECTOR || call->shape == SHAPE_VECTOR_AT) {
            record_vectors(thread, call->name, path, offset, flags, arguments[1], arguments[2]);
        } else {
            size_t length = call->shape == SHAPE_WRITE || call->shape == SHAPE_WRITE_AT ? arguments[2] : 0;
            write_begin(call->name, path, offset, flags, length);
            write_bytes(thread, arguments[1], length);
        }
    }
    fputc('\n', record);
}

/* One that changes files, or that a reader of the record wants to see; else NULL. */
static const struct watched *find_watched(const struct __ptrace_syscall_info *info)
{
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        if (watched[i].number != info->entry.nr)
            continue;
        return watched[i].shape == SHAPE_OPEN && !(info->entry.args[2] & O_CREAT) ? NULL : &watched[i];
    }
    return NULL;
}

/* Whether the program was killed. */
static bool on_call(pid_t program, struct thread *thread, uint64_t kill_at, uint64_t *count)
{
    struct __ptrace_syscall_info info;
    const struct watched *call;

    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->id, sizeof(info), &info) <= 0)
        return false; /* it has ended meanwhile */
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread->open_call) {
        fprintf(record, "end\t%llu\t%lld\n", (unsigned long long)thread->open_call,
                (long long)info.exit.rval);
        thread->open_call = 0;
    }
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return false;
    if (is_counting && ++*count == kill_at) {
        kill(program, SIGKILL);
        return true;
    }
    call = find_watched(&info);
    if (call) {
        record_begin(thread->id, call, (const unsigned long long *)info.entry.args);
        thread->open_call = last_call;
    }
    return false;
}

static void go_on(pid_t thread, int status)
{
    int event = status >> 16;
    int number = WSTOPSIG(status);

    if (event == PTRACE_EVENT_STOP &&
        (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU))
        ptrace(PTRACE_LISTEN, thread, 0, 0);
    else
        ptrace(PTRACE_SYSCALL, thread, 0, event || number == (SIGTRAP | 0x80) ? 0 : number);
}

static void watch(pid_t program, uint64_t kill_at)
{
    uint64_t count = 0;
    int status;
    pid_t thread;

    while ((thread = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (thread < 0)
            continue;
        if (!WIFSTOPPED(status)) {
            *find_thread(thread) = threads[thread_count - 1];
            thread_count--;
            continue;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) && on_call(program, find_thread(thread), kill_at, &count))
            continue;
        go_on(thread, status);
    }
    fprintf(record, "counted\t%llu\n", (unsigned long long)count);
    if (fclose(record) != 0)
        die("record");
}

/* In a process of its own; the program goes on once a byte was written. */
static void attach(pid_t program, int go, uint64_t kill_at)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                         PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    int status;

    signal(SIGUSR1, on_signal);
    setsid();
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    fprintf(record, "recorder\t%d\n", (int)getpid());
    fflush(record);
    if (ptrace(PTRACE_SEIZE, program, 0, options) != 0 || ptrace(PTRACE_INTERRUPT, program, 0, 0) != 0 ||
        waitpid(program, &status, __WALL) != program || ptrace(PTRACE_SYSCALL, program, 0, 0) != 0)
        die("ptrace");
    if (write(go, "", 1) != 1)
        die("write");
    close(go);
    watch(program, kill_at);
    exit(0);
}

int main(int argc, char **argv)
{
    pid_t program = getpid();
    pid_t tracer;
    int go[2];
    char byte;

    if (argc < 4) {
        fprintf(stderr, "usage: recorder LOG KILL PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    record = fopen(argv[1], "we");
    if (!record || pipe2(go, O_CLOEXEC) != 0)
        die(argv[1]);
    tracer = fork();
    if (tracer == 0) {
        close(go[0]);
        attach(program, go[1], strtoull(argv[2], NULL, 10));
    }
    /* Where only an ancestor may watch, unless it is allowed to. */
    (void)prctl(PR_SET_PTRACER, tracer, 0, 0, 0);
    close(go[1]);
    if (tracer < 0 || read(go[0], &byte, 1) != 1)
        return 1;
    execvp(argv[3], argv + 3);
    die(argv[3]);
}
