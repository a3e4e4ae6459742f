/* A filter cannot be taken off again, so each test runs in a child of its own. */
#include "daemon/confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What code inside the process might try. Each returns what the call did; 0 or more: it worked. */
static long try_exec(void)
{
    return execl("/bin/true", "true", NULL);
}

static long try_execveat(void)
{
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", (char *[]){"true", NULL}, (char *[]){NULL}, 0);
}

static long try_process(void)
{
    long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        _exit(0);
    return child < 0 ? child : waitpid((pid_t)child, NULL, 0);
}

static long try_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, 0, 0);
}

static long try_other_memory(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long open_socket(int family, int type, int protocol)
{
    int descriptor = socket(family, type, protocol);
    return descriptor < 0 ? descriptor : close(descriptor);
}

static long try_algorithms(void)
{
    return open_socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static long try_virtual_machines(void)
{
    return open_socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long try_bluetooth(void)
{
    return open_socket(AF_BLUETOOTH, SOCK_STREAM, 0);
}

static long try_old_family(void)
{
    return open_socket(AF_AX25, SOCK_DGRAM, 0);
}

static long try_netlink_events(void)
{
    return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
}

static long try_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_namespace(void)
{
    return unshare(CLONE_NEWUSER);
}

static long try_written_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : munmap(page, 4096);
}

static long try_code_of_data(void)
{
    static char page[8192];
    uintptr_t start = ((uintptr_t)page + 4095) & ~(uintptr_t)4095;
    return mprotect((void *)start, 4096, PROT_READ | PROT_EXEC);
}

/* What the daemon and its libraries go on doing. */
static void *do_nothing(void *argument)
{
    return argument;
}

static long start_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, do_nothing, NULL) == 0 ? pthread_join(thread, NULL) : -1;
}

static long open_unix(void)
{
    return open_socket(AF_UNIX, SOCK_STREAM, 0);
}

static long open_ipv4(void)
{
    return open_socket(AF_INET, SOCK_STREAM, 0);
}

static long open_ipv6(void)
{
    long result = open_socket(AF_INET6, SOCK_DGRAM, 0);
    return result < 0 && errno == EAFNOSUPPORT ? 0 : result;
}

static long open_routes(void)
{
    return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static long map_a_library(void)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);
    return close(file) != 0 || code == MAP_FAILED ? -1 : munmap(code, 4096);
}

enum { WORKED = 0, REFUSED = 1, FAILED_OTHERWISE = 2, NO_FILTER = 3 };

static int enter(bool is_sanitized)
{
    struct note note = {0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && confinement_enter(is_sanitized, &note) == OK)
        return 0;
    fprintf(stderr, "%s\n", note.text);
    return NO_FILTER;
}

/* What becomes of the call in a child. */
static int outcome(long (*call)(void), bool is_sanitized)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (enter(is_sanitized) != 0)
            _exit(NO_FILTER);
        _exit(call() >= 0 ? WORKED : errno == EPERM ? REFUSED : FAILED_OTHERWISE);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* proves: R23 A10 */
static void what_an_intruder_wants_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        long (*call)(void);
    } CALLS[] = {{"exec", try_exec},
                 {"execveat", try_execveat},
                 {"process", try_process},
                 {"ptrace", try_ptrace},
                 {"other memory", try_other_memory},
                 {"AF_ALG", try_algorithms},
                 {"AF_VSOCK", try_virtual_machines},
                 {"AF_BLUETOOTH", try_bluetooth},
                 {"AF_AX25", try_old_family},
                 {"netlink events", try_netlink_events},
                 {"io_uring", try_io_uring},
                 {"namespace", try_namespace},
                 {"written code", try_written_code},
                 {"code of data", try_code_of_data}};
    for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++) {
        print_message("%s\n", CALLS[i].name);
        assert_int_equal(outcome(CALLS[i].call, false), REFUSED);
    }
}

/* proves: R23 */
static void what_the_daemon_does_goes_on(void **state)
{
    (void)state;
    static long (*const CALLS[])(void) = {start_thread, open_unix,   open_ipv4,
                                          open_ipv6,    open_routes, map_a_library};
    for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++)
        assert_int_equal(outcome(CALLS[i], false), WORKED);
}

static void sanitizers_get_what_they_need(void **state)
{
    (void)state;
    assert_int_equal(outcome(try_exec, true), WORKED);
    assert_int_equal(outcome(try_process, true), WORKED);
    assert_int_equal(outcome(try_ptrace, true), WORKED);
    assert_int_equal(outcome(try_algorithms, true), REFUSED);
}

static void *exec_in_thread(void *argument)
{
    *(int *)argument = try_exec() < 0 ? errno : 0;
    return NULL;
}

static long exec_in_a_later_thread(void)
{
    pthread_t thread;
    int code = 0;
    if (pthread_create(&thread, NULL, exec_in_thread, &code) != 0 || pthread_join(thread, NULL) != 0)
        return 0;
    errno = code;
    return code ? -1 : 0;
}

static long ask_dumpable(void)
{
    return prctl(PR_GET_DUMPABLE) == 0 ? 0 : -1;
}

/* proves: R23 T11 */
static void it_holds_for_all_threads_and_nobody_may_look_in(void **state)
{
    (void)state;
    assert_int_equal(outcome(exec_in_a_later_thread, false), REFUSED);
    assert_int_equal(outcome(ask_dumpable, false), WORKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_intruder_wants_is_refused),
        cmocka_unit_test(what_the_daemon_does_goes_on),
        cmocka_unit_test(sanitizers_get_what_they_need),
        cmocka_unit_test(it_holds_for_all_threads_and_nobody_may_look_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
