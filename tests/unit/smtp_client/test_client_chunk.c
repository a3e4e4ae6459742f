/* fakes: hop tls */
/* Content that DATA would alter, in a chunk (RFC 3030). */
#include "fakes/fake_hop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GREETED    "S: 220 hop ESMTP", "C: EHLO mx1.contoso.com", "C: <nothing>"
#define GOODBYE    "A: quit", "C: QUIT", "S: 221 2.0.0 bye", "E: closed 221 2.0.0 bye"
#define DROPPED    "421 4.4.2 Connection dropped"
#define BROKEN     "421 4.4.0 Remote server response was not RFC conformant"

/* What a hop hears. */
#define MAIL   "C: MAIL FROM:<chris@contoso.com>"
#define KATE   "C: RCPT TO:<kate@fabrikam.com>"
#define BOB    "C: RCPT TO:<bob@fabrikam.com>"
#define CHUNKS GREETED, "S: 250-hop", "S: 250-PIPELINING", "S: 250-chunking", "S: 250 BINARYMIME", "E: ready"
/* Twelve octets, which DATA would alter: a dot that it would double, a CR, no end of the last line. */
#define ODD                                                                                                  \
    {                                                                                                        \
        .sender = "chris@contoso.com", .recipients = {"kate@fabrikam.com", "bob@fabrikam.com"},              \
        .size_bytes = 12, .is_chunk_only = true, .content = "a: b\r\n\r\n.x\ry"                              \
    }
#define ASK_ODD "A: send 0", MAIL, KATE, BOB, "C: <nothing>"
#define CHUNK   "C: BDAT 12 LAST", "C: a: b", "C: "

static void odd(const char *const *lines)
{
    hop_run_all(&(struct hop_script){.messages = {ODD, ODD}, .lines = lines});
}

/* proves: F2 F8 */
static void a_chunk_is_as_the_content(void **state)
{
    (void)state;
    odd(LINES(CHUNKS, ASK_ODD, "S: 250 ok", "S: 250 ok", "C: <nothing>", "S: 250 ok", CHUNK, "E: <nothing>",
              "S: 250 queued", "E: 0.0 delivered 250 queued", "E: 0.1 delivered 250 queued",
              "E: 0 done reuse", "A: quit", "C: .x\ryQUIT", "S: 221 bye", "E: closed 221 bye"));
    odd(LINES(GREETED, "S: 250-hop", "S: 250 CHUNKING", "E: ready", "A: send 0", MAIL, "C: <nothing>",
              "S: 250 ok", KATE, "S: 550 no", "E: 0.0 failed 550 no", BOB, "C: <nothing>", "S: 250 ok", CHUNK,
              "S: 451 later", "E: 0.1 deferred 451 later", "E: 0 done reuse", "A: send 1", "C: .x\ryRSET",
              "S: 250 reset", MAIL, "S: 550 no", "E: 1.0 failed 550 no", "E: 1.1 failed 550 no",
              "E: 1 done reuse", GOODBYE));
}

/* proves: F8 */
static void binary_content_is_named_and_comes_in_pieces(void **state)
{
    (void)state;
    struct hop_script script = {.messages = {ODD, ODD}};
    script.messages[0].is_binary = true;
    script.messages[0].is_chunk_only = false;
    script.messages[0].run = 1;
    script.messages[1].size_bytes = 0;
    script.messages[1].content = "";
    script.lines = LINES(CHUNKS, "A: send 0", MAIL " BODY=BINARYMIME", KATE, BOB, "S: 250 ok", "S: 250 ok",
                         "S: 250 ok", CHUNK, "S: 250 queued", "E: 0.0 delivered *", "E: 0.1 delivered *",
                         "E: 0 done reuse", "A: send 1", "C: .x\ryMAIL FROM:<chris@contoso.com>", KATE, BOB,
                         "S: 250 ok", "S: 250 ok", "S: 250 ok", "C: BDAT 0 LAST", "S: 250 queued",
                         "E: 1.0 delivered *", "E: 1.1 delivered *", "E: 1 done reuse", GOODBYE);
    hop_run_all(&script);
}

static void no_chunk_goes_where_nobody_is_taken(void **state)
{
    (void)state;
    odd(LINES(CHUNKS, ASK_ODD, "S: 250 ok", "S: 550 no", "E: 0.0 failed 550 no", "S: 450 later",
              "E: 0.1 deferred 450 later", "E: 0 done reuse", "C: <nothing>", "A: send 1", "C: RSET", MAIL,
              KATE, BOB, "C: <nothing>", "S: 250 reset", "S: 451 no", "E: 1.0 deferred *",
              "E: 1.1 deferred *", "S: 250 lies", "S: 250 lies", "C: <nothing>", "E: 1 done reuse", GOODBYE));
}

/* proves: R20 */
static void a_hop_that_answers_a_chunk_wrongly_is_left(void **state)
{
    (void)state;
    odd(LINES(CHUNKS, ASK_ODD, "S: 250 ok", "S: 250 ok", "S: 250 ok", CHUNK, "S: 354 go",
              "E: 0.0 deferred " BROKEN, "E: 0.1 deferred " BROKEN, "E: 0 done lost", "E: closed " BROKEN));
    odd(LINES(CHUNKS, ASK_ODD, "S: 250 ok", "S: 250 ok", "S: 250 ok", CHUNK, "X", "E: 0.0 deferred " DROPPED,
              "E: 0.1 deferred " DROPPED, "E: 0 done lost", "E: closed " DROPPED));
}

/* A chunk that is whole is a message: where the content is not what was announced it never becomes whole. */
/* proves: F2 */
static void a_chunk_is_never_filled_with_something_else(void **state)
{
    (void)state;
    struct hop_script script = {.messages = {ODD, ODD, ODD}};
    script.messages[0].size_bytes = 13;
    script.messages[1].size_bytes = 11;
    script.messages[2].run = 8;
    script.messages[2].fail_after = 1;
    static const char *const COMMANDS[][4] = {
        {"A: send 0", "C: BDAT 13 LAST", "C: a: b", "C: "},
        {"A: send 1", "C: BDAT 11 LAST", "C: <nothing>", "C: <nothing>"},
        {"A: send 2", "C: BDAT 12 LAST", "C: a: b", "C: "}};
    for (size_t i = 0; i < 3; i++) {
        const char *const *command = COMMANDS[i];
        script.lines =
            LINES(CHUNKS, command[0], MAIL, KATE, BOB, "S: 250 ok", "S: 250 ok", "S: 250 ok", command[1],
                  command[2], command[3], "C: <nothing>", "E: ?.0 deferred 451 4.3.0 *",
                  "E: ?.1 deferred 451 4.3.0 *", "E: ? done lost", "E: closed 451 4.3.0 *");
        hop_run_all(&script);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chunk_is_as_the_content),
        cmocka_unit_test(binary_content_is_named_and_comes_in_pieces),
        cmocka_unit_test(no_chunk_goes_where_nobody_is_taken),
        cmocka_unit_test(a_hop_that_answers_a_chunk_wrongly_is_left),
        cmocka_unit_test(a_chunk_is_never_filled_with_something_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
