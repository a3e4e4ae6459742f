/* room: cli */
/* fakes: organization dialogue */
/* The five paths whose instructions tests/bench/hot_paths.py counts:
 *
 *   valgrind --tool=callgrind --instr-atstart=no bench_hot_paths FILE.ldif DIRECTORY
 *
 * FILE holds many connectors (tests/bench/bench_connectors.c), DIRECTORY is for a spool. Prints the rounds of
 * each path; its instructions stand in a dump of its name. Everything happens one after the other, so that
 * the counts do not depend on the machine. */
#include "base/event.h"
#include "bench/organization_file.h"
#include "fakes/fake_dialogue.h"
#include "lib/loop_wait.h"
#include "organization/connector_match.h"
#include "policy/header_firewall.h"
#include "queue/spool.h"
#include "security/access_check.h"
#include "unit/smtp_server/smtp_organization.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/callgrind.h>

#define ACES         30
#define SIDS         20
#define MESSAGE_SIZE 4096

static struct dialogue dialogue;
static const char *connectors_path, *spool_path;

/* -- a session: accept and queue 4 KiB, refuse a recipient -- */

static struct organization *organization;
static struct spool *memory_spool;
static struct buffer message;

static void say_until(struct bytes bytes, const char *answer)
{
    buffer_clear(&dialogue.output);
    stream_memory_feed(dialogue.stream, bytes);
    loop_turn(dialogue.loop);
    while (!dialogue.output.len || !memmem(dialogue.output.ptr, dialogue.output.len, answer, strlen(answer)))
        loop_wait(dialogue.loop);
}

static void open_session(const char *client)
{
    organization = smtp_organization(PERMISSION_MODEL_2010);
    dialogue_open(&dialogue, organization, client);
    dialogue_settle(&dialogue);
    say_until(BYTES_LITERAL("EHLO client.example\r\n"), "250 ");
}

static void close_session(void)
{
    dialogue_close(&dialogue);
    organization_unref(organization);
}

static void open_accept(void)
{
    const struct spool_config config = {
        .directory = spool_path, .map_bytes = 1u << 30, .clock = &clock_system};
    struct note note = {0};
    open_session("10.1.0.5");
    memory_spool = dialogue.spool;
    if (spool_open(&config, &dialogue.spool, &note) != OK) {
        fprintf(stderr, "%s\n", note.text);
        exit(1);
    }
    dialogue.service.spool = dialogue.spool;
    buffer_init(&message, 1u << 20);
    bool is_built =
        buffer_append_text(&message, "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@fabrikam.com>\r\nDATA\r\n"
                                     "From: <a@b.example>\r\nTo: <x@fabrikam.com>\r\nSubject: bench\r\n"
                                     "Date: Sun, 22 Nov 2026 02:45:00 +0000\r\n"
                                     "Message-ID: <1@b.example>\r\n\r\n") == OK;
    while (is_built && message.len < MESSAGE_SIZE)
        is_built =
            buffer_append_text(&message, "0123456789 0123456789 0123456789 0123456789 012345\r\n") == OK;
    if (!is_built || buffer_append_text(&message, ".\r\n") != OK)
        exit(1);
}

static void run_accept(void)
{
    struct bytes all = buffer_bytes(&message);
    size_t command_len = (size_t)((char *)memmem(all.ptr, all.len, "From: ", 6) - all.ptr);
    say_until(bytes_first(all, command_len), "354 ");
    say_until(bytes_skip(all, command_len), "Queued mail for delivery");
}

static void close_accept(void)
{
    struct spool *durable = dialogue.spool;
    dialogue.spool = memory_spool;
    buffer_done(&message);
    close_session();
    durable->ops->close(durable);
}

static void open_refusal(void)
{
    open_session("10.2.0.5");
}

static void run_refusal(void)
{
    say_until(BYTES_LITERAL("MAIL FROM:<a@b.example>\r\nRCPT TO:<x@fabrikam.com>\r\nRSET\r\n"), "250 2.0.0");
}

/* -- the DACL walk: none of the trustees is in the token, so that every ACE is looked at -- */

static struct ace aces[ACES];
static struct token *token;
static uint32_t granted;

static struct sid user(uint32_t rid)
{
    return (struct sid){5, 5, {21, 3141592653, 2718281828, 1414213562, rid}};
}

static void open_access(void)
{
    struct sid sids[SIDS];
    for (uint32_t i = 0; i < SIDS; i++)
        sids[i] = user(1000 + i);
    token = token_new(sids, NULL, SIDS);
    for (uint32_t i = 0; i < ACES; i++)
        aces[i] = (struct ace){.type = i % 10 == 9 ? ACE_DENY_OBJECT : ACE_ALLOW_OBJECT,
                               .mask = ACE_MASK_CONTROL_ACCESS,
                               .has_object_type = true,
                               .object_type = right_row((enum right)(i % (RIGHT_COUNT - 1)))->guid,
                               .sid = user(100000 + i)};
}

static void run_access(void)
{
    const struct acl dacl = {.state = ACL_PRESENT, .revision = ACL_REVISION_DS, .count = ACES, .aces = aces};
    struct access_result result;
    access_check(&dacl, token, &result);
    granted |= result.granted;
}

static void close_access(void)
{
    token_unref(token);
}

/* -- the header firewall: three Received lines stay, three fields of Exchange go -- */

static const char HEADER[] =
    "Received: from mail.b.example (192.0.2.1) by mx1.contoso.com (10.0.0.1) with Microsoft SMTP Server\r\n"
    " id 15.1.2507.6; Sun, 22 Nov 2026 02:45:00 +0000\r\n"
    "Received: from client.b.example (192.0.2.7) by mail.b.example with ESMTP id 1; Sun, 22 Nov 2026 "
    "02:44:59 +0000\r\n"
    "Received: by client.b.example with local id 2; Sun, 22 Nov 2026 02:44:58 +0000\r\n"
    "X-MS-Exchange-Organization-SCL: -1\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\n"
    "X-MS-Exchange-Forest-RulesExecuted: mail\r\nFrom: Ann <a@b.example>\r\nTo: Kate <kate@fabrikam.com>,\r\n"
    " Bob <bob@fabrikam.com>\r\nSubject: A subject of usual length\r\nDate: Sun, 22 Nov 2026 02:44:58 "
    "+0000\r\n"
    "Message-ID: <1@b.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\nX-Mailer: bench\r\n\r\n";
static struct buffer filtered;

static void open_firewall(void)
{
    buffer_init(&filtered, 1u << 20);
}

static void run_firewall(void)
{
    size_t removed;
    buffer_clear(&filtered);
    if (header_firewall_inbound(bytes_of_text(HEADER), RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ROUTING), &filtered,
                                &removed) != OK ||
        removed != 3)
        exit(1);
}

static void close_firewall(void)
{
    buffer_done(&filtered);
}

/* -- the match: 1,000 connectors of 100 ranges -- */

static const struct organization *many;
static uint32_t client_number;

static void open_match(void)
{
    many = organization_of_file(connectors_path, "Mailbox01");
}

static void run_match(void)
{
    const struct ip_address client = next_client(&client_number);
    (void)connector_match(many, &SERVER_ENDPOINT, &client);
}

static void close_match(void)
{
    organization_unref(many);
}

/* -- counting -- */

static const struct path {
    const char *name;
    unsigned rounds;
    void (*open)(void);
    void (*run)(void);
    void (*close)(void);
} PATHS[] = {
    {"accept-and-queue-4k", 200, open_accept, run_accept, close_accept},
    {"refused-rcpt", 500, open_refusal, run_refusal, close_session},
    {"dacl-check", 1000, open_access, run_access, close_access},
    {"header-firewall", 1000, open_firewall, run_firewall, close_firewall},
    {"connector-match", 1000, open_match, run_match, close_match},
};

static void count(const struct path *path)
{
    path->open();
    for (unsigned i = 0; i < 10; i++) /* what is done once is done */
        path->run();
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    for (unsigned i = 0; i < path->rounds; i++)
        path->run();
    CALLGRIND_DUMP_STATS_AT(path->name);
    CALLGRIND_STOP_INSTRUMENTATION;
    path->close();
    printf("%s %u\n", path->name, path->rounds);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "bench_hot_paths FILE.ldif DIRECTORY\n");
        return 2;
    }
    connectors_path = argv[1];
    spool_path = argv[2];
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++)
        count(&PATHS[i]);
    return 0;
}
