/* Each test gives an identity away for good, so each runs in a child of its own. */
#include "daemon/privileges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define BIND_SERVICE_BIT (UINT64_C(1) << CAP_NET_BIND_SERVICE)

/* The line of /proc/self/status behind the name. */
static void status_line(const char *name, char *out, size_t size)
{
    char line[512];
    FILE *file = fopen("/proc/self/status", "r");
    *out = 0;
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            snprintf(out, size, "%.*s", (int)strcspn(line + strlen(name) + 1, "\n"), line + strlen(name) + 1);
    }
    if (file)
        fclose(file);
}

static uint64_t capabilities(const char *name)
{
    char line[512];
    status_line(name, line, sizeof line);
    return strtoull(line, NULL, 16);
}

static bool has_status(const char *name, const char *expected)
{
    char line[512];
    status_line(name, line, sizeof line);
    if (strcmp(line, expected) == 0)
        return true;
    fprintf(stderr, "%s is \"%s\", not \"%s\"\n", name, line, expected);
    return false;
}

static bool may_bind_low_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_bound = false;
    for (uint16_t port = 600; port < 620 && !is_bound; port++) { /* one that nobody has */
        int descriptor = socket(AF_INET, SOCK_STREAM, 0);
        address.sin_port = htons(port);
        is_bound = bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0;
        close(descriptor);
    }
    return is_bound;
}

/* Runs it in a child; true is what it has to answer. */
static void run_apart(bool (*is_right)(void))
{
    if (geteuid() != 0)
        skip();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(is_right() ? 0 : 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool is_nobody_for_good(void)
{
    return has_status("Uid", "\t65534\t65534\t65534\t65534") &&
           has_status("Gid", "\t65534\t65534\t65534\t65534") && has_status("NoNewPrivs", "\t1") &&
           capabilities("CapInh") == 0 && capabilities("CapAmb") == 0 && setuid(0) != 0 && setgid(0) != 0;
}

static bool drop_keeps_one(void)
{
    struct note note = {""};
    bool had_it = capabilities("CapPrm") & BIND_SERVICE_BIT;
    uint64_t expected = had_it ? BIND_SERVICE_BIT : 0;
    return privileges_drop("nobody", "nogroup", &note) == OK && is_nobody_for_good() &&
           capabilities("CapPrm") == expected && capabilities("CapEff") == expected &&
           (!had_it || may_bind_low_port());
}

/* proves: R23 */
static void test_only_one_capability_stays(void **state)
{
    (void)state;
    run_apart(drop_keeps_one);
}

/* A container that does not give the capability gives others: none of them may stay. */
static bool drop_without_it(void)
{
    struct note note = {""};
    const cap_value_t bind_service = CAP_NET_BIND_SERVICE;
    cap_t now = cap_get_proc();
    cap_set_flag(now, CAP_PERMITTED, 1, &bind_service, CAP_CLEAR);
    cap_set_flag(now, CAP_EFFECTIVE, 1, &bind_service, CAP_CLEAR);
    bool is_set = cap_set_proc(now) == 0;
    cap_free(now);
    return is_set && privileges_drop("nobody", "nogroup", &note) == OK && is_nobody_for_good() &&
           capabilities("CapPrm") == 0 && capabilities("CapEff") == 0;
}

/* proves: R23 */
static void test_without_it_none_stays(void **state)
{
    (void)state;
    run_apart(drop_without_it);
}

/* Not started as root, but with capabilities, as a unit file may give them. */
static bool drop_as_another(void)
{
    struct note note = {""};
    const cap_value_t wanted[] = {CAP_CHOWN, CAP_DAC_OVERRIDE};
    bool is_other = cap_setuid(4711) == 0;
    cap_t now = cap_get_proc();
    cap_set_flag(now, CAP_INHERITABLE, 2, wanted, CAP_SET);
    cap_set_flag(now, CAP_EFFECTIVE, 2, wanted, CAP_SET);
    bool is_set = cap_set_proc(now) == 0 && cap_set_ambient(CAP_CHOWN, CAP_SET) == 0;
    cap_free(now);
    return is_other && is_set && capabilities("CapAmb") != 0 &&
           privileges_drop("no such user", "no such group", &note) == OK && geteuid() == 4711 &&
           (capabilities("CapPrm") & ~BIND_SERVICE_BIT) == 0 && capabilities("CapInh") == 0 &&
           capabilities("CapAmb") == 0 && has_status("NoNewPrivs", "\t1");
}

/* proves: R23 */
static void test_other_users_lose_the_rest_too(void **state)
{
    (void)state;
    run_apart(drop_as_another);
}

static bool drop_to_nothing(void)
{
    static const struct {
        const char *user, *group, *why;
    } CASES[] = {
        {"no-such-user-here", "nogroup", "no user"},
        {"nobody", "no-such-group-here", "no group"},
        {"root", "nogroup", "superuser"},
    };
    bool is_right = true;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct note note = {""};
        is_right &= privileges_drop(CASES[i].user, CASES[i].group, &note) == ERROR_NOT_FOUND &&
                    strstr(note.text, CASES[i].why) != NULL;
    }
    return is_right;
}

/* proves: R23 */
static void test_an_account_that_will_not_do(void **state)
{
    (void)state;
    run_apart(drop_to_nothing);
}

static bool prepare(void)
{
    struct note note = {""};
    struct stat made;
    char folder[] = "/tmp/dr-privileges-XXXXXX", path[64], deep[96];
    bool is_right = mkdtemp(folder) != NULL;
    snprintf(path, sizeof path, "%s/state", folder);
    snprintf(deep, sizeof deep, "%s/none/state", folder);
    is_right &= privileges_prepare_directory(path, 0750, "nobody", "nogroup", &note) == OK &&
                stat(path, &made) == 0 && made.st_uid == 65534 && (made.st_mode & 0777) == 0750;
    is_right &= chown(path, 4711, 4711) == 0 &&
                privileges_prepare_directory(path, 0700, "nobody", "nogroup", &note) == OK &&
                stat(path, &made) == 0 && made.st_uid == 4711 && (made.st_mode & 0777) == 0750;
    is_right &= privileges_prepare_directory(deep, 0750, "nobody", "nogroup", &note) == ERROR_IO &&
                strstr(note.text, deep) != NULL;
    rmdir(path);
    rmdir(folder);
    return is_right;
}

/* What is missing is made for the account; what an administrator made stays as it is. */
static void test_directories(void **state)
{
    (void)state;
    run_apart(prepare);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_one_capability_stays),
        cmocka_unit_test(test_without_it_none_stays),
        cmocka_unit_test(test_other_users_lose_the_rest_too),
        cmocka_unit_test(test_an_account_that_will_not_do),
        cmocka_unit_test(test_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
