/* room: directory */
/* Opens a directory and says as JSON lines what comes of it, for the integration tests.
 *
 *   directory_probe [--poll MS] [--deadline MS] [--probe MS] [--ca FILE] [--bind DN PASSWORD] [--sasl MECH]
 * [--start-tls always|never]
 *                   [--flavor openldap|ad] URI...
 *
 * Commands on standard input, one a line, fields separated by tabs:
 *   watch  NAME BASE FILTER ATTRIBUTES          search NAME BASE SCOPE FILTER ATTRIBUTES DEADLINE_MS
 *   cancel NAME          stop NAME          info          close
 *   block  MS            spin MS           hold the loop, asleep or at work
 * Each line carries gap_ms: the longest time since the last line in which the loop did not turn
 * (lib/loop_witness.h). */
#include "base/buffer.h"
#include "directory/directory.h"
#include "lib/loop_witness.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIELDS_MAX 8
#define BEAT_MS    5

struct question {
    char *fields[FIELDS_MAX];
    char *line;
    char *attributes_text;
    const char *attributes[64];
    struct directory_search search;
    struct directory_watch watch;
    struct question *next;
};

struct probe {
    struct loop *loop;
    struct directory *directory;
    struct loop_timer beat;
    struct loop_poll *input;
    struct buffer unread;
    struct question *questions;
};

static struct probe probe;

static void print_text(const char *key, struct bytes text)
{
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

static void begin_line(const char *event)
{
    printf("{\"event\":\"%s\",\"time_ms\":%" PRIu64 ",\"gap_ms\":%" PRIu64, event,
           clock_monotonic_ms(&clock_system), loop_witness_take_gap_ms());
}

static void end_line(void)
{
    puts("}");
    fflush(stdout);
}

static void on_beat(struct loop_timer *timer)
{
    loop_witness_beat();
    loop_timer_start(timer, BEAT_MS);
}

static void print_id(const uint8_t id[16])
{
    char text[33];
    for (size_t i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    print_text("id", bytes_of_text(text));
}

static void print_entry(const char *name, struct entry *entry)
{
    begin_line("entry");
    print_text("name", bytes_of_text(name));
    print_text("dn", bytes_of_text(entry->dn));
    print_id(entry->id);
    printf(",\"attributes\":{\"\":0");
    for (size_t i = 0; i < entry->attribute_count; i++) {
        const struct attribute *attribute = &entry->attributes[i];
        if (attribute->value_count > 20) {
            printf(",\"%.*s\":%zu", BYTES_ARG(attribute->name), attribute->value_count);
            continue;
        }
        printf(",\"%.*s\":[0", BYTES_ARG(attribute->name));
        for (size_t v = 0; v < attribute->value_count; v++) {
            printf(",{\"len\":%zu", attribute->values[v].len);
            print_text("text", bytes_first(attribute->values[v], 200));
            putchar('}');
        }
        putchar(']');
    }
    putchar('}');
    end_line();
    entry_free(entry);
}

static void on_found(struct directory_search *search, struct entry *entry)
{
    print_entry(list_entry(search, struct question, search)->fields[1], entry);
}

static void on_done(struct directory_search *search, enum error error)
{
    begin_line("done");
    print_text("name", bytes_of_text(list_entry(search, struct question, search)->fields[1]));
    print_text("error", bytes_of_text(error_name(error)));
    end_line();
}

static const char *watch_name(struct directory_watch *watch)
{
    return list_entry(watch, struct question, watch)->fields[1];
}

static void on_entry(struct directory_watch *watch, struct entry *entry)
{
    print_entry(watch_name(watch), entry);
}

static void on_delete(struct directory_watch *watch, const uint8_t id[16])
{
    begin_line("delete");
    print_text("name", bytes_of_text(watch_name(watch)));
    print_id(id);
    end_line();
}

static void on_current(struct directory_watch *watch)
{
    begin_line("current");
    print_text("name", bytes_of_text(watch_name(watch)));
    printf(",\"is_pushed\":%s", watch->is_pushed ? "true" : "false");
    end_line();
}

static void on_lost(struct directory_watch *watch, enum error error, const char *why)
{
    begin_line("lost");
    print_text("name", bytes_of_text(watch_name(watch)));
    print_text("error", bytes_of_text(error_name(error)));
    print_text("why", bytes_of_text(why));
    end_line();
}

static void on_state(void *owner, bool is_up, const char *why)
{
    (void)owner;
    const struct directory_info *info = probe.directory->ops->info(probe.directory);
    begin_line(is_up ? "up" : "down");
    print_text("why", bytes_of_text(why));
    print_text("uri", bytes_of_text(info ? info->uri : ""));
    end_line();
}

static void on_closed(void *owner)
{
    (void)owner;
    begin_line("closed");
    end_line();
    loop_timer_stop(&probe.beat);
    loop_poll_free(probe.input);
    loop_end(probe.loop);
}

static void print_info(void)
{
    const struct directory_info *info = probe.directory->ops->info(probe.directory);
    begin_line("info");
    if (info) {
        printf(",\"flavor\":%d", (int)info->flavor);
        print_text("uri", bytes_of_text(info->uri));
        print_text("configuration_context", bytes_of_text(info->configuration_context));
        print_text("default_context", bytes_of_text(info->default_context));
        printf(",\"naming_context_count\":%zu", info->naming_context_count);
    }
    end_line();
}

static char *field(struct question *question, size_t place)
{
    char *text = question->fields[place];
    return text && *text ? text : NULL;
}

/* "a,b" into the question's array; NULL when the field is empty. */
static const char *const *attributes_of(struct question *question, size_t place)
{
    size_t count = 0;
    if (!field(question, place))
        return NULL;
    for (char *name = strtok_r(field(question, place), ",", &question->attributes_text); name && count < 63;
         name = strtok_r(NULL, ",", &question->attributes_text))
        question->attributes[count++] = name;
    return question->attributes;
}

static void start_watch(struct question *question)
{
    question->watch = (struct directory_watch){
        .base = question->fields[2],
        .filter = field(question, 3),
        .attributes = attributes_of(question, 4),
        .on_entry = on_entry,
        .on_delete = on_delete,
        .on_current = on_current,
        .on_lost = on_lost,
    };
    probe.directory->ops->watch_start(probe.directory, &question->watch);
}

static void start_search(struct question *question)
{
    const char *scope = field(question, 3) ? field(question, 3) : "sub";
    const char *deadline = field(question, 6);
    question->search = (struct directory_search){
        .base = question->fields[2],
        .scope = *scope == 'b'   ? SCOPE_BASE
                 : *scope == 'o' ? SCOPE_ONE
                                 : SCOPE_SUBTREE,
        .filter = field(question, 4),
        .attributes = attributes_of(question, 5),
        .deadline_ms = deadline ? strtoull(deadline, NULL, 10) : 0,
        .on_entry = on_found,
        .on_done = on_done,
    };
    probe.directory->ops->search(probe.directory, &question->search);
}

static struct question *find_question(const char *name)
{
    struct question *question = probe.questions;
    while (question && (strcmp(question->fields[0], "cancel") == 0 ||
                        strcmp(question->fields[0], "stop") == 0 || strcmp(question->fields[1], name) != 0))
        question = question->next;
    return question;
}

/* What no loop may do, so that the tests can see that it is found out. */
static void hold_loop(bool is_asleep, long wait_ms)
{
    const struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    if (is_asleep)
        nanosleep(&wait, NULL);
    for (clock_t end = clock() + wait_ms * CLOCKS_PER_SEC / 1000; !is_asleep && clock() < end;)
        continue;
    print_info();
}

static void run_command(struct bytes line)
{
    static char none[] = "";
    struct question *question = calloc(1, sizeof *question);
    question->line = bytes_copy_text(line);
    char *rest = question->line;
    for (size_t i = 0; i < FIELDS_MAX; i++)
        question->fields[i] = rest ? strsep(&rest, "\t") : none;
    const char *verb = question->fields[0];
    struct question *other = find_question(question->fields[1]);
    question->next = probe.questions;
    probe.questions = question;
    if (strcmp(verb, "watch") == 0)
        start_watch(question);
    else if (strcmp(verb, "search") == 0)
        start_search(question);
    else if (strcmp(verb, "cancel") == 0 && other)
        probe.directory->ops->search_cancel(&other->search);
    else if (strcmp(verb, "stop") == 0 && other)
        probe.directory->ops->watch_stop(&other->watch);
    else if (strcmp(verb, "info") == 0)
        print_info();
    else if (strcmp(verb, "block") == 0 || strcmp(verb, "spin") == 0)
        hold_loop(strcmp(verb, "block") == 0, strtol(question->fields[1], NULL, 10));
    else if (strcmp(verb, "close") == 0)
        probe.directory->ops->close(probe.directory, on_closed, NULL);
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

static int usage(void)
{
    fputs("directory_probe: see the head of the source\n", stderr);
    return 2;
}

/* How many values the option takes, or -1 when it is none. */
static int read_option(char **arguments, int left, struct directory_config *config)
{
    const char *name = arguments[0], *value = left > 1 ? arguments[1] : NULL;
    if (!value)
        return -1;
    if (strcmp(name, "--poll") == 0)
        config->poll_ms = strtoull(value, NULL, 10);
    else if (strcmp(name, "--deadline") == 0)
        config->operation_deadline_ms = strtoull(value, NULL, 10);
    else if (strcmp(name, "--probe") == 0)
        config->probe_ms = strtoull(value, NULL, 10);
    else if (strcmp(name, "--ca") == 0)
        config->ca_file = value;
    else if (strcmp(name, "--sasl") == 0)
        config->sasl_mech = value;
    else if (strcmp(name, "--flavor") == 0)
        config->flavor = strcmp(value, "ad") == 0 ? FLAVOR_AD : FLAVOR_OPENLDAP;
    else if (strcmp(name, "--start-tls") == 0)
        *(strcmp(value, "always") == 0 ? &config->start_tls_always : &config->start_tls_never) = true;
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
    if (directory_open(config, probe.loop, &probe.directory, &note) != OK) {
        fprintf(stderr, "%s\n", note.text);
        loop_free(probe.loop);
        return 4;
    }
    probe.directory->on_state = on_state;
    loop_timer_init(&probe.beat, probe.loop, on_beat);
    loop_witness_start();
    loop_timer_start(&probe.beat, BEAT_MS);
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    if (loop_poll_new(probe.loop, STDIN_FILENO, on_input, NULL, &probe.input) != OK)
        return 3;
    loop_poll_set(probe.input, LOOP_READABLE);
    loop_run(probe.loop);
    loop_free(probe.loop);
    buffer_done(&probe.unread);
    while (probe.questions) {
        struct question *question = probe.questions;
        probe.questions = question->next;
        free(question->line);
        free(question);
    }
    return 0;
}

int main(int count, char **arguments)
{
    struct directory_config config = {0};
    for (int i = 1; i < count; i++) {
        if (strncmp(arguments[i], "--", 2) == 0) {
            int taken = read_option(arguments + i, count - i, &config);
            if (taken < 0)
                return usage();
            i += taken;
        } else if (config.uri_count < DIRECTORY_URI_MAX) {
            config.uris[config.uri_count++] = arguments[i];
        }
    }
    return config.uri_count > 0 ? run(&config) : usage();
}
