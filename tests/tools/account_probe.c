/* room: auth */
/* Asks a directory for accounts and says as JSON lines what comes of it, for the integration tests.
 *
 *   account_probe [--poll MS] [--ca FILE] [--bind DN PASSWORD] [--base DN] [--login ATTRIBUTE] [--depth N]
 *                 [--limit N] URI
 *
 * Commands on standard input, one a line, fields separated by tabs:
 *   ask NAME KIND TEXT [name-only|path]     KIND: login kerberos ntlm dn sid; renew asks by the id of NAME's
 *   current NAME                            whether the account of NAME is current
 *   pass MS                                 says so when the loop has gone on so long: what was due before is
 * done close An account that was answered is kept under its name until the next of that name. */
#include "auth/accounts.h"
#include "base/buffer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIELDS_MAX 5

struct asked {
    struct account_request request;
    char *name;
    char *text;
    const struct account *account;
    uint64_t began_us;
    struct asked *next;
};

struct probe {
    struct loop *loop;
    struct directory *directory;
    struct accounts_config config;
    struct accounts *accounts;
    struct loop_poll *input;
    struct loop_timer pass;
    struct buffer unread;
    struct asked *asked;
};

static struct probe probe;

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void print_text(const char *key, const char *value)
{
    struct bytes text = bytes_of_text(value);
    printf(",\"%s\":\"", key);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7f)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void end_line(void)
{
    puts("}");
    fflush(stdout);
}

static void print_account(const struct account *account)
{
    char text[SID_TEXT_SIZE];
    print_text("account", account->name);
    print_text("dn", account->dn);
    print_text("display_name", account->display_name);
    printf(",\"addresses\":[null");
    for (size_t i = 0; i < account->address_count; i++) {
        printf(",{\"\":0");
        print_text("address", account->addresses[i]);
        putchar('}');
    }
    printf("],\"sids\":[null");
    for (size_t i = 0; i < account->sid_count; i++) {
        const struct account_sid *sid = &account->sids[i];
        printf(",{\"source\":%d,\"via\":%" PRId64, (int)sid->source, (int64_t)sid->via);
        print_text("sid", sid_format(&sid->sid, text));
        print_text("name", sid->name);
        putchar('}');
    }
    putchar(']');
}

static void on_done(struct account_request *request)
{
    struct asked *asked = list_entry(request, struct asked, request);
    printf("{\"event\":\"answer\",\"us\":%" PRIu64, now_us() - asked->began_us);
    print_text("name", asked->name);
    print_text("error", error_name(request->error));
    print_text("note", request->note.text);
    account_unref(asked->account);
    asked->account = request->account;
    if (request->account)
        print_account(request->account);
    end_line();
}

static struct asked *find(const char *name)
{
    struct asked *asked = probe.asked;
    while (asked && strcmp(asked->name, name) != 0)
        asked = asked->next;
    if (asked)
        return asked;
    asked = calloc(1, sizeof(*asked));
    asked->name = strdup(name);
    asked->next = probe.asked;
    probe.asked = asked;
    return asked;
}

static void ask(struct asked *asked, const char *kind, const char *text, const char *how)
{
    static const char *const kinds[] = {"login", "kerberos", "ntlm", "dn", "sid"};
    free(asked->text);
    asked->text = strdup(text);
    asked->request = (struct account_request){
        .name = bytes_of_text(asked->text),
        .is_name_only = strcmp(how, "name-only") == 0,
        .is_path_wanted = strcmp(how, "path") == 0,
        .on_done = on_done,
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kind, kinds[i]) == 0)
            asked->request.kind = (enum account_name_kind)i;
    if (strcmp(kind, "renew") == 0) {
        asked->request.kind = ACCOUNT_NAME_ID;
        asked->request.name = (struct bytes){(const char *)asked->account->id, 16};
    }
    asked->began_us = now_us();
    accounts_ask(probe.accounts, &asked->request);
}

static void on_closed(void *owner)
{
    (void)owner;
    loop_poll_free(probe.input);
    loop_end(probe.loop);
}

static void on_passed(struct loop_timer *timer)
{
    (void)timer;
    printf("{\"event\":\"passed\"");
    end_line();
}

static void close_all(void)
{
    loop_timer_stop(&probe.pass);
    accounts_stop(probe.accounts);
    probe.accounts = NULL;
    probe.directory->ops->close(probe.directory, on_closed, NULL);
}

static void run_command(struct bytes line)
{
    static char none[] = "";
    char *text = bytes_copy_text(line), *rest = text, *fields[FIELDS_MAX];
    for (size_t i = 0; i < FIELDS_MAX; i++)
        fields[i] = rest ? strsep(&rest, "\t") : none;
    struct asked *asked = find(fields[1]);
    if (strcmp(fields[0], "ask") == 0) {
        ask(asked, fields[2], fields[3], fields[4]);
    } else if (strcmp(fields[0], "current") == 0) {
        bool is_current = asked->account && accounts_is_current(probe.accounts, asked->account);
        printf("{\"event\":\"current\",\"is_current\":%s", is_current ? "true" : "false");
        print_text("name", asked->name);
        end_line();
    } else if (strcmp(fields[0], "pass") == 0) {
        loop_timer_start(&probe.pass, strtoull(fields[1], NULL, 10));
    } else if (strcmp(fields[0], "close") == 0 && probe.accounts) {
        close_all();
    }
    free(text);
}

static void on_input(void *owner, int events)
{
    (void)owner;
    (void)events;
    char data[4096];
    ssize_t count = read(STDIN_FILENO, data, sizeof data);
    if (count == 0) {
        loop_poll_set(probe.input, 0);
        run_command(BYTES_LITERAL("close"));
    }
    if (count <= 0)
        return;
    if (buffer_append(&probe.unread, (struct bytes){data, (size_t)count}) != OK)
        abort();
    struct bytes rest = buffer_bytes(&probe.unread);
    for (size_t end = bytes_find(rest, '\n'); end < rest.len; end = bytes_find(rest, '\n')) {
        run_command(bytes_first(rest, end));
        rest = bytes_skip(rest, end + 1);
    }
    buffer_consume(&probe.unread, probe.unread.len - rest.len);
}

static void on_state(void *owner, bool is_up, const char *why)
{
    (void)owner;
    printf("{\"event\":\"%s\"", is_up ? "up" : "down");
    print_text("why", why);
    end_line();
}

/* How many values the option takes, or -1 when it is none. */
static int read_option(char **arguments, int left, struct directory_config *config)
{
    const char *name = arguments[0], *value = left > 1 ? arguments[1] : NULL;
    if (!value)
        return -1;
    if (strcmp(name, "--poll") == 0)
        config->poll_ms = probe.config.poll_ms = strtoull(value, NULL, 10);
    else if (strcmp(name, "--ca") == 0)
        config->ca_file = value;
    else if (strcmp(name, "--base") == 0)
        probe.config.accounts_base = value;
    else if (strcmp(name, "--login") == 0)
        probe.config.login_attributes[probe.config.login_attribute_count++] = value;
    else if (strcmp(name, "--depth") == 0)
        probe.config.group_depth = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--limit") == 0)
        probe.config.group_limit = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--bind") == 0 && left > 2) {
        config->bind_dn = value;
        config->bind_password = arguments[2];
        return 2;
    } else
        return -1;
    return 1;
}

static int run(const struct directory_config *config)
{
    struct note note = {{0}};
    probe.loop = loop_new("probe", NULL);
    buffer_init(&probe.unread, 1u << 20);
    loop_timer_init(&probe.pass, probe.loop, on_passed);
    if (directory_open(config, probe.loop, &probe.directory, &note) != OK) {
        fprintf(stderr, "%s\n", note.text);
        loop_free(probe.loop);
        return 4;
    }
    probe.directory->on_state = on_state;
    probe.config.directory = probe.directory;
    probe.config.clock = &clock_system;
    if (accounts_start(&probe.config, &probe.accounts, &note) != OK)
        return 3;
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    if (loop_poll_new(probe.loop, STDIN_FILENO, on_input, NULL, &probe.input) != OK)
        return 3;
    loop_poll_set(probe.input, LOOP_READABLE);
    loop_run(probe.loop);
    loop_free(probe.loop);
    buffer_done(&probe.unread);
    while (probe.asked) {
        struct asked *asked = probe.asked;
        probe.asked = asked->next;
        account_unref(asked->account);
        free(asked->name);
        free(asked->text);
        free(asked);
    }
    return 0;
}

int main(int count, char **arguments)
{
    struct directory_config config = {0};
    probe.config.group_depth = 64;
    probe.config.group_limit = 20000;
    for (int i = 1; i < count; i++) {
        int taken = strncmp(arguments[i], "--", 2) == 0 ? read_option(arguments + i, count - i, &config) : 0;
        if (taken < 0) {
            fputs("account_probe: see the head of the source\n", stderr);
            return 2;
        }
        if (taken == 0 && config.uri_count < DIRECTORY_URI_MAX)
            config.uris[config.uri_count++] = arguments[i];
        i += taken;
    }
    directory_prepare_process(NULL);
    return run(&config);
}
