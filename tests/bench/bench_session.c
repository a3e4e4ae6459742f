/* room: smtp_server */
/* fakes: organization dialogue */
/* Time a session needs for a small message and for a refused recipient, and what an idle one weighs. No
 * network, no disk: the cost of the session's own code, log lines included. */
#include "base/event.h"
#include "fakes/fake_dialogue.h"
#include "smtp_server/session_internal.h"
#include "unit/smtp_server/smtp_organization.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MESSAGES 40000
#define REFUSALS 200000
#define SESSIONS 10000

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void feed(struct dialogue *dialogue, struct bytes bytes)
{
    stream_memory_feed(dialogue->stream, bytes);
    loop_turn(dialogue->loop);
    buffer_clear(&dialogue->output);
}

static void open_session(struct dialogue *dialogue, const struct organization *organization,
                         const char *client)
{
    dialogue_open(dialogue, organization, client);
    feed(dialogue, BYTES_LITERAL("EHLO x\r\n"));
}

static void time_messages(const struct organization *organization, size_t body_bytes)
{
    static const char envelope[] =
        "MAIL FROM:<a@b.example> SIZE=4096\r\nRCPT TO:<x@fabrikam.com>\r\nDATA\r\n";
    static const char header[] = "From: <a@b.example>\r\nTo: <x@fabrikam.com>\r\nSubject: bench\r\n"
                                 "Date: Sun, 22 Nov 2026 02:45:00 +0000\r\nMessage-ID: <1@b.example>\r\n\r\n";
    struct dialogue dialogue;
    struct buffer content;
    buffer_init(&content, 1u << 20);
    bool is_built = buffer_append_text(&content, header) == OK;
    while (is_built && content.len < body_bytes) {
        is_built = buffer_append_text(
                       &content, "0123456789 0123456789 0123456789 0123456789 0123456789 012345\r\n") == OK;
    }
    is_built = is_built && buffer_append_text(&content, ".\r\n") == OK;
    double spent = 0;
    for (int batch = 0; is_built && batch < 40; batch++) {
        open_session(&dialogue, organization, "10.1.0.5");
        double before = cpu_seconds();
        for (int i = 0; i < MESSAGES / 40; i++) {
            feed(&dialogue, bytes_of_text(envelope));
            feed(&dialogue, buffer_bytes(&content));
            loop_turn(dialogue.loop);
        }
        spent += cpu_seconds() - before;
        if (dialogue_message_count(&dialogue) != MESSAGES / 40) {
            printf("messages are missing\n");
        }
        dialogue_close(&dialogue);
    }
    printf("message of %zu bytes: %.2f us CPU, %.0f/s\n", body_bytes, spent * 1e6 / MESSAGES,
           MESSAGES / spent);
    buffer_done(&content);
}

static void time_refusals(const struct organization *organization)
{
    struct dialogue dialogue;
    struct buffer block;
    buffer_init(&block, 1u << 20);
    for (int i = 0; i < 10; i++) {
        if (buffer_append_text(&block, "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@fabrikam.com>\r\nRSET\r\n") !=
            OK) {
            return;
        }
    }
    open_session(&dialogue, organization, "10.2.0.5");
    double before = cpu_seconds();
    for (int i = 0; i < REFUSALS / 10; i++) {
        feed(&dialogue, buffer_bytes(&block));
    }
    double spent = cpu_seconds() - before;
    printf("MAIL, refused RCPT, RSET: %.2f us CPU\n", spent * 1e6 / REFUSALS);
    dialogue_close(&dialogue);
    buffer_done(&block);
}

static void weigh_sessions(const struct organization *organization)
{
    struct dialogue dialogue;
    dialogue_begin(&dialogue, organization);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < SESSIONS; i++) {
        dialogue_connect(&dialogue, "10.0.0.1:25", "10.1.0.5");
        feed(&dialogue, BYTES_LITERAL("EHLO x\r\n"));
    }
    printf("idle session: %zu bytes with its stream in memory; struct %zu\n",
           (mallinfo2().uordblks - before) / SESSIONS, sizeof(struct smtp_session));
    dialogue_close(&dialogue);
}

int main(void)
{
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    struct dialogue dialogue;
    dialogue_open(&dialogue, organization, "10.1.0.5"); /* silences the log; below it is written for real */
    dialogue_close(&dialogue);
    event_writer_stop(1000);
    if (event_writer_start(open("/dev/null", O_WRONLY), EVENT_JSON, EVENT_INFO) != OK) {
        return 1;
    }
    time_messages(organization, 1024);
    time_messages(organization, 4096);
    time_messages(organization, 16384);
    time_refusals(organization);
    weigh_sessions(organization);
    organization_unref(organization);
    event_writer_stop(1000);
    return 0;
}
