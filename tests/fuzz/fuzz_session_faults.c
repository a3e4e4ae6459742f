/* room: smtp_server */
/* fakes: organization dialogue authenticator */
/* Whole sessions whose client waits for each reply, cut anywhere, while things fail around them: the spool is
 * full, degraded or cannot commit, the directory is away, the organization changes, time passes, the client
 * goes.
 *
 * The input is read as a play: a byte chooses what happens next, the following ones how. Properties:
 *   - each command gets one reply, a message one behind its end, and nothing is said unasked but a goodbye;
 *   - the spool has one message for each 250 behind an end, and for nothing else but an end whose reply was
 * cut off;
 *   - nobody relays, submits or is anybody whom the organization in force does not let: see may_* below. */
#include "unit/smtp_server/auth_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 48
/* Below every time-out of a session, and above every wait for a reply. */
#define WAIT_MS 100
#define WAITS   80

enum client { CLIENT_USERS, CLIENT_ANONYMOUS, CLIENT_PLAIN, CLIENT_SERVERS, CLIENT_COUNT };

static const char *const addresses[CLIENT_COUNT] = {"10.1.0.5", "10.3.0.5", "10.4.0.5", "10.5.0.5"};

static const char *const commands[] = {
    "EHLO client.example",
    "HELO client.example",
    "MAIL FROM:<a@b.example>",
    "MAIL FROM:<>",
    "MAIL FROM:<alice@contoso.com>",
    "MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME",
    "RCPT TO:<kate@fabrikam.com>",
    "RCPT TO:<kate@contoso.com>",
    "RCPT TO:<postmaster>",
    "RCPT TO:<@fabrikam.com:kate@contoso.com>",
    "RCPT TO:<kate%fabrikam.com@contoso.com>",
    "DATA",
    "BDAT 0",
    "RSET",
    "NOOP",
    "VRFY kate",
    "HELP",
    "AUTH PLAIN " ALICE_PLAIN,
    "AUTH PLAIN " ALICE_WRONG,
    "AUTH PLAIN " BOB_PLAIN,
    "AUTH PLAIN " GUEST_PLAIN,
    "AUTH PLAIN " AWAY_PLAIN,
    "AUTH LOGIN",
    "XEXCH50 10 2",
    "NONSENSE",
};

struct play {
    struct bytes script;
    struct dialogue dialogue;
    struct fake_authenticator authenticator;
    struct organization *organizations[2]; /* with relay for a group, and without */
    enum client client;
    size_t accepted; /* 250s behind an end */
    unsigned organization_index;
    unsigned transaction_index; /* of the organization that the open transaction began under, and keeps */
    bool is_alice;              /* proven in this session, by what the authenticator says */
    bool may_have_one_more;     /* the client went when an end had been sent */
};

static uint8_t next_byte(struct play *play)
{
    uint8_t byte = play->script.len > 0 ? (uint8_t)play->script.ptr[0] : 0;
    play->script = bytes_skip(play->script, 1);
    return byte;
}

/* -- what the client hears -- */

struct answer {
    unsigned code; /* 0: the session closed without one */
    char last[128];
};

/* Takes one whole reply off the output; false: there is none. */
static bool take_reply(struct play *play, struct answer *out)
{
    struct bytes rest = buffer_bytes(&play->dialogue.output);
    size_t taken = 0;
    for (;;) {
        size_t end = bytes_find_text(rest, "\r\n");
        if (end == rest.len)
            return false;
        assert(end >= 4 && rest.ptr[0] >= '2' && rest.ptr[0] <= '5');
        taken += end + 2;
        if (rest.ptr[3] == ' ') {
            out->code = (unsigned)strtoul(rest.ptr, NULL, 10);
            snprintf(out->last, sizeof out->last, "%.*s", (int)end, rest.ptr);
            buffer_consume(&play->dialogue.output, taken);
            return true;
        }
        assert(rest.ptr[3] == '-');
        rest = bytes_skip(rest, end + 2);
    }
}

/* The one reply that is owed; none may follow it but the last words of a session that ends. */
static struct answer hear(struct play *play)
{
    struct answer reply = {0}, goodbye;
    for (int i = 0; i < WAITS && !take_reply(play, &reply); i++) {
        if (dialogue_is_closed(&play->dialogue)) {
            assert(play->dialogue.output.len == 0);
            return reply;
        }
        dialogue_advance(&play->dialogue, WAIT_MS);
    }
    assert(reply.code != 0); /* a command without a reply */
    if (take_reply(play, &goodbye))
        assert(dialogue_is_closed(&play->dialogue) && (goodbye.code == 421 || goodbye.code == 451));
    assert(play->dialogue.output.len == 0);
    return reply;
}

/* -- what it says -- */

/* In pieces that the script cuts. */
static void say(struct play *play, struct bytes text)
{
    while (text.len > 0 && !dialogue_is_closed(&play->dialogue)) {
        size_t length = next_byte(play) % 64u;
        struct bytes piece = bytes_first(text, length == 0 ? text.len : length);
        dialogue_send(&play->dialogue, piece);
        text = bytes_skip(text, piece.len);
    }
}

static struct answer ask(struct play *play, const char *line)
{
    say(play, bytes_of_text(line));
    say(play, BYTES_LITERAL("\r\n"));
    return hear(play);
}

/* -- what it may -- */

static bool may_relay(const struct play *play)
{
    return play->client == CLIENT_USERS && play->is_alice && play->transaction_index == 0;
}

static bool is_foreign(const char *command)
{
    return strcmp(command, "RCPT TO:<kate@fabrikam.com>") == 0;
}

static void check_rights(struct play *play, const char *command, const struct answer *reply)
{
    if (reply->code == 235)
        play->is_alice = play->authenticator.done_count > 0 && strstr(command, ALICE_PLAIN) != NULL;
    if (bytes_starts_nocase(bytes_of_text(command), "RCPT") && reply->code == 250)
        assert(!is_foreign(command) || may_relay(play));
    if (bytes_starts_nocase(bytes_of_text(command), "MAIL") && reply->code == 250) {
        assert(play->client != CLIENT_SERVERS);
        play->transaction_index = play->organization_index;
    }
}

/* -- steps -- */

static void end_message(struct play *play, const struct answer *reply)
{
    if (reply->code == 250)
        play->accepted++;
    assert(reply->code != 250 || strstr(reply->last, "Queued mail for delivery"));
    /* It was cut off: the message may be there all the same. */
    play->may_have_one_more |= reply->code == 0;
}

static void send_content(struct play *play)
{
    struct buffer text;
    struct answer reply;
    buffer_init(&text, 4096);
    if (buffer_append_text(&text, "Subject: x\r\n") ||
        (next_byte(play) % 2 && buffer_append_text(&text, "From: <alice@contoso.com>\r\n")) ||
        buffer_append_text(&text, next_byte(play) % 4 ? "\r\n.." : "no header\r\n") ||
        buffer_append(&text, bytes_first(play->script, next_byte(play))))
        abort();
    /* What the script says must not end it. */
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' && i > 0 && text.ptr[i - 1] == '\n')
            text.ptr[i] = 'x';
    }
    if (buffer_append_text(&text, "\r\n.\r\n"))
        abort();
    say(play, buffer_bytes(&text));
    buffer_done(&text);
    reply = hear(play);
    end_message(play, &reply);
}

static void step_command(struct play *play)
{
    const char *command = commands[next_byte(play) % (sizeof commands / sizeof commands[0])];
    struct answer reply = ask(play, command);
    check_rights(play, command, &reply);
    while (reply.code == 334)
        reply = ask(play, next_byte(play) % 3 ? ALICE : "*");
    if (reply.code == 354 && strcmp(command, "DATA") == 0)
        send_content(play);
    else if (reply.code == 354) /* XEXCH50: so many octets, no reply before they came */
        reply = ask(play, "12345678");
}

static void step_chunk(struct play *play)
{
    char command[32];
    size_t size = next_byte(play);
    bool is_last = next_byte(play) % 2;
    struct buffer chunk;
    struct answer reply;
    snprintf(command, sizeof command, "BDAT %zu%s\r\n", size, is_last ? " LAST" : "");
    buffer_init(&chunk, 512);
    if (buffer_append_text(&chunk, command) || buffer_append(&chunk, bytes_first(play->script, size)))
        abort();
    while (chunk.len < strlen(command) + size) {
        if (buffer_append_text(&chunk, "\n"))
            abort();
    }
    say(play, buffer_bytes(&chunk));
    buffer_done(&chunk);
    reply = hear(play);
    if (is_last && (reply.code == 0 || strstr(reply.last, "Queued mail")))
        end_message(play, &reply);
}

static void step_fault(struct play *play)
{
    static const enum spool_health healths[] = {SPOOL_READY, SPOOL_FULL, SPOOL_DEGRADED, SPOOL_READY};
    uint8_t how = next_byte(play);
    switch (how % 6) {
    case 0:
        spool_memory_set_health(play->dialogue.spool, healths[how / 6 % 4]);
        break;
    case 1:
        spool_memory_fail_commits(play->dialogue.spool, how & 64 ? ERROR_IO : OK);
        break;
    case 2:
        play->organization_index = how / 6 % 2;
        smtp_service_set_organization(&play->dialogue.service, play->organizations[play->organization_index]);
        dialogue_settle(&play->dialogue);
        break;
    case 3:
        play->authenticator.is_stale = how & 64;
        play->authenticator.renewal = how & 128 ? AUTH_STEP_UNAVAILABLE : AUTH_STEP_CHALLENGE;
        break;
    case 4:
        dialogue_advance(&play->dialogue, (uint64_t)how * 1000);
        break;
    case 5:
        stream_memory_hang_up(play->dialogue.stream);
        dialogue_settle(&play->dialogue);
        break;
    }
    play->dialogue.output.len = dialogue_is_closed(&play->dialogue) ? 0 : play->dialogue.output.len;
    assert(play->dialogue.output.len == 0); /* nothing is said unasked to who stays */
}

static void run(struct play *play)
{
    struct answer greeting;
    play->client = next_byte(play) % CLIENT_COUNT;
    dialogue_begin(&play->dialogue, play->organizations[0]);
    play->dialogue.service.has_no_tarpit = true;
    fake_authenticator_init(&play->authenticator, people);
    play->dialogue.service.authenticator = &play->authenticator.face;
    dialogue_connect(&play->dialogue, "10.0.0.1:25", addresses[play->client]);
    greeting = hear(play);
    assert(greeting.code == 220);
    for (int i = 0; i < STEPS_MAX && play->script.len > 0 && !dialogue_is_closed(&play->dialogue); i++) {
        uint8_t what = next_byte(play) % 8;
        if (what < 6)
            step_command(play);
        else if (what == 6)
            step_chunk(play);
        else
            step_fault(play);
        size_t stored = dialogue_message_count(&play->dialogue);
        assert(stored == play->accepted || (play->may_have_one_more && stored == play->accepted + 1));
    }
    smtp_service_abort_all(&play->dialogue.service);
    dialogue_settle(&play->dialogue);
    fake_authenticator_release(&play->authenticator);
    dialogue_close(&play->dialogue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct organization *with_relay, *without;
    if (with_relay == NULL) {
        with_relay = auth_organization(RELAY_FOR_GROUP);
        without = auth_organization("");
    }
    struct play play = {.script = {(const char *)data, size}, .organizations = {with_relay, without}};
    run(&play);
    return 0;
}
