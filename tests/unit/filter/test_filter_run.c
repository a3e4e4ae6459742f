/* fakes: milter */
/* One message before all filters: who is asked in which order, whose word counts, and what is left of the
 * message when a filter lets us down at any moment. */
#include "fakes/fake_milter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEADER     "From: chris@contoso.com\r\nSubject: old\r\n"
#define CONTENT    "line\r\n.\r\n"
#define REJECT     BYTES_LITERAL("r")
#define TEMPFAIL   BYTES_LITERAL("t")
#define DISCARD    BYTES_LITERAL("d")
#define ACCEPT     BYTES_LITERAL("a")
#define CONTINUE   BYTES_LITERAL("c")
#define ADD_X      BYTES_LITERAL("hX-Added\0yes\0")
#define NEW_BODY   BYTES_LITERAL("bnew\nbody\r\n")
#define NEW_TEXT   "new\r\nbody\r\n"
#define EVERY_STEP "OCHMRTLLNBE"

/* A message on its way through the filters. */
struct passage {
    struct fake_milters milters;
    struct filter_facts facts;
    struct buffer header;
    struct held_content body;
    struct filter_run *run;
    struct filter_outcome outcome; /* the last one */
    char reply[FILTER_REPLY_SIZE + 1];
    unsigned outcomes;
};

static void on_outcome(void *owner, const struct filter_outcome *outcome)
{
    struct passage *passage = owner;
    passage->outcome = *outcome;
    snprintf(passage->reply, sizeof passage->reply, "%.*s", BYTES_ARG(outcome->reply));
    passage->outcomes++;
}

static void passage_init(struct passage *passage, size_t filters)
{
    *passage = (struct passage){.facts = {.helo = BYTES_LITERAL("client.example"),
                                          .server_name = BYTES_LITERAL("mx1.contoso.com"),
                                          .sender = BYTES_LITERAL("chris@contoso.com"),
                                          .id = 42}};
    fake_milters_init(&passage->milters, filters);
    assert_int_equal(ip_parse_endpoint(BYTES_LITERAL("192.0.2.1:4000"), &passage->facts.client), OK);
    buffer_init(&passage->header, 1 << 20);
    held_content_init(&passage->body, "/tmp");
    assert_int_equal(buffer_append_text(&passage->header, HEADER), OK);
    assert_int_equal(held_content_append(&passage->body, BYTES_LITERAL(CONTENT)), OK);
}

static void passage_done(struct passage *passage)
{
    filter_run_free(passage->run);
    fake_milters_done(&passage->milters);
    buffer_done(&passage->header);
    held_content_done(&passage->body);
}

static bool goes_on(const struct passage *passage, unsigned outcomes)
{
    assert_int_equal(passage->outcomes, outcomes);
    return passage->outcome.verdict == FILTER_CONTINUE;
}

/* The three questions, as far as the filters agree. */
static void pass(struct passage *passage)
{
    passage->run = filter_run_start(&passage->milters.filters, &passage->facts, on_outcome, passage);
    assert_non_null(passage->run);
    assert_int_equal(passage->outcomes, 0);
    fake_milters_pump(&passage->milters);
    if (!goes_on(passage, 1)) {
        return;
    }
    filter_run_recipient(passage->run, BYTES_LITERAL("kate@fabrikam.com"));
    assert_int_equal(passage->outcomes, 1);
    fake_milters_pump(&passage->milters);
    if (!goes_on(passage, 2)) {
        return;
    }
    filter_run_content(passage->run, &passage->header, &passage->body);
    assert_int_equal(passage->outcomes, 2);
    fake_milters_pump(&passage->milters);
    assert_int_equal(passage->outcomes, 3);
}

static void expect_message(struct passage *passage, const char *header, const char *body)
{
    char text[256];
    size_t length = 0;
    assert_int_equal(held_content_read(&passage->body, 0, text, sizeof text, &length), OK);
    if (!bytes_equal(buffer_bytes(&passage->header), bytes_of_text(header))) {
        fail_msg("header: %.*s", BYTES_ARG(buffer_bytes(&passage->header)));
    }
    assert_true(bytes_equal((struct bytes){text, length}, bytes_of_text(body)));
}

/* -- the way through -- */

static void all_are_asked_in_their_order(void **state)
{
    struct passage passage;
    (void)state;
    passage_init(&passage, 2);
    passage.milters.milters[0].answers =
        (const struct fake_answer[]){{'E', {ADD_X, NEW_BODY, CONTINUE}}, {0}};
    pass(&passage);
    assert_int_equal(passage.outcome.verdict, FILTER_CONTINUE);
    assert_null(passage.outcome.filter);
    assert_string_equal(passage.milters.milters[0].steps, EVERY_STEP);
    assert_string_equal(passage.milters.milters[1].steps, "OCHMRTLLLNBE"); /* what the first one added, too */
    expect_message(&passage, HEADER "X-Added: yes\r\n", NEW_TEXT);
    struct bytes heard = buffer_bytes(&passage.milters.milters[1].heard);
    assert_true(bytes_find_text(heard, NEW_TEXT) < heard.len);
    passage_done(&passage);
}

/* proves: facts-8.3 C211 */
static void the_right_goes_past_antispam_filters_alone(void **state)
{
    struct passage passage;
    (void)state;
    passage_init(&passage, 2);
    passage.milters.list.filters[0].is_antispam = true;
    passage.facts.bypasses_antispam = true;
    passage.milters.milters[0].answers = (const struct fake_answer[]){{'C', {REJECT}}, {0}};
    passage.milters.milters[1].answers = (const struct fake_answer[]){{'E', {ADD_X, CONTINUE}}, {0}};
    assert_true(filters_apply(&passage.milters.filters, true));
    pass(&passage);
    assert_int_equal(passage.outcome.verdict, FILTER_CONTINUE);
    assert_null(passage.milters.milters[0].stream);
    expect_message(&passage, HEADER "X-Added: yes\r\n", CONTENT);
    passage.milters.list.filters[1].is_antispam = true;
    assert_false(filters_apply(&passage.milters.filters, true));
    assert_true(filters_apply(&passage.milters.filters, false));
    assert_false(filters_apply(NULL, false));
    passage_done(&passage);
}

static void who_accepted_hears_no_more(void **state)
{
    struct passage passage;
    (void)state;
    passage_init(&passage, 2);
    passage.milters.milters[0].answers = (const struct fake_answer[]){{'M', {ACCEPT}}, {0}};
    pass(&passage);
    assert_int_equal(passage.outcome.verdict, FILTER_CONTINUE);
    assert_string_equal(passage.milters.milters[0].steps, "OCHM");
    assert_string_equal(passage.milters.milters[1].steps, EVERY_STEP);
    passage_done(&passage);
}

static void what_a_filter_does_not_want_is_not_sent(void **state)
{
    struct passage passage;
    (void)state;
    passage_init(&passage, 1);
    passage.milters.milters[0].protocol =
        MILTER_NO_HELO | MILTER_NO_RCPT | MILTER_NO_HEADERS | MILTER_NO_DATA;
    pass(&passage);
    assert_string_equal(passage.milters.milters[0].steps, "OCMNBE");
    passage_done(&passage);
}

#define MACROS_HEAD                                                                                          \
    "j\0mx1.contoso.com\0{daemon_name}\0dirrelay\0i\0"                                                       \
    "2a\0"
#define MACROS_TLS   "{tls_version}\0TLSv1.3\0{cipher}\0TLS_AES_256_GCM_SHA384\0"
#define MACROS_LOGIN "{auth_type}\0NTLM\0{auth_authen}\0alice\0"

/* With each step, behind the command's letter and its length. */
static void a_filter_is_told_whose_session_it_is(void **state)
{
    static const struct {
        bool is_tls, has_account;
        struct bytes macros;
    } ROWS[] = {
        {false, false, BYTES_LITERAL(MACROS_HEAD)},
        {true, false, BYTES_LITERAL(MACROS_HEAD MACROS_TLS)},
        {false, true, BYTES_LITERAL(MACROS_HEAD MACROS_LOGIN)},
        {true, true, BYTES_LITERAL(MACROS_HEAD MACROS_TLS MACROS_LOGIN)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct passage passage;
        passage_init(&passage, 1);
        if (ROWS[i].is_tls) {
            passage.facts.tls_version = BYTES_LITERAL("TLSv1.3");
            passage.facts.tls_cipher = BYTES_LITERAL("TLS_AES_256_GCM_SHA384");
        }
        if (ROWS[i].has_account) {
            passage.facts.mechanism = BYTES_LITERAL("NTLM");
            passage.facts.account = BYTES_LITERAL("alice");
        }
        pass(&passage);
        struct bytes heard = buffer_bytes(&passage.milters.milters[0].heard);
        for (const char *step = "CHMRTE"; *step != '\0'; step++) {
            char packet[256] = {0, 0, 0, (char)(ROWS[i].macros.len + 2), 'D', *step};
            memcpy(packet + 6, ROWS[i].macros.ptr, ROWS[i].macros.len);
            struct bytes wanted = {packet, 6 + ROWS[i].macros.len};
            assert_non_null(memmem(heard.ptr, heard.len, wanted.ptr, wanted.len));
        }
        passage_done(&passage);
    }
}

/* -- verdicts -- */

static const struct {
    struct bytes packet;
    enum filter_verdict verdict;
    const char *reply;
} VERDICTS[] = {
    {REJECT, FILTER_REJECT, ""},
    {TEMPFAIL, FILTER_TEMPFAIL, ""},
    {BYTES_LITERAL("f"), FILTER_TEMPFAIL, ""},
    {BYTES_LITERAL("4"), FILTER_TEMPFAIL, ""},
    {DISCARD, FILTER_DISCARD, ""},
    {BYTES_LITERAL("y550 5.7.1 go away\0"), FILTER_REJECT, "550 5.7.1 go away"},
    {BYTES_LITERAL("y451 4.7.1 later\r\n451 4.7.1 much later\0"), FILTER_TEMPFAIL, "451 4.7.1 later"},
    {BYTES_LITERAL("y554 a\x1b[31mb\xff\0"), FILTER_REJECT, "554 a[31mb"},
};

/* proves: R18 */
static void a_refusal_at_any_step_ends_it(void **state)
{
    (void)state;
    for (const char *step = "CHMRTLNBE"; *step != '\0'; step++) {
        for (size_t i = 0; i < sizeof VERDICTS / sizeof VERDICTS[0]; i++) {
            struct passage passage;
            passage_init(&passage, 2);
            const struct fake_answer answers[] = {{*step, {VERDICTS[i].packet}}, {0}};
            passage.milters.milters[0].answers = answers;
            pass(&passage);
            assert_int_equal(passage.outcome.verdict, VERDICTS[i].verdict);
            assert_string_equal(passage.outcome.filter, "first");
            assert_string_equal(passage.reply, VERDICTS[i].reply);
            assert_false(passage.outcome.is_default);
            expect_message(&passage, HEADER, CONTENT);
            passage_done(&passage);
        }
    }
}

static void changes_of_the_envelope_are_collected(void **state)
{
    struct passage passage;
    (void)state;
    passage_init(&passage, 2);
    passage.milters.milters[0].answers = (const struct fake_answer[]){
        {'E',
         {BYTES_LITERAL("+<eve@fabrikam.com>\0"), BYTES_LITERAL("-kate@fabrikam.com\0"),
          BYTES_LITERAL("e<>\0"), BYTES_LITERAL("qlooks bad\0"), BYTES_LITERAL("p"), CONTINUE}},
        {0}};
    passage.milters.milters[1].answers = (const struct fake_answer[]){
        {'E', {BYTES_LITERAL("2<bob@fabrikam.com>\0NOTIFY=NEVER\0"), CONTINUE}}, {0}};
    pass(&passage);
    assert_int_equal(passage.outcome.verdict, FILTER_CONTINUE);
    const struct filter_changes *changes = filter_run_changes(passage.run);
    assert_int_equal(changes->added_count, 2);
    assert_true(bytes_equal(changes->added[0], BYTES_LITERAL("eve@fabrikam.com")));
    assert_true(bytes_equal(changes->added[1], BYTES_LITERAL("bob@fabrikam.com")));
    assert_int_equal(changes->removed_count, 1);
    assert_true(bytes_equal(changes->removed[0], BYTES_LITERAL("kate@fabrikam.com")));
    assert_true(changes->has_sender && changes->sender.len == 0);
    assert_string_equal(changes->quarantine, "looks bad");
    passage_done(&passage);
}

/* -- failures -- */

static const struct {
    enum filter_default on_failure;
    enum filter_verdict verdict;
} DEFAULTS[] = {
    {FILTER_DEFAULT_TEMPFAIL, FILTER_TEMPFAIL},
    {FILTER_DEFAULT_ACCEPT, FILTER_CONTINUE},
    {FILTER_DEFAULT_REJECT, FILTER_REJECT},
};

/* The first of two filters is lost at its n-th answer, for every n there is. */
static void a_filter_that_hangs_up_at_any_moment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DEFAULTS / sizeof DEFAULTS[0]; i++) {
        for (int n = 0; n < (int)sizeof EVERY_STEP - 1; n++) {
            struct passage passage;
            passage_init(&passage, 2);
            passage.milters.list.on_failure = DEFAULTS[i].on_failure;
            passage.milters.milters[0].hang_up_after = n;
            pass(&passage);
            assert_int_equal(passage.outcome.verdict, DEFAULTS[i].verdict);
            if (DEFAULTS[i].verdict == FILTER_CONTINUE) {
                assert_string_equal(passage.milters.milters[1].steps, EVERY_STEP);
            } else {
                assert_true(passage.outcome.is_default);
                assert_string_equal(passage.outcome.filter, "first");
            }
            expect_message(&passage, HEADER, CONTENT);
            passage_done(&passage);
        }
    }
}

static void a_filter_that_says_nothing_in_time(void **state)
{
    (void)state;
    for (const char *step = "OCMRLBE"; *step != '\0'; step++) {
        struct passage passage;
        passage_init(&passage, 1);
        const struct fake_answer answers[] = {{*step, {{0}}}, {0}};
        passage.milters.milters[0].answers = answers;
        passage.run = filter_run_start(&passage.milters.filters, &passage.facts, on_outcome, &passage);
        for (unsigned asked = 0; asked < 3; asked++) {
            fake_milters_pump(&passage.milters);
            if (passage.outcomes == asked) {
                fake_milters_advance(&passage.milters, passage.milters.list.timeout_ms - 1);
                assert_int_equal(passage.outcomes, asked);
                fake_milters_advance(&passage.milters, 1);
                assert_int_equal(passage.outcomes, asked + 1);
                break;
            }
            if (asked == 0) {
                filter_run_recipient(passage.run, BYTES_LITERAL("kate@fabrikam.com"));
            } else if (asked == 1) {
                filter_run_content(passage.run, &passage.header, &passage.body);
            }
        }
        assert_int_equal(passage.outcome.verdict, FILTER_TEMPFAIL);
        assert_true(passage.outcome.is_default);
        passage_done(&passage);
    }
}

static const struct bytes NONSENSE[] = {
    BYTES_LITERAL("?"),           BYTES_LITERAL("O"),
    BYTES_LITERAL("y250 fine\0"), BYTES_LITERAL("y55x no\0"),
    BYTES_LITERAL("h\0y\0"),      BYTES_LITERAL("hX-Half\0y"),
    BYTES_LITERAL("hX: Y\0z\0"),  BYTES_LITERAL("hX\r\nY\0z\0"),
    BYTES_LITERAL("i\0\0"),       BYTES_LITERAL("m\0\0\0\1"),
    BYTES_LITERAL("+no end"),     BYTES_LITERAL("e"),
    BYTES_LITERAL("q"),           BYTES_LITERAL("s"),
};

/* Before it a change that would be fine: half of what a filter wants is none of it. */
static void nonsense_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NONSENSE / sizeof NONSENSE[0]; i++) {
        struct passage passage;
        passage_init(&passage, 1);
        const struct fake_answer answers[] = {{'E', {ADD_X, NEW_BODY, NONSENSE[i], CONTINUE}}, {0}};
        passage.milters.milters[0].answers = answers;
        pass(&passage);
        if (passage.outcome.verdict != FILTER_TEMPFAIL || !passage.outcome.is_default) {
            fail_msg("row %zu", i);
        }
        expect_message(&passage, HEADER, CONTENT);
        assert_int_equal(filter_run_changes(passage.run)->added_count, 0);
        passage_done(&passage);
    }
}

static void lengths_are_bounded(void **state)
{
    static const char *const LENGTHS[] = {"\0\0\0\0", "\xff\xff\xff\xff", "\0\x10\0\1"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct passage passage;
        passage_init(&passage, 1);
        passage.milters.milters[0].answers = (const struct fake_answer[]){{'C', {{0}}}, {0}};
        passage.run = filter_run_start(&passage.milters.filters, &passage.facts, on_outcome, &passage);
        fake_milters_pump(&passage.milters);
        fake_milter_feed(&passage.milters.milters[0], (struct bytes){LENGTHS[i], 4});
        fake_milters_pump(&passage.milters);
        assert_int_equal(passage.outcome.verdict, FILTER_TEMPFAIL);
        assert_int_equal(passage.outcomes, 1);
        passage_done(&passage);
    }
}

static void more_recipients_than_anybody_adds(void **state)
{
    struct passage passage;
    (void)state;
    passage_init(&passage, 1);
    passage.milters.milters[0].answers = (const struct fake_answer[]){{'E', {{0}}}, {0}};
    passage.run = filter_run_start(&passage.milters.filters, &passage.facts, on_outcome, &passage);
    fake_milters_pump(&passage.milters);
    filter_run_content(passage.run, &passage.header, &passage.body);
    fake_milters_pump(&passage.milters);
    for (int i = 0; i < 1001; i++) {
        fake_milter_say(&passage.milters.milters[0], BYTES_LITERAL("+a@b.example\0"));
    }
    fake_milter_say(&passage.milters.milters[0], CONTINUE);
    fake_milters_pump(&passage.milters);
    assert_int_equal(passage.outcome.verdict, FILTER_TEMPFAIL);
    assert_int_equal(filter_run_changes(passage.run)->added_count, 0);
    passage_done(&passage);
}

/* The session ended: the run goes with it, at every answer there is. */
static void the_run_is_freed_at_any_moment(void **state)
{
    (void)state;
    for (const char *step = "OCHMRTLNBE"; *step != '\0'; step++) {
        struct passage passage;
        passage_init(&passage, 2);
        const struct fake_answer answers[] = {{*step, {{0}}}, {0}};
        passage.milters.milters[0].answers = answers;
        passage.run = filter_run_start(&passage.milters.filters, &passage.facts, on_outcome, &passage);
        fake_milters_pump(&passage.milters);
        if (passage.outcomes == 1) {
            filter_run_recipient(passage.run, BYTES_LITERAL("kate@fabrikam.com"));
            fake_milters_pump(&passage.milters);
        }
        if (passage.outcomes == 2) {
            filter_run_content(passage.run, &passage.header, &passage.body);
            fake_milters_pump(&passage.milters);
        }
        unsigned before = passage.outcomes;
        filter_run_free(passage.run);
        passage.run = NULL;
        fake_milters_advance(&passage.milters, 60000);
        assert_int_equal(passage.outcomes, before);
        passage_done(&passage);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_asked_in_their_order),
        cmocka_unit_test(the_right_goes_past_antispam_filters_alone),
        cmocka_unit_test(who_accepted_hears_no_more),
        cmocka_unit_test(what_a_filter_does_not_want_is_not_sent),
        cmocka_unit_test(a_filter_is_told_whose_session_it_is),
        cmocka_unit_test(a_refusal_at_any_step_ends_it),
        cmocka_unit_test(changes_of_the_envelope_are_collected),
        cmocka_unit_test(a_filter_that_hangs_up_at_any_moment),
        cmocka_unit_test(a_filter_that_says_nothing_in_time),
        cmocka_unit_test(nonsense_changes_nothing),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(more_recipients_than_anybody_adds),
        cmocka_unit_test(the_run_is_freed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
