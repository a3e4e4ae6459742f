#include "daemon/confinement.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Always, whatever the arguments. */
static const int denied[] = {
    /* others' memory and descriptors */
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(process_madvise),
    /* large parts of the kernel that nobody here asks for */
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    /* another view of the machine */
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(chroot),
    SCMP_SYS(pivot_root),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(open_by_handle_at),
    /* the machine */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
};

/* What a sanitizer's run-time needs. */
static const int denied_unless_sanitized[] = {
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(fork), SCMP_SYS(vfork),
};

static const int socket_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

static int deny(scmp_filter_ctx filter, int call)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
}

static int deny_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1, condition);
}

/* The library's macros leave the second datum to the compiler, which clang takes amiss. */
static struct scmp_arg_cmp compare(unsigned argument, enum scmp_compare how, scmp_datum_t datum)
{
    return (struct scmp_arg_cmp){.arg = argument, .op = how, .datum_a = datum};
}

static struct scmp_arg_cmp has_bits(unsigned argument, scmp_datum_t bits)
{
    return (struct scmp_arg_cmp){argument, SCMP_CMP_MASKED_EQ, bits, bits};
}

static int deny_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int code = 0;
    for (size_t i = 0; !code && i < count; i++)
        code = deny(filter, calls[i]);
    return code;
}

static bool is_needed_family(int family)
{
    for (size_t i = 0; i < LENGTH(socket_families); i++) {
        if (socket_families[i] == family)
            return true;
    }
    return false;
}

static int deny_families(scmp_filter_ctx filter)
{
    int code = deny_if(filter, SCMP_SYS(socket), compare(0, SCMP_CMP_GT, AF_NETLINK));
    for (int family = 0; !code && family < AF_NETLINK; family++) {
        if (!is_needed_family(family))
            code = deny_if(filter, SCMP_SYS(socket), compare(0, SCMP_CMP_EQ, (scmp_datum_t)family));
    }
    if (code)
        return code;
    /* Of netlink the routes alone, by which libraries learn the addresses of this machine. */
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2,
                            compare(0, SCMP_CMP_EQ, AF_NETLINK), compare(2, SCMP_CMP_NE, NETLINK_ROUTE));
}

/* Code comes from files that a linker maps, and from nowhere else. */
static int deny_new_code(scmp_filter_ctx filter)
{
    int code = deny_if(filter, SCMP_SYS(mmap), has_bits(2, PROT_WRITE | PROT_EXEC));
    if (!code)
        code = deny_if(filter, SCMP_SYS(mprotect), has_bits(2, PROT_EXEC));
    return code ? code : deny_if(filter, SCMP_SYS(pkey_mprotect), has_bits(2, PROT_EXEC));
}

/* Threads, and no processes. clone3 hides its flags in memory: without it the C library takes clone. */
static int deny_processes(scmp_filter_ctx filter)
{
    int code =
        deny_if(filter, SCMP_SYS(clone), (struct scmp_arg_cmp){0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0});
    return code ? code : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int fill(scmp_filter_ctx filter, bool is_sanitized)
{
    /* Threads that a sanitizer began before us are meant too. */
    int code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!code) /* a tree: it is asked at every call where the kernel does not remember its answers */
        code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (!code)
        code = deny_all(filter, denied, LENGTH(denied));
    if (!code)
        code = deny_families(filter);
    if (!code)
        code = deny_new_code(filter);
    if (!code && !is_sanitized)
        code = deny_all(filter, denied_unless_sanitized, LENGTH(denied_unless_sanitized));
    if (!code && !is_sanitized)
        code = deny_processes(filter);
    return code;
}

static enum error failed(struct note *note, const char *call, int code)
{
    note_set(note, "%s: %s", call, strerror(code));
    return ERROR_IO;
}

enum error confinement_enter(bool is_sanitized, struct note *note)
{
    scmp_filter_ctx filter;
    int code;

    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return failed(note, "prctl(PR_SET_DUMPABLE)", errno);
    filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return failed(note, "seccomp_init", ENOMEM);
    code = fill(filter, is_sanitized);
    if (!code)
        code = seccomp_load(filter);
    seccomp_release(filter);
    return code ? failed(note, "seccomp", -code) : OK;
}
