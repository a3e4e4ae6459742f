/* fakes: organization dialogue */
/* BDAT: every octet is counted off, no message without its last chunk, content as it came. */
#include "fakes/fake_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adjusted_session.h"

#define RELAY "10.1.0.5"
#define TO_KATE                                                                                              \
    "C: MAIL FROM:<a@b.example>", "S: 250 2.1.0 Sender OK", "C: RCPT TO:<kate@fabrikam.com>",                \
        "S: 250 2.1.5 Recipient OK"
#define TRACE  "Received: from client.example (10.*) by mx1.contoso.com *; *, * +0000\r\n"
#define FIELDS "Subject: x\r\nMessage-ID: <1@x>\r\nDate: d\r\n\r\n" /* 42 octets */

struct stored {
    struct bytes content; /* on the heap */
    struct envelope envelope;
    bool is_found;
};

static bool take_envelope(void *owner, const struct envelope *envelope)
{
    struct stored *stored = owner;
    stored->envelope = *envelope;
    stored->is_found = true;
    return false;
}

/* The only message of the dialogue's spool; numbers of its envelope count, texts are gone. */
static struct stored take_stored(const struct dialogue *dialogue)
{
    struct stored stored = {0};
    struct spool *spool = dialogue->spool;
    assert_int_equal(spool->ops->each(spool, 0, take_envelope, &stored), OK);
    if (stored.is_found) {
        stored.content = (struct bytes){dialogue_message(dialogue, 0), (size_t)stored.envelope.size_bytes};
    }
    return stored;
}

/* Runs the script in every mode; the message of the last. */
static struct stored run_with(void (*adjust)(struct receive_connector *), const char *client,
                              const char *const *script, size_t expected_count)
{
    struct stored stored = {0};
    for (int mode = DIALOGUE_STEPS; mode <= DIALOGUE_PIPELINED; mode++) {
        struct dialogue dialogue;
        struct organization *organization = open_adjusted(&dialogue, adjust, client);
        free((void *)(uintptr_t)stored.content.ptr);
        dialogue_run(&dialogue, (enum dialogue_mode)mode, script);
        assert_int_equal(dialogue_message_count(&dialogue), expected_count);
        stored = take_stored(&dialogue);
        close_adjusted(&dialogue, organization);
    }
    return stored;
}

static void check(const char *const *script, struct bytes ending, bool is_chunk_only)
{
    struct stored stored = run_with(NULL, RELAY, script, 1);
    assert_true(stored.content.len > ending.len);
    assert_memory_equal(stored.content.ptr + stored.content.len - ending.len, ending.ptr, ending.len);
    assert_int_equal(stored.envelope.is_chunk_only, is_chunk_only);
    assert_true(bytes_find_text(stored.content, "\r\nX-MS-Exchange-Organization-SCL") == stored.content.len);
    assert_true(bytes_find_text(stored.content, "\r\nSubject: x\r\nMessage-ID: ") < stored.content.len ||
                bytes_find_text(stored.content, "\r\nMessage-ID: <") < stored.content.len);
    free((void *)(uintptr_t)stored.content.ptr);
}

static void check_none(const char *const *script)
{
    run_with(NULL, RELAY, script, 0);
}

/* proves: F8 facts-8.2 */
static void chunks_make_one_message(void **state)
{
    (void)state;
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 42\r\n" FIELDS, "S: 250 2.6.0 CHUNK received OK, 42 octets",
                 "C~ bdat 7 last\r\n..\r\n.\r\n",
                 "S: 250 2.6.0 <1@x> [InternalId=*] Queued mail for delivery", GOODBYE),
          BYTES_LITERAL("\r\n\r\n"
                        "..\r\n.\r\n"),
          false);
    /* The block may end in the middle of a chunk, and a chunk in the middle of the block. */
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 5\r\nSubje", "S: 250 2.6.0 CHUNK received OK, 5 octets",
                 "C~ BDAT 0\r\n", "S: 250 2.6.0 CHUNK received OK, 0 octets",
                 "C~ BDAT 39\r\nct: x\r\nMessage-ID: <1@x>\r\nDate: d\r\n\r\nok",
                 "S: 250 2.6.0 CHUNK received OK, 39 octets", "C: BDAT 0 LAST", QUEUED, GOODBYE),
          BYTES_LITERAL("\r\n\r\n"
                        "ok"),
          false);
}

/* proves: F1 F2 F8 */
static void content_is_not_touched(void **state)
{
    (void)state;
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 59 LAST\r\n" FIELDS "a\nb\rc\r\n.\r\nQUIT\n.\n", QUEUED, GOODBYE),
          BYTES_LITERAL("\r\n\r\n"
                        "a\nb\rc\r\n.\r\nQUIT\n.\n"),
          true);
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 45 LAST\r\n" FIELDS "a\r\n", QUEUED, GOODBYE),
          BYTES_LITERAL("\r\n\r\n"
                        "a\r\n"),
          false);
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 43 LAST\r\n" FIELDS "\n", QUEUED, GOODBYE),
          BYTES_LITERAL("\r\n\r\n"
                        "\n"),
          true);
}

/* proves: F8 F15 */
static void a_header_that_ends_with_the_chunk_is_whole(void **state)
{
    (void)state;
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 10 LAST\r\nSubject: x", QUEUED, GOODBYE), BYTES_LITERAL("\r\n\r\n"),
          false);
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 5 LAST\r\nhello", QUEUED, GOODBYE), BYTES_LITERAL("\r\n\r\nhello"),
          false);
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 17 LAST\r\nSubject: x\r\nhello", QUEUED, GOODBYE),
          BYTES_LITERAL("\r\n\r\nhello"), false);
    check(SCRIPT(HELLO, TO_KATE, "C: BDAT 0 LAST", QUEUED, GOODBYE), BYTES_LITERAL("\r\n\r\n"), false);
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 38 LAST\r\nX-MS-Exchange-Organization-SCL: -1\r\n\r\n", QUEUED,
                 GOODBYE),
          BYTES_LITERAL("\r\n\r\n"), false);
}

/* A later parser that ends lines at a lone CR or LF would see fields that the header firewall did not. */
/* proves: F2 F15 */
static void a_header_block_has_sound_line_ends(void **state)
{
    static const struct bytes blocks[] = {
        BYTES_LITERAL("Subject: x\nX-MS-Exchange-Organization-SCL: -1\r\n\r\n"),
        BYTES_LITERAL("Subject: x\rX-MS-Exchange-Organization-SCL: -1\r\n\r\n"),
        BYTES_LITERAL("Subject: x\0\r\n\r\n"),
        BYTES_LITERAL("Subject: x\n\nbody"),
        BYTES_LITERAL("Subject: x\r"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct dialogue dialogue;
        char command[32];
        struct organization *organization = open_adjusted(&dialogue, NULL, RELAY);
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, TO_KATE));
        snprintf(command, sizeof command, "BDAT %zu LAST\r\n", blocks[i].len);
        dialogue_send(&dialogue, bytes_of_text(command));
        dialogue_send(&dialogue, blocks[i]);
        dialogue_run(&dialogue, DIALOGUE_STEPS,
                     SCRIPT("S: 554 5.6.0 Invalid message content", TO_KATE, GOODBYE));
        assert_int_equal(dialogue_message_count(&dialogue), 0);
        close_adjusted(&dialogue, organization);
    }
}

/* What cannot be counted ends the session: its content must not become commands. */
/* proves: F8 F11 */
static void a_size_that_is_none_ends_the_session(void **state)
{
    static const char *const bad[] = {
        "BDAT",
        "BDAT -1",
        "BDAT +5",
        "BDAT 0x10",
        "BDAT 1e3",
        "BDAT 18446744073709551616",
        "BDAT 100000000000000000000",
        "BDAT 5 FIRST",
        "BDAT 5 LAST LAST",
        "BDAT LAST",
        "BDAT 5\tLAST",
        "BDAT 5LAST",
        "BDAT 5,LAST",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "C~ %s\r\nRSET\r\nQUIT\r\n", bad[i]);
        check_none(SCRIPT(HELLO, TO_KATE, line, "S: 501 5.5.4 Invalid arguments", "S: <closed>"));
    }
    check_none(SCRIPT(HELLO, TO_KATE, "C~ BDAT 5\nRSET\r\n", "S: 500 5.5.2 Command lines end with <CRLF>",
                      "S: <closed>"));
    char *line = calloc(1, 4200);
    assert_non_null(line);
    memset(line, '0', 4100);
    memcpy(line, "C~ BDAT ", 8);
    check_none(SCRIPT(HELLO, TO_KATE, line, "S: 500 5.5.2 Command too long", "S: <closed>"));
    free(line);
}

/* proves: F8 */
static void blanks_and_leading_zeros_are_no_matter(void **state)
{
    (void)state;
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT   0000005   LAST  \r\nhello", QUEUED, GOODBYE),
          BYTES_LITERAL("\r\n\r\nhello"), false);
}

/* proves: F8 facts-8.2 */
static void octets_of_a_refused_chunk_are_no_commands(void **state)
{
    (void)state;
    check_none(SCRIPT("S: 220 *", "C~ BDAT 6 LAST\r\nQUIT\r\n", "S: 502 5.3.3 Command not implemented",
                      "C: EHLO x", "S+ 250 *", "C~ BDAT 6 LAST\r\nQUIT\r\n", "S: 503 5.5.2 Need mail command",
                      "C: MAIL FROM:<a@b.example>", "S: 250 *", "C~ BDAT 6 LAST\r\nQUIT\r\n",
                      "S: 503 5.5.2 Need rcpt command", GOODBYE));
    /* After HELO nothing was offered. */
    check_none(SCRIPT("S: 220 *", "C: HELO x", "S: 250 *", TO_KATE, "C~ BDAT 6 LAST\r\nQUIT\r\n",
                      "S: 502 5.3.3 Command not implemented", GOODBYE));
}

/* proves: F8 */
static void between_chunks_only_chunks_go_on(void **state)
{
    (void)state;
    check_none(SCRIPT(HELLO, TO_KATE, "C~ BDAT 1\r\nx", "S: 250 *", "C: DATA",
                      "S: 503 5.5.1 Bad sequence of commands", "C: MAIL FROM:<a@b.example>",
                      "S: 503 5.5.1 Bad sequence of commands", "C: RCPT TO:<kate@fabrikam.com>",
                      "S: 503 5.5.1 Bad sequence of commands", "C: NOOP", "S: 250 2.0.0 OK", "C: RSET",
                      "S: 250 2.0.0 Resetting", "C~ BDAT 1 LAST\r\nx", "S: 503 5.5.2 Need mail command",
                      GOODBYE));
    check_none(SCRIPT(HELLO, TO_KATE, "C~ BDAT 1\r\nx", "S: 250 *", "C: EHLO y", "S+ 250 *",
                      "C~ BDAT 1 LAST\r\nx", "S: 503 5.5.2 Need mail command", GOODBYE));
    check_none(SCRIPT(HELLO, TO_KATE, "C~ BDAT 1\r\nx", "S: 250 *", "C: QUIT", "S: 221 *", "S: <closed>"));
    check_none(SCRIPT(HELLO, TO_KATE, "C: DATA", "S: 354 *", "C: BDAT 1 LAST", "C: RSET", "C~ \r\n.\n\r\n"));
    /* Inside a chunk nothing is a command. */
    check(SCRIPT(HELLO, TO_KATE, "C~ BDAT 15 LAST\r\nx\r\nRSET\r\nQUIT\r\n", QUEUED, GOODBYE),
          BYTES_LITERAL("\r\n\r\nx\r\nRSET\r\nQUIT\r\n"), false);
}

/* proves: F8 */
static void binary_content_needs_bdat(void **state)
{
    (void)state;
    struct stored stored =
        run_with(NULL, RELAY,
                 SCRIPT(HELLO, "C: MAIL FROM:<a@b.example> BODY=BINARYMIME", "S: 250 2.1.0 Sender OK",
                        "C: RCPT TO:<kate@fabrikam.com>", "S: 250 *", "C: DATA",
                        "S: 503 5.5.1 Bad sequence of commands", "C~ BDAT 42\r\n" FIELDS, "S: 250 *",
                        "C~ BDAT 3 LAST\r\n\xff\n\r", QUEUED, GOODBYE),
                 1);
    assert_int_equal(stored.envelope.body, BODY_BINARYMIME);
    assert_true(stored.envelope.is_chunk_only);
    assert_memory_equal(stored.content.ptr + stored.content.len - 3, "\xff\n\r", 3);
    free((void *)(uintptr_t)stored.content.ptr);
}

static void no_binary(struct receive_connector *connector)
{
    connector->protocol_options &= ~(uint32_t)OPTION_BINARYMIME;
}

static void no_chunking(struct receive_connector *connector)
{
    connector->protocol_options &=
        ~(uint32_t)(OPTION_BINARYMIME | OPTION_CHUNKING | OPTION_ENHANCEDSTATUSCODES);
}

static void no_codes(struct receive_connector *connector)
{
    connector->protocol_options &= ~(uint32_t)OPTION_ENHANCEDSTATUSCODES;
}

/* proves: facts-2.3 contract-1 */
static void what_is_not_offered_does_not_work(void **state)
{
    (void)state;
    run_with(no_binary, RELAY,
             SCRIPT("S: 220 *", "C: EHLO x", "S+ 250 *", "C: MAIL FROM:<a@b.example> BODY=BINARYMIME",
                    "S: 501 5.5.4 Unsupported BODY type", GOODBYE),
             0);
    run_with(no_chunking, RELAY,
             SCRIPT("S: 220 *", "C: EHLO x", "S+ 250 *", "C: MAIL FROM:<a@b.example>", "S: 250 Sender OK",
                    "C: RCPT TO:<kate@fabrikam.com>", "S: 250 Recipient OK", "C~ BDAT 6 LAST\r\nQUIT\r\n",
                    "S: 502 Command not implemented", "C: QUIT", "S: 221 *", "S: <closed>"),
             0);
}

/* proves: facts-2.3 facts-8.2 */
static void replies_lose_their_code_by_the_option(void **state)
{
    (void)state;
    struct stored stored =
        run_with(no_codes, RELAY,
                 SCRIPT("S: 220 *", "C: HELO x", "S: 250 *", "C: EHLO x", "S+ 250 *",
                        "C: MAIL FROM:<a@b.example>", "S: 250 Sender OK", "C: RCPT TO:<kate@fabrikam.com>",
                        "S: 250 Recipient OK", "C~ BDAT 1\r\nx", "S: 250 CHUNK received OK, 1 octets",
                        "C: BDAT 0 LAST", "S: 250 <*> [InternalId=*] Queued mail for delivery", "C: QUIT",
                        "S: 221 Service closing transmission channel", "S: <closed>"),
                 1);
    free((void *)(uintptr_t)stored.content.ptr);
}

static void limit_size(struct receive_connector *connector)
{
    connector->max_message_bytes = 100;
    connector->max_header_bytes = 60;
}

#define TOO_LARGE "S: 552 5.3.4 Message size exceeds fixed maximum message size"

/* proves: F8 F9 facts-8.2 */
static void sizes_are_those_of_data(void **state)
{
    (void)state;
    char body[128];
    memset(body, 'b', sizeof body);
    body[70] = '\0';
    char big[160], rest[160];
    snprintf(big, sizeof big, "C~ BDAT 70\r\n%s", body);
    snprintf(rest, sizeof rest, "C~ BDAT 70 LAST\r\n%s", body);
    /* Over the limit across chunks: every chunk is told, then the session goes on. */
    run_with(limit_size, RELAY,
             SCRIPT(HELLO, TO_KATE, "C~ BDAT 2\r\n\r\n", "S: 250 *", big,
                    "S: 250 2.6.0 CHUNK received OK, 70 octets", big, TOO_LARGE, big, TOO_LARGE, rest,
                    TOO_LARGE, "C~ BDAT 1 LAST\r\nx", "S: 503 5.5.2 Need mail command", TO_KATE, GOODBYE),
             0);
    run_with(limit_size, RELAY,
             SCRIPT(HELLO, TO_KATE, big, "S: 552 5.3.4 Header size exceeds fixed maximum size", "C: RSET",
                    "S: 250 *", GOODBYE),
             0);
    run_with(limit_size, RELAY,
             SCRIPT(HELLO, TO_KATE, "C~ BDAT 9223372036854775808 LAST\r\nx", "S: <nothing>"), 0);
}

/* The first octet after a chunk is a command, whatever stands in front of it. */
/* proves: F8 R1 */
static void a_client_that_stops_inside_a_chunk_queues_nothing(void **state)
{
    (void)state;
    run_with(NULL, RELAY,
             SCRIPT(HELLO, TO_KATE, "C~ BDAT 100 LAST\r\nSubject: x\r\n\r\nshort", "S: <nothing>",
                    "T: 600000", "S: 4*", "S: <closed>"),
             0);
}

static void the_spool_refuses(const char *const *script)
{
    for (int mode = DIALOGUE_STEPS; mode <= DIALOGUE_PIPELINED; mode++) {
        struct dialogue dialogue;
        struct organization *organization = open_adjusted(&dialogue, NULL, RELAY);
        spool_memory_fail_commits(dialogue.spool, ERROR_TEMPORARY);
        dialogue_run(&dialogue, (enum dialogue_mode)mode, script);
        assert_int_equal(dialogue_message_count(&dialogue), 0);
        close_adjusted(&dialogue, organization);
    }
}

static void a_message_that_cannot_be_stored_is_not_accepted(void **state)
{
    (void)state;
    the_spool_refuses(SCRIPT(HELLO, TO_KATE, "C~ BDAT 1\r\nx", "S: 250 *", "C~ BDAT 1 LAST\r\nx",
                             "S: 452 4.3.1 Insufficient system resources", TO_KATE, GOODBYE));
}

#define CHUNKED_STREAM                                                                                       \
    "EHLO client.example\r\nMAIL FROM:<a@b.example> BODY=BINARYMIME\r\nRCPT TO:<kate@fabrikam.com>\r\n"      \
    "BDAT 42\r\n" FIELDS "BDAT 11\r\nBDAT 5\r\n.\r\nBDAT 4 LAST\r\n\n\r\0.RSET\r\n"                          \
    "MAIL FROM:<a@b.example>\r\nRCPT TO:<kate@fabrikam.com>\r\nBDAT 3 LAST\r\nx\r\nNOOP\r\n"

/* Sends the stream in pieces of one length; the whole output. */
static struct buffer output_of(struct bytes stream, size_t split, struct bytes *out_first)
{
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, NULL, RELAY);
    struct bytes hello = bytes_first(stream, bytes_find(stream, '\n') + 1);
    dialogue_send(&dialogue, hello);
    for (struct bytes rest = bytes_skip(stream, hello.len); rest.len > 0; rest = bytes_skip(rest, split)) {
        dialogue_send(&dialogue, bytes_first(rest, split));
    }
    assert_int_equal(dialogue_message_count(&dialogue), 2);
    *out_first = take_stored(&dialogue).content;
    struct buffer output = dialogue.output;
    buffer_init(&dialogue.output, 0);
    close_adjusted(&dialogue, organization);
    return output;
}

/* proves: F8 F10 */
static void any_split_gives_the_same_message(void **state)
{
    (void)state;
    struct bytes stream = BYTES_LITERAL(CHUNKED_STREAM), first, again;
    struct buffer whole = output_of(stream, stream.len, &first);
    struct bytes ending = BYTES_LITERAL("\r\n\r\n"
                                        "BDAT 5\r\n.\r\n\n\r\0.");
    assert_memory_equal(first.ptr + first.len - ending.len, ending.ptr, ending.len);
    for (size_t split = 1; split < 120; split++) {
        struct buffer parts = output_of(stream, split, &again);
        assert_true(bytes_equal(buffer_bytes(&whole), buffer_bytes(&parts)));
        assert_true(bytes_equal(first, again));
        buffer_done(&parts);
        free((void *)(uintptr_t)again.ptr);
    }
    buffer_done(&whole);
    free((void *)(uintptr_t)first.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_make_one_message),
        cmocka_unit_test(content_is_not_touched),
        cmocka_unit_test(a_header_that_ends_with_the_chunk_is_whole),
        cmocka_unit_test(a_header_block_has_sound_line_ends),
        cmocka_unit_test(a_size_that_is_none_ends_the_session),
        cmocka_unit_test(blanks_and_leading_zeros_are_no_matter),
        cmocka_unit_test(octets_of_a_refused_chunk_are_no_commands),
        cmocka_unit_test(between_chunks_only_chunks_go_on),
        cmocka_unit_test(binary_content_needs_bdat),
        cmocka_unit_test(what_is_not_offered_does_not_work),
        cmocka_unit_test(replies_lose_their_code_by_the_option),
        cmocka_unit_test(sizes_are_those_of_data),
        cmocka_unit_test(a_client_that_stops_inside_a_chunk_queues_nothing),
        cmocka_unit_test(a_message_that_cannot_be_stored_is_not_accepted),
        cmocka_unit_test(any_split_gives_the_same_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
