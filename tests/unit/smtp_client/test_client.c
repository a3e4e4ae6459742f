/* fakes: hop tls */
/* Whole outbound sessions against a scripted hop. Each scenario runs as it stands, byte by byte, and cut
 * after every byte the hop says (see fake_hop.h). */
#include "fakes/fake_hop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GREETED    "S: 220 hop ESMTP", "C: EHLO mx1.contoso.com", "C: <nothing>"
/* Hops that offer everything, and nothing. */
#define RICH                                                                                                 \
    GREETED, "S: 250-hop greets you", "S: 250-PIPELINING", "S: 250-size 1000", "S: 250-XTRA",                \
        "S: 250 8bitmime", "E: ready"
#define POOR    GREETED, "S: 250 hop", "E: ready"
#define GOODBYE "A: quit", "C: QUIT", "S: 221 2.0.0 bye", "E: closed 221 2.0.0 bye"
#define DROPPED "421 4.4.2 Connection dropped"
#define LATE    "421 4.4.1 Connection timed out"
#define BROKEN  "421 4.4.0 Remote server response was not RFC conformant"

#define MESSAGE                                                                                              \
    {                                                                                                        \
        .sender = "chris@contoso.com", .recipients = {"kate@fabrikam.com"}, .size_bytes = 100,               \
        .content = "Subject: Test\r\n\r\n.dot\r\n"                                                           \
    }
#define TWO                                                                                                  \
    {                                                                                                        \
        .sender = "chris@contoso.com", .recipients = {"kate@fabrikam.com", "bob@fabrikam.com"},              \
        .size_bytes = 100, .content = "Subject: Test\r\n\r\nx\r\n"                                           \
    }
#define CONTENT "C: Subject: Test", "C: ", "C: ..dot", "C: ."

/* What a hop hears: the rich one at once, the poor one line by line. */
#define MAIL      "C: MAIL FROM:<chris@contoso.com>"
#define MAIL_SIZE "C: MAIL FROM:<chris@contoso.com> SIZE=100"
#define KATE      "C: RCPT TO:<kate@fabrikam.com>"
#define BOB       "C: RCPT TO:<bob@fabrikam.com>"
#define ASK_TWO   "A: send 0", MAIL_SIZE, KATE, BOB, "C: DATA", "C: <nothing>"
#define ASK_ONE   "A: send 0", MAIL_SIZE, KATE, "C: DATA", "C: <nothing>"
#define UP_TO_DOT ASK_ONE, "S: 250 ok", "S: 250 ok", "S: 354 go", CONTENT, "C: <nothing>"

static void one(const char *const *lines)
{
    hop_run_all(&(struct hop_script){.messages = {MESSAGE, MESSAGE}, .lines = lines});
}

static void two(const char *const *lines)
{
    hop_run_all(&(struct hop_script){.messages = {TWO, TWO}, .lines = lines});
}

/* proves: F2 */
static void a_message_is_pipelined(void **state)
{
    (void)state;
    two(LINES(RICH, ASK_TWO, "S: 250 2.1.0 ok", "S: 250 2.1.5 ok", "S: 251 2.1.5 forwards", "S: 354 go",
              "C: Subject: Test", "C: ", "C: x", "C: .", "C: <nothing>", "E: <nothing>",
              "S: 250 2.6.0 queued", "E: 0.0 delivered 250 2.6.0 queued", "E: 0.1 delivered 250 2.6.0 queued",
              "E: 0 done reuse", GOODBYE));
}

/* proves: F2 */
static void without_pipelining_every_command_waits(void **state)
{
    (void)state;
    one(LINES(POOR, "A: send 0", MAIL, "C: <nothing>", "S: 250 ok", KATE, "C: <nothing>", "S: 250 ok",
              "C: DATA", "C: <nothing>", "S: 354 go", CONTENT, "C: <nothing>", "S: 250 queued",
              "E: 0.0 delivered 250 queued", "E: 0 done reuse", GOODBYE));
}

static void messages_follow_on_one_session(void **state)
{
    (void)state;
    hop_run_all(&(struct hop_script){
        .messages = {MESSAGE, MESSAGE, MESSAGE},
        .is_chained = true,
        .lines = LINES(GREETED, "S: 250 hop", "E: ready", MAIL, "S: 250 ok", KATE, "S: 250 ok", "C: DATA",
                       "S: 354 go", CONTENT, "S: 250 first", "E: 0.0 delivered 250 first", "E: 0 done reuse",
                       MAIL, "S: 250 ok", KATE, "S: 250 ok", "C: DATA", "S: 354 go", CONTENT, "S: 451 second",
                       "E: 1.0 deferred 451 second", "E: 1 done reuse", MAIL, "S: 550 third",
                       "E: 2.0 failed 550 third", "E: 2 done reuse", "C: QUIT", "S: 221 bye",
                       "E: closed 221 bye")});
}

static void the_greeting_may_refuse(void **state)
{
    (void)state;
    one(LINES("S: 554 5.3.2 not you", "E: closed for good 554 5.3.2 not you"));
    one(LINES("S: 450 4.3.2 not now", "E: closed 450 4.3.2 not now"));
    one(LINES("S: 421-4.3.2 not", "S: 421 4.3.2 now", "E: closed 421 4.3.2 not / 4.3.2 now"));
    one(LINES("X", "E: closed " DROPPED));
    one(LINES("S: 220 hop", "C: EHLO *", "X", "E: closed " DROPPED));
    one(LINES("S: HTTP/1.1 400 Bad Request", "E: closed " BROKEN));
    one(LINES("S: 220-a", "S: 250 b", "E: closed " BROKEN));
}

static void ehlo_falls_back_to_helo(void **state)
{
    (void)state;
    one(LINES(GREETED, "S: 502 5.5.1 what", "C: HELO mx1.contoso.com", "S: 250 hop", "E: ready", "A: send 0",
              MAIL, "C: <nothing>", "S: 250 ok", KATE, "S: 250 ok", "C: DATA", "S: 354 go", CONTENT,
              "S: 250 ok", "E: 0.0 delivered *", "E: 0 done reuse", GOODBYE));
    one(LINES(GREETED, "S: 500-SIZE 1", "S: 500 PIPELINING", "C: HELO *", "S: 550 5.7.1 nor this",
              "E: closed for good 550 5.7.1 nor this"));
    one(LINES(GREETED, "S: 500 what", "C: HELO *", "S: 450 later", "E: closed 450 later"));
    one(LINES(GREETED, "S: 451 4.3.0 later", "E: closed 451 4.3.0 later"));
    one(LINES(GREETED, "S: 354 go", "E: closed 354 go"));
}

static void helo_is_forced(void **state)
{
    (void)state;
    hop_run_all(&(struct hop_script){
        .messages = {MESSAGE},
        .force_helo = true,
        .lines = LINES("S: 220 hop ESMTP", "C: HELO mx1.contoso.com", "S: 250-hop", "S: 250 PIPELINING",
                       "E: ready", "A: send 0", MAIL, "C: <nothing>", "S: 421 4.3.2 bye",
                       "E: 0.0 deferred 421 4.3.2 bye", "E: 0 done lost", "E: closed 421 4.3.2 bye")});
}

static void each_recipient_has_its_own_outcome(void **state)
{
    (void)state;
    two(LINES(RICH, ASK_TWO, "S: 250 ok", "S: 250 ok", "S: 550-5.1.1 no", "S: 550 5.1.1 such user",
              "E: 0.1 failed 550 5.1.1 no / 5.1.1 such user", "S: 354 go", "C: Subject: Test", "C: ", "C: x",
              "C: .", "S: 250 queued", "E: 0.0 delivered 250 queued", "E: 0 done reuse", GOODBYE));
    two(LINES(POOR, "A: send 0", MAIL, "S: 250 ok", KATE, "S: 452 4.5.3 full",
              "E: 0.0 deferred 452 4.5.3 full", BOB, "S: 250 ok", "C: DATA", "S: 354 go", "C: Subject: Test",
              "C: ", "C: x", "C: .", "S: 554 5.6.0 no", "E: 0.1 failed 554 5.6.0 no", "E: 0 done reuse",
              GOODBYE));
}

/* No recipient is left: an empty message ends a DATA that was said already, RSET clears what the hop holds.
 */
static void without_recipients_nothing_is_sent(void **state)
{
    (void)state;
    two(LINES(RICH, ASK_TWO, "S: 250 ok", "S: 550 no", "E: 0.0 failed 550 no", "S: 450 later",
              "E: 0.1 deferred 450 later", "S: 554 5.5.1 no valid recipients", "E: 0 done reuse", "A: send 1",
              "C: RSET", MAIL_SIZE, KATE, BOB, "C: DATA", "C: <nothing>", "S: 250 reset", "S: 250 ok",
              "S: 250 ok", "S: 250 ok", "S: 354 go", "C: Subject: Test", "C: ", "C: x", "C: .",
              "S: 250 queued", "E: 1.0 delivered 250 queued", "E: 1.1 delivered 250 queued",
              "E: 1 done reuse", GOODBYE));
    two(LINES(RICH, ASK_TWO, "S: 250 ok", "S: 550 no", "S: 550 no", "E: 0.0 failed 550 no",
              "E: 0.1 failed 550 no", "S: 354 go", "C: .", "C: <nothing>", "S: 554 5.5.1 nobody",
              "E: 0 done reuse", "A: send 1", MAIL_SIZE, KATE, BOB, "C: DATA", "S: 421 bye",
              "E: 1.0 deferred 421 bye", "E: 1.1 deferred 421 bye", "E: 1 done lost", "E: closed 421 bye"));
    two(LINES(POOR, "A: send 0", MAIL, "S: 250 ok", KATE, "S: 550 no", "E: 0.0 failed 550 no", BOB,
              "S: 550 no", "E: 0.1 failed 550 no", "E: 0 done reuse", "C: <nothing>", "A: send 1", "C: RSET",
              "C: <nothing>", "S: 250 reset", MAIL, "C: <nothing>", "S: 550 no", "E: 1.0 failed 550 no",
              "E: 1.1 failed 550 no", "E: 1 done reuse", GOODBYE));
}

static void a_refused_reset_ends_the_session(void **state)
{
    (void)state;
    one(LINES(POOR, "A: send 0", MAIL, "S: 250 ok", KATE, "S: 550 no", "E: 0.0 failed 550 no",
              "E: 0 done reuse", "A: send 1", "C: RSET", "S: 502 what", "E: 1.0 deferred " BROKEN,
              "E: 1 done lost", "E: closed " BROKEN));
}

static void mail_may_be_refused(void **state)
{
    (void)state;
    two(LINES(RICH, ASK_TWO, "S: 451 4.3.0 later", "E: 0.0 deferred 451 4.3.0 later",
              "E: 0.1 deferred 451 4.3.0 later", "E: <nothing>", "S: 503 mail first", "S: 503 mail first",
              "S: 503 mail first", "E: 0 done reuse", "A: send 1", MAIL_SIZE, KATE, BOB, "C: DATA",
              "S: 250 ok", "S: 421 bye", "E: 1.0 deferred 421 bye", "E: 1.1 deferred 421 bye",
              "E: 1 done lost", "E: closed 421 bye"));
    two(LINES(RICH, ASK_TWO, "S: 550 5.7.1 no", "E: 0.0 failed 550 5.7.1 no", "E: 0.1 failed 550 5.7.1 no",
              "S: 250 lies", "S: 250 lies", "S: 354 lies", "C: .", "C: <nothing>", "S: 250 lies",
              "E: 0 done reuse", GOODBYE));
}

static void data_may_be_refused(void **state)
{
    (void)state;
    two(LINES(RICH, ASK_TWO, "S: 250 ok", "S: 250 ok", "S: 250 ok", "S: 451 4.7.1 later",
              "E: 0.0 deferred 451 4.7.1 later", "E: 0.1 deferred 451 4.7.1 later", "E: 0 done reuse",
              "A: send 1", "C: RSET", MAIL_SIZE, KATE, BOB, "C: DATA", "S: 250 reset", "S: 250 ok",
              "S: 250 ok", "S: 550 no", "E: 1.1 failed 550 no", "S: 554 5.7.1 no",
              "E: 1.0 failed 554 5.7.1 no", "E: 1 done reuse", GOODBYE));
}

static void size_is_said_and_the_hops_limit_kept(void **state)
{
    (void)state;
    struct hop_script script = {.messages = {MESSAGE, MESSAGE}};
    script.messages[0].size_bytes = 1001;
    script.messages[1].size_bytes = 1000;
    script.lines = LINES(RICH, "A: send 0", "C: <nothing>", "E: 0.0 failed 552 5.3.4 *", "E: 0 done reuse",
                         "A: send 1", "C: MAIL FROM:<chris@contoso.com> SIZE=1000", KATE, "C: DATA", "X",
                         "E: 1.0 deferred " DROPPED, "E: 1 done lost", "E: closed " DROPPED);
    hop_run_all(&script);
    static const char *const NO_LIMIT[] = {"S: 250 SIZE", "S: 250 SIZE 0", "S: 250 SIZE x", "S: 250 size -1",
                                           "S: 250 SIZE 99999999999999999999999"};
    for (size_t i = 0; i < sizeof NO_LIMIT / sizeof NO_LIMIT[0]; i++) {
        script.lines = LINES(GREETED, "S: 250-hop", NO_LIMIT[i], "E: ready", "A: send 0",
                             "C: MAIL FROM:<chris@contoso.com> SIZE=1001", "A: abort", "E: 0.0 deferred *",
                             "E: 0 done lost", "E: closed *");
        hop_run(&script);
    }
    script.lines = LINES(GREETED, "S: 250 SIZE 5", "E: ready", "A: send 0", MAIL, "A: abort", "E: 0.0 *",
                         "E: 0 done lost", "E: closed *"); /* the first line is the hop's name */
    hop_run(&script);
}

static void eight_bit_content_needs_the_hops_word(void **state)
{
    (void)state;
    struct hop_script script = {.messages = {MESSAGE}};
    script.messages[0].is_8bit = true;
    script.lines = LINES(RICH, "A: send 0", "C: MAIL FROM:<chris@contoso.com> SIZE=100 BODY=8BITMIME", KATE,
                         "C: DATA", "S: 250 ok", "S: 250 ok", "S: 354 go", CONTENT, "S: 250 ok",
                         "E: 0.0 delivered 250 ok", "E: 0 done reuse", GOODBYE);
    hop_run_all(&script);
    script.messages[0].content = "Subject: Test\r\n\r\n\xc3\xa4\r\n"; /* declared nowhere */
    script.lines =
        LINES(POOR, "A: send 0", "C: <nothing>", "E: 0.0 failed 554 5.6.3 *", "E: 0 done reuse", GOODBYE);
    hop_run_all(&script);
}

/* proves: F2 F8 */
static void content_goes_in_seven_bits_where_the_hop_takes_no_other(void **state)
{
    (void)state;
    struct hop_script script = {.messages = {MESSAGE}};
    script.messages[0].is_8bit = true;
    script.messages[0].is_chunk_only = true;
    script.messages[0].content = "Content-Transfer-Encoding: 8bit\r\n\r\n.\xc3\xa4\n";
    script.lines =
        LINES(GREETED, "S: 250-hop", "S: 250 SIZE", "E: ready", "A: send 0",
              "C: MAIL FROM:<chris@contoso.com> SIZE=59", "S: 250 ok", KATE, "S: 250 ok", "C: DATA",
              "S: 354 go", "C: Content-Transfer-Encoding: quoted-printable", "C: ", "C: ..=C3=A4=0A", "C: .",
              "S: 250 ok", "E: 0.0 delivered 250 ok", "E: 0 done reuse", GOODBYE);
    hop_run_all(&script);
    script.messages[0].run = 1;
    hop_run(&script);
    script.lines = LINES(GREETED, "S: 250-hop", "S: 250 SIZE 58", "E: ready", "A: send 0", "C: <nothing>",
                         "E: 0.0 failed 552 5.3.4 *", "E: 0 done reuse", GOODBYE); /* it has grown */
    hop_run_all(&script);
    script.messages[0].fail_after = 2;
    script.lines = LINES(POOR, "A: send 0", "C: <nothing>", "E: 0.0 deferred 451 4.3.0 *", "E: 0 done lost",
                         "E: closed 451 4.3.0 *");
    hop_run(&script);
}

/* proves: R17 */
static void what_the_sender_asks_is_passed_on_where_it_is_understood(void **state)
{
    (void)state;
    struct hop_script script = {.messages = {TWO, TWO}};
    script.messages[0].envelope_id = "QQ+2B1";
    script.messages[0].notify = "NEVER";
    script.lines = LINES(GREETED, "S: 250-hop", "S: 250-dsn", "S: 250 PIPELINING", "E: ready", "A: send 0",
                         MAIL " ENVID=QQ+2B1", KATE " NOTIFY=NEVER", BOB " NOTIFY=NEVER", "C: DATA",
                         "S: 250 ok", "S: 250 ok", "S: 501 5.5.4 no", "E: 0.1 failed 501 5.5.4 no",
                         "S: 451 later", "E: 0.0 deferred 451 later", "E: 0 done reuse", "A: send 1",
                         "C: RSET", MAIL, KATE, BOB, "C: DATA", "A: abort", "E: 1.0 deferred *",
                         "E: 1.1 deferred *", "E: 1 done lost", "E: closed *");
    hop_run_all(&script);
    script.lines = LINES(POOR, "A: send 0", MAIL, "S: 250 ok", KATE, "A: abort", "E: 0.0 deferred *",
                         "E: 0.1 deferred *", "E: 0 done lost", "E: closed *");
    hop_run_all(&script);
}

static void a_null_sender_is_empty(void **state)
{
    (void)state;
    struct hop_script script = {.messages = {MESSAGE}};
    script.messages[0].sender = "";
    script.lines = LINES(POOR, "A: send 0", "C: MAIL FROM:<>", "S: 250 ok", KATE, "S: 250 ok", "C: DATA",
                         "S: 354 go", CONTENT, "S: 250 ok", "E: 0.0 delivered *", "E: 0 done reuse", GOODBYE);
    hop_run_all(&script);
}

/* proves: F2 */
static void an_address_never_becomes_a_command(void **state)
{
    (void)state;
    static const char *const BAD[] = {"a\r\nRCPT TO:<x@y>", "a\nb@c", "a\rb@c", "\x01@c", "\x7f@c"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct hop_script script = {.messages = {TWO, TWO}};
        script.messages[0].sender = BAD[i];
        script.messages[1].recipients[1] = BAD[i];
        script.lines =
            LINES(POOR, "A: send 0", "C: <nothing>", "E: 0.0 failed 553 5.1.3 *", "E: 0.1 failed 553 5.1.3 *",
                  "E: 0 done reuse", "A: send 1", "C: <nothing>", "E: 1.0 failed 553 5.1.3 *",
                  "E: 1.1 failed 553 5.1.3 *", "E: 1 done reuse", GOODBYE);
        hop_run(&script);
    }
}

static void the_last_reply_decides(void **state)
{
    (void)state;
    one(LINES(RICH, UP_TO_DOT, "S: 452 4.3.1 full", "E: 0.0 deferred 452 4.3.1 full", "E: 0 done reuse",
              GOODBYE));
    one(LINES(RICH, UP_TO_DOT, "S: 554 5.7.1 spam", "E: 0.0 failed 554 5.7.1 spam", "E: 0 done reuse",
              GOODBYE));
}

/* proves: R10 R20 */
static void a_lost_session_defers_what_is_open(void **state)
{
    (void)state;
    two(LINES(RICH, ASK_TWO, "S: 250 ok", "S: 550 no", "E: 0.0 failed 550 no", "X",
              "E: 0.1 deferred " DROPPED, "E: 0 done lost", "E: closed " DROPPED));
    one(LINES(RICH, UP_TO_DOT, "X", "E: 0.0 deferred " DROPPED, "E: 0 done lost", "E: closed " DROPPED));
    one(LINES(RICH, UP_TO_DOT, "S: 421 4.3.0 bye", "E: 0.0 deferred 421 4.3.0 bye", "E: 0 done lost",
              "E: closed 421 4.3.0 bye"));
    one(LINES(RICH, "S: 421 4.4.2 idle", "E: closed 421 4.4.2 idle"));
    one(LINES(RICH, "X", "E: closed " DROPPED));
    one(LINES(RICH, "A: quit", "C: QUIT", "X", "E: closed *"));
    one(LINES(RICH, "A: quit", "C: QUIT", "S: 500 what", "E: closed 500 what"));
}

/* proves: R20 */
static void a_hop_that_breaks_the_protocol_is_left(void **state)
{
    (void)state;
    one(LINES(RICH, "S: 250 nobody asked", "E: closed " BROKEN));
    static const char *const WRONG[] = {"S: 354 go", "S: 300 what", "S: 100 wait", "S: 2x0", "S: "};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        one(LINES(RICH, ASK_ONE, WRONG[i], "E: 0.0 deferred " BROKEN, "E: 0 done lost", "E: closed " BROKEN));
        one(LINES(RICH, ASK_ONE, "S: 250 ok", WRONG[i], "E: 0.0 deferred " BROKEN, "E: 0 done lost",
                  "E: closed " BROKEN));
        one(LINES(RICH, UP_TO_DOT, WRONG[i], "E: 0.0 deferred " BROKEN, "E: 0 done lost",
                  "E: closed " BROKEN));
    }
    static const char *const NOT_DATA[] = {"S: 250 ok", "S: 334 go", "S: 355 go"};
    for (size_t i = 0; i < sizeof NOT_DATA / sizeof NOT_DATA[0]; i++)
        one(LINES(RICH, ASK_ONE, "S: 250 ok", "S: 250 ok", NOT_DATA[i], "E: 0.0 deferred " BROKEN,
                  "E: 0 done lost", "E: closed " BROKEN));
    /* One reply too many before DATA, and behind the end. */
    one(LINES(POOR, "A: send 0", MAIL, "S~ 250 ok\r\n250 ok\r\n250 ok\r\n", KATE, "C: DATA",
              "E: 0.0 deferred " BROKEN, "E: 0 done lost", "E: closed " BROKEN));
    one(LINES(RICH, UP_TO_DOT, "S~ 250 ok\r\n250 again\r\n", "E: 0.0 delivered 250 ok", "E: 0 done reuse",
              "E: closed " BROKEN));
    /* 354 where everybody was refused before. */
    one(LINES(RICH, ASK_ONE, "S: 550 no", "E: 0.0 failed 550 no", "S: 503 no", "S: 354 go", "C: .",
              "S: 354 go", "E: 0 done lost", "E: closed " BROKEN));
}

/* proves: R18 R20 */
static void a_reply_is_kept_clean_and_short(void **state)
{
    (void)state;
    char line[2000] = "S: 550 ";
    memset(line + 7, 'x', sizeof line - 8);
    one(LINES(RICH, ASK_ONE, "S: 550 5.1.1 a\x1b[1m\tb\x7f\xc3\xbc\rc",
              "E: 0.0 failed 550 5.1.1 a ?1m b   *c", "A: abort", "E: 0 done lost", "E: closed 421 4.3.2 *"));
    hop_run(&(struct hop_script){.messages = {MESSAGE},
                                 .lines = LINES(RICH, ASK_ONE, line, "E: 0.0 failed 550 xxx*", "A: abort",
                                                "E: 0 done lost", "E: closed *")});
}

/* proves: R20 */
static void endless_replies_end(void **state)
{
    (void)state;
    const char *lines[600] = {"S: 220 hop", "C: EHLO *"};
    for (size_t i = 2; i < 2 + 513; i++)
        lines[i] = "S: 250-XTRA";
    lines[2 + 513] = "E: closed " BROKEN;
    hop_run(&(struct hop_script){.lines = lines});
    char line[3000] = "S~ 250-";
    memset(line + 7, 'x', sizeof line - 8);
    hop_run(&(struct hop_script){.lines = LINES(GREETED, line, "E: closed " BROKEN)});
}

/* proves: R20 */
static void every_wait_has_an_end(void **state)
{
    (void)state;
    one(LINES("T: 59999", "E: <nothing>", "T: 1", "E: closed " LATE));
    one(LINES(GREETED, "T: 50000", "S: 250-slow", "T: 9999", "E: <nothing>", "S: 250-slow", "T: 1",
              "E: closed " LATE));
    one(LINES(RICH, "T: 86400000", "E: <nothing>", ASK_ONE, "T: 60000", "E: 0.0 deferred " LATE,
              "E: 0 done lost", "E: closed " LATE));
    one(LINES(RICH, UP_TO_DOT, "T: 599999", "E: <nothing>", "T: 1", "E: 0.0 deferred " LATE, "E: 0 done lost",
              "E: closed " LATE));
    one(LINES(RICH, UP_TO_DOT, "S: 250 ok", "E: 0.0 delivered 250 ok", "E: 0 done reuse", "T: 86400000",
              "E: <nothing>", "A: quit", "C: QUIT", "T: 60000", "E: closed " LATE));
}

static void an_abort_ends_at_once(void **state)
{
    (void)state;
    one(LINES("A: abort", "E: closed 421 4.3.2 *"));
    one(LINES("A: quit", "E: closed 421 4.3.2 *"));
    one(LINES(RICH, "A: abort", "E: closed 421 4.3.2 *", "C: <nothing>"));
    one(LINES(RICH, ASK_ONE, "A: abort", "E: 0.0 deferred 421 4.3.2 *", "E: 0 done lost",
              "E: closed 421 4.3.2 *"));
    one(LINES(RICH, "A: quit", "C: QUIT", "A: abort", "E: closed 421 4.3.2 *"));
}

/* Half a message must never look whole. */
/* proves: F2 */
static void content_that_cannot_be_read_never_gets_its_dot(void **state)
{
    (void)state;
    struct hop_script script = {.messages = {MESSAGE}};
    script.messages[0].run = 15;
    script.messages[0].fail_after = 1;
    script.lines =
        LINES(RICH, ASK_ONE, "S: 250 ok", "S: 250 ok", "S: 354 go", "C: Subject: Test", "C: <nothing>",
              "E: 0.0 deferred 451 4.3.0 *", "E: 0 done lost", "E: closed 451 4.3.0 *");
    hop_run_all(&script);
}

/* At most 100 commands are in flight. */
static void a_pipeline_has_a_width(void **state)
{
    (void)state;
    const char *lines[1000] = {RICH, "A: send 0", MAIL_SIZE};
    size_t count = 0;
    while (lines[count])
        count++;
    for (int i = 0; i < 99; i++)
        lines[count++] = KATE;
    lines[count++] = "C: <nothing>";
    lines[count++] = "S: 250 ok";
    for (int i = 99; i < 150; i++) {
        lines[count++] = KATE;
        lines[count++] = "C: <nothing>";
        lines[count++] = "S: 250 ok";
    }
    lines[count++] = "C: DATA";
    for (int i = 51; i < 150; i++)
        lines[count++] = "S: 250 ok";
    const char *const end[] = {"S: 354 go", CONTENT, "S: 250 queued"};
    for (size_t i = 0; i < sizeof end / sizeof end[0]; i++)
        lines[count++] = end[i];
    for (int i = 0; i < 150; i++)
        lines[count++] = "E: 0.* delivered 250 queued";
    lines[count++] = "E: 0 done reuse";
    struct hop_script script = {.messages = {MESSAGE}, .lines = lines};
    script.messages[0].recipient_count = 150;
    hop_run(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_pipelined),
        cmocka_unit_test(without_pipelining_every_command_waits),
        cmocka_unit_test(messages_follow_on_one_session),
        cmocka_unit_test(the_greeting_may_refuse),
        cmocka_unit_test(ehlo_falls_back_to_helo),
        cmocka_unit_test(helo_is_forced),
        cmocka_unit_test(each_recipient_has_its_own_outcome),
        cmocka_unit_test(without_recipients_nothing_is_sent),
        cmocka_unit_test(a_refused_reset_ends_the_session),
        cmocka_unit_test(mail_may_be_refused),
        cmocka_unit_test(data_may_be_refused),
        cmocka_unit_test(size_is_said_and_the_hops_limit_kept),
        cmocka_unit_test(eight_bit_content_needs_the_hops_word),
        cmocka_unit_test(content_goes_in_seven_bits_where_the_hop_takes_no_other),
        cmocka_unit_test(what_the_sender_asks_is_passed_on_where_it_is_understood),
        cmocka_unit_test(a_null_sender_is_empty),
        cmocka_unit_test(an_address_never_becomes_a_command),
        cmocka_unit_test(the_last_reply_decides),
        cmocka_unit_test(a_lost_session_defers_what_is_open),
        cmocka_unit_test(a_hop_that_breaks_the_protocol_is_left),
        cmocka_unit_test(a_reply_is_kept_clean_and_short),
        cmocka_unit_test(endless_replies_end),
        cmocka_unit_test(every_wait_has_an_end),
        cmocka_unit_test(an_abort_ends_at_once),
        cmocka_unit_test(content_that_cannot_be_read_never_gets_its_dot),
        cmocka_unit_test(a_pipeline_has_a_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
