/* fakes: organization dialogue milter */
/* What becomes of a session's message, by what a filter says: every verdict and every change, as the client
 * hears it and as the spool has it. */
#include "fakes/fake_milter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adjusted_session.h"

#define REFUSED  "S: 550 5.7.1 Message refused by a content filter"
#define DEFERRED "S: 451 4.7.1 Message deferred by a content filter"
#define CONTINUE BYTES_LITERAL("c")
#define NEW_BODY BYTES_LITERAL("bnew\n")

struct scene {
    struct dialogue dialogue;
    struct fake_milters milters;
    struct organization *organization;
};

/* A session that may relay, before one filter that answers so at the end of the content. */
static void scene_open(struct scene *scene, void (*adjust)(struct receive_connector *),
                       const struct fake_answer *answers)
{
    fake_milters_init(&scene->milters, 1);
    scene->milters.milters[0].answers = answers;
    scene->organization = open_adjusted(&scene->dialogue, adjust, "10.1.0.5");
    scene->dialogue.service.filters = &scene->milters.filters;
}

static void scene_close(struct scene *scene)
{
    close_adjusted(&scene->dialogue, scene->organization);
    fake_milters_done(&scene->milters);
}

/* The script up to the end of the content; then the filter has its say. */
static void say(struct scene *scene, const char *const *script)
{
    dialogue_run(&scene->dialogue, DIALOGUE_STEPS, script);
    fake_milters_pump(&scene->milters);
    dialogue_settle(&scene->dialogue);
}

static void expect(struct scene *scene, const char *const *script)
{
    dialogue_run(&scene->dialogue, DIALOGUE_STEPS, script);
}

#define MESSAGE ENVELOPE, "C: From: a@b.example", "C: Subject: old", "C: ", "C: body", "C: ."

static const struct {
    struct bytes packets[FAKE_PACKETS_MAX];
    const char *reply;
    size_t messages;
} ANSWERS[] = {
    {{CONTINUE}, QUEUED, 1},
    {{BYTES_LITERAL("a")}, QUEUED, 1},
    {{BYTES_LITERAL("r")}, REFUSED, 0},
    {{BYTES_LITERAL("t")}, DEFERRED, 0},
    {{BYTES_LITERAL("y554 5.7.9 go away\0")}, "S: 554 5.7.9 go away", 0},
    {{BYTES_LITERAL("y452 later\0")}, "S: 452 4.7.1 later", 0},
    {{BYTES_LITERAL("d")}, QUEUED, 0},
    {{BYTES_LITERAL("qlooks bad\0"), CONTINUE}, QUEUED, 1},
    {{BYTES_LITERAL("-<kate@fabrikam.com>\0"), CONTINUE}, QUEUED, 0}, /* nobody is left */
    {{BYTES_LITERAL("-<else@fabrikam.com>\0"), CONTINUE}, QUEUED, 1},
    {{BYTES_LITERAL("-<kate@fabrikam.com>\0"), BYTES_LITERAL("+<eve@fabrikam.com>\0"), CONTINUE}, QUEUED, 1},
    {{BYTES_LITERAL("+<no address>\0"), CONTINUE}, DEFERRED, 0},
    {{BYTES_LITERAL("+<>\0"), CONTINUE}, DEFERRED, 0},
    {{BYTES_LITERAL("e<no address>\0"), CONTINUE}, DEFERRED, 0},
};

/* proves: C25 */
static void every_answer_has_its_reply(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
        struct fake_answer answers[2] = {{.step = 'E'}, {0}};
        struct scene scene;
        memcpy(answers[0].packets, ANSWERS[i].packets, sizeof answers[0].packets);
        scene_open(&scene, NULL, answers);
        say(&scene, SCRIPT(HELLO, MESSAGE, "S: <nothing>"));
        expect(&scene, SCRIPT(ANSWERS[i].reply, "C: NOOP", "S: 250 *"));
        assert_int_equal(dialogue_message_count(&scene.dialogue), ANSWERS[i].messages);
        scene_close(&scene);
    }
}

/* The envelope of the message that is stored once the filter has given its answers. */
static void store(const struct fake_answer *answers, void (*adjust)(struct receive_connector *),
                  const char *const *script, struct arena *arena, struct envelope *out)
{
    struct scene scene;
    scene_open(&scene, adjust, answers);
    say(&scene, script);
    expect(&scene, SCRIPT(QUEUED));
    arena_init(arena, 1u << 20);
    assert_int_equal(scene.dialogue.spool->ops->read_envelope(scene.dialogue.spool, 1, arena, out), OK);
    scene_close(&scene);
}

static void changes_of_the_envelope_are_stored(void **state)
{
    static const struct fake_answer answers[] = {
        {'E',
         {BYTES_LITERAL("-kate@FABRIKAM.com\0"), BYTES_LITERAL("+<eve@fabrikam.com>\0"),
          BYTES_LITERAL("2<bob@fabrikam.com>\0NOTIFY=NEVER\0"), BYTES_LITERAL("e<bounces@contoso.com>\0"),
          BYTES_LITERAL("qlooks bad\0"), CONTINUE}},
        {0}};
    struct envelope envelope;
    struct arena arena;
    (void)state;
    store(answers, NULL, SCRIPT(HELLO, MESSAGE), &arena, &envelope);
    assert_true(bytes_equal(envelope.sender, BYTES_LITERAL("bounces@contoso.com")));
    assert_int_equal(envelope.recipient_count, 2);
    assert_true(bytes_equal(envelope.recipients[0].address, BYTES_LITERAL("eve@fabrikam.com")));
    assert_true(bytes_equal(envelope.recipients[1].address, BYTES_LITERAL("bob@fabrikam.com")));
    assert_true(envelope.is_held);
    arena_done(&arena);
}

static void changes_of_the_content_are_stored(void **state)
{
    static const struct fake_answer answers[] = {
        {'E',
         {BYTES_LITERAL("hX-Verdict\0spam\0"), BYTES_LITERAL("i\0\0\0\0X-First\0yes\0"),
          BYTES_LITERAL("m\0\0\0\1Subject\0new\0"), BYTES_LITERAL("m\0\0\0\1From\0\0"), NEW_BODY, CONTINUE}},
        {0}};
    struct scene scene;
    (void)state;
    scene_open(&scene, NULL, answers);
    say(&scene, SCRIPT(HELLO, MESSAGE));
    expect(&scene, SCRIPT(QUEUED));
    char *text = dialogue_message(&scene.dialogue, 0);
    assert_true(dialogue_matches(
        "X-First: yes\r\nReceived: *\r\nSubject: new\r\n*\r\nX-Verdict: spam\r\n\r\nnew\r\n", text));
    assert_null(strstr(text, "From: "));
    free(text);
    scene_close(&scene);
}

static void one_hop(struct receive_connector *connector)
{
    connector->max_hops = 1;
}

/* proves: facts-8.3 */
static void what_is_refused_without_them_is_shown_to_no_filter(void **state)
{
    static const struct {
        enum permission_model model;
        const char *line, *reply;
    } ROWS[] = {
        {PERMISSION_MODEL_2010, "C: Received: 1\r\nReceived: 2", "S: 554 5.4.6 *"},
        {PERMISSION_MODEL_2007, "C: From: boss@contoso.com", "S: 550 5.7.1 *"},
        {PERMISSION_MODEL_2010, "C: From: boss@contoso.com", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct scene scene;
        fake_milters_init(&scene.milters, 1);
        adjust_all = one_hop;
        scene.organization = smtp_organization(ROWS[i].model);
        adjust_all = NULL;
        dialogue_open(&scene.dialogue, scene.organization, "10.1.0.5");
        scene.dialogue.service.filters = &scene.milters.filters;
        const char *now = ROWS[i].reply != NULL ? ROWS[i].reply : "S: <nothing>";
        say(&scene, SCRIPT(HELLO, ENVELOPE, ROWS[i].line, "C: ", "C: .", now));
        if (ROWS[i].reply == NULL) {
            expect(&scene, SCRIPT(QUEUED));
        }
        assert_int_equal(scene.milters.milters[0].steps[0] == '\0', ROWS[i].reply != NULL);
        scene_close(&scene);
    }
}

/* -- how it is said -- */

static void slow(struct receive_connector *connector)
{
    connector->tarpit_s = 5;
}

/* proves: facts-8.6 */
static void a_refusal_is_as_slow_in_a_filters_words(void **state)
{
    static const struct fake_answer with_words[] = {{'E', {BYTES_LITERAL("y554 5.7.9 go away\0")}}, {0}};
    static const struct fake_answer without[] = {{'E', {BYTES_LITERAL("t")}}, {0}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct scene scene;
        scene_open(&scene, slow, i == 0 ? with_words : without);
        say(&scene, SCRIPT(HELLO, MESSAGE));
        expect(&scene, SCRIPT("S: <nothing>", "T: 4999", "S: <nothing>", "T: 1",
                              i == 0 ? "S: 554 5.7.9 go away" : DEFERRED, "C: NOOP", "S: 250 *"));
        scene_close(&scene);
    }
}

/* Nor does the tarpit keep a session that ends. */
static void a_421_of_a_filter_ends_the_session(void **state)
{
    static const struct fake_answer answers[] = {{'E', {BYTES_LITERAL("y421 4.3.2 not now\0")}}, {0}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct scene scene;
        scene_open(&scene, i == 0 ? slow : NULL, answers);
        say(&scene, SCRIPT(HELLO, MESSAGE));
        expect(&scene, SCRIPT("S: 421 4.3.2 not now", "S: <closed>"));
        assert_int_equal(dialogue_message_count(&scene.dialogue), 0);
        scene_close(&scene);
    }
}

static void without_codes(struct receive_connector *connector)
{
    connector->protocol_options &= ~(uint32_t)OPTION_ENHANCEDSTATUSCODES;
}

/* proves: facts-2.3 facts-8.2 */
static void a_filters_words_lose_their_code_by_the_option(void **state)
{
    static const struct fake_answer answers[] = {{'E', {BYTES_LITERAL("y554 5.7.9 go away\0")}}, {0}};
    struct scene scene;
    (void)state;
    scene_open(&scene, without_codes, answers);
    say(&scene, SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<kate@fabrikam.com>",
                       "S: 250 *", "C: DATA", "S: 354 *", "C: ."));
    expect(&scene, SCRIPT("S: 554 go away"));
    scene_close(&scene);
}

/* -- what the next hop has to know of what filters made -- */

static void with_utf8(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_SMTPUTF8;
}

#define UTF8_ENVELOPE                                                                                        \
    HELLO, "C: MAIL FROM:<a@b.example> SMTPUTF8", "S: 250 *", "C: RCPT TO:<kate@fabrikam.com>", "S: 250 *",  \
        "C: DATA", "S: 354 *"

/* proves: A7 */
static void whether_the_header_needs_utf8_is_asked_again(void **state)
{
    static const struct fake_answer adds[] = {{'E', {BYTES_LITERAL("hX-Note\0\xc3\xa9\0"), CONTINUE}}, {0}};
    static const struct fake_answer removes[] = {{'E', {BYTES_LITERAL("m\0\0\0\1Subject\0e\0"), CONTINUE}},
                                                 {0}};
    struct envelope envelope;
    struct arena arena;
    (void)state;
    store(adds, with_utf8, SCRIPT(UTF8_ENVELOPE, "C: Subject: e", "C: ", "C: ."), &arena, &envelope);
    assert_true(envelope.needs_utf8);
    arena_done(&arena);
    store(removes, with_utf8, SCRIPT(UTF8_ENVELOPE, "C: Subject: \xc3\xa9", "C: ", "C: ."), &arena,
          &envelope);
    assert_false(envelope.needs_utf8);
    arena_done(&arena);
}

/* proves: F2 F8 */
static void whether_data_carries_a_new_body_is_asked_again(void **state)
{
    static const struct {
        struct bytes body;
        const char *chunk;
        bool is_chunk_only;
    } ROWS[] = {
        {CONTINUE, "16 LAST\r\nSubject: x\r\n\r\na\n", true},
        {NEW_BODY, "16 LAST\r\nSubject: x\r\n\r\na\n", false},
        {BYTES_LITERAL("bnew\0\n"), "17 LAST\r\nSubject: x\r\n\r\na\r\n", true},
        {NEW_BODY, "17 LAST\r\nSubject: x\r\n\r\na\r\n", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const struct fake_answer answers[] = {{'E', {ROWS[i].body, i > 0 ? CONTINUE : (struct bytes){0}}},
                                              {0}};
        char line[64] = "C~ BDAT ";
        struct envelope envelope;
        struct arena arena;
        strncat(line, ROWS[i].chunk, sizeof line - strlen(line) - 1);
        store(answers, NULL,
              SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<kate@fabrikam.com>",
                     "S: 250 *", line),
              &arena, &envelope);
        assert_int_equal(envelope.is_chunk_only, ROWS[i].is_chunk_only);
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_has_its_reply),
        cmocka_unit_test(changes_of_the_envelope_are_stored),
        cmocka_unit_test(changes_of_the_content_are_stored),
        cmocka_unit_test(what_is_refused_without_them_is_shown_to_no_filter),
        cmocka_unit_test(a_refusal_is_as_slow_in_a_filters_words),
        cmocka_unit_test(a_421_of_a_filter_ends_the_session),
        cmocka_unit_test(a_filters_words_lose_their_code_by_the_option),
        cmocka_unit_test(whether_the_header_needs_utf8_is_asked_again),
        cmocka_unit_test(whether_data_carries_a_new_body_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
