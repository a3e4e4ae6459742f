/* fakes: organization dialogue */
/* However a client's bytes are cut, the replies and the stored message are the same: the messages of
 * tests/messages by DATA and by BDAT, cut once at every byte, and in pieces of every small size. */
#include "fakes/fake_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smtp_organization.h"

#define CLIENT    "10.1.0.5"
#define TEXT_MAX  (64u << 10)
#define PIECE_MAX 40

static const char *const NAMES[] = {"thunderbird", "outlook", "printer", "php-mail", "git-send-email"};

static struct organization *organization;

static int setup(void **state)
{
    (void)state;
    organization = smtp_organization(PERMISSION_MODEL_2010);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    organization_unref(organization);
    return 0;
}

static struct buffer read_message(const char *name)
{
    char path[512];
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    snprintf(path, sizeof path, TEST_SOURCE_DIR "/tests/messages/%s.eml", name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(buffer_reserve(&text, TEXT_MAX), OK);
    text.len = fread(text.ptr, 1, TEXT_MAX, file);
    assert_true(text.len > 0 && text.len < TEXT_MAX);
    fclose(file);
    return text;
}

static void append(struct buffer *out, struct bytes bytes)
{
    assert_int_equal(buffer_append(out, bytes), OK);
}

/* Line by line with CRLF; or, as printers do, with LF alone but for the last one. Dots are doubled behind
 * CRLF for DATA. */
static void append_lines(struct buffer *out, struct bytes text, bool is_bare, bool stuffs)
{
    struct bytes line;
    while (text.len > 0 && bytes_next(&text, '\n', &line)) {
        append(out, bytes_of_text(stuffs && line.len > 0 && line.ptr[0] == '.' ? "." : ""));
        append(out, line);
        append(out, bytes_of_text(is_bare && text.len > 0 ? "\n" : "\r\n"));
    }
}

/* What the client says behind 354, or from the first BDAT on. */
static struct buffer wire_of(const char *name, bool is_chunked)
{
    struct buffer text = read_message(name), wire;
    bool is_bare = strcmp(name, "printer") == 0;
    buffer_init(&wire, 4 * TEXT_MAX);
    if (!is_chunked) {
        append_lines(&wire, buffer_bytes(&text), is_bare, !is_bare);
        append(&wire, BYTES_LITERAL(".\r\n"));
    } else {
        struct buffer content;
        buffer_init(&content, 4 * TEXT_MAX);
        append_lines(&content, buffer_bytes(&text), false, false);
        struct bytes rest = buffer_bytes(&content);
        size_t half = rest.len / 3;
        assert_int_equal(buffer_printf(&wire, "BDAT %zu\r\n%.*s", half, BYTES_ARG(bytes_first(rest, half))),
                         OK);
        rest = bytes_skip(rest, half);
        assert_int_equal(buffer_printf(&wire, "BDAT %zu LAST\r\n%.*s", rest.len, BYTES_ARG(rest)), OK);
        buffer_done(&content);
    }
    buffer_done(&text);
    return wire;
}

struct result {
    struct buffer replies;
    char *message;
};

static void result_done(struct result *result)
{
    buffer_done(&result->replies);
    free(result->message);
}

/* The wire in pieces: first once, then of size each. */
static struct result run(struct bytes wire, bool is_chunked, size_t first, size_t size)
{
    struct dialogue dialogue;
    dialogue_open(&dialogue, organization, CLIENT);
    dialogue_send(&dialogue, BYTES_LITERAL("EHLO client.example\r\n"));
    dialogue_send(&dialogue, BYTES_LITERAL("MAIL FROM:<a@b.example>\r\nRCPT TO:<kate@fabrikam.com>\r\n"));
    if (!is_chunked) {
        dialogue_send(&dialogue, BYTES_LITERAL("DATA\r\n"));
    }
    for (size_t length = first; wire.len > 0; length = size) {
        dialogue_send(&dialogue, bytes_first(wire, length));
        wire = bytes_skip(wire, length);
    }
    assert_int_equal(dialogue_message_count(&dialogue), 1);
    struct result result = {.replies = dialogue.output, .message = dialogue_message(&dialogue, 0)};
    buffer_init(&dialogue.output, 0);
    dialogue_close(&dialogue);
    return result;
}

static void compare(const struct result *whole, struct bytes wire, bool is_chunked, size_t first, size_t size)
{
    struct result cut = run(wire, is_chunked, first, size);
    if (!bytes_equal(buffer_bytes(&whole->replies), buffer_bytes(&cut.replies)) ||
        strcmp(whole->message, cut.message) != 0) {
        fail_msg("cut at %zu, then every %zu bytes: %s", first, size, cut.message);
    }
    result_done(&cut);
}

static void every_cut(bool is_chunked)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct buffer wire = wire_of(NAMES[i], is_chunked);
        struct bytes bytes = buffer_bytes(&wire);
        struct result whole = run(bytes, is_chunked, bytes.len, bytes.len);
        for (size_t at = 1; at < bytes.len; at++) {
            compare(&whole, bytes, is_chunked, at, bytes.len);
        }
        for (size_t size = 1; size <= PIECE_MAX; size++) {
            compare(&whole, bytes, is_chunked, size, size);
        }
        result_done(&whole);
        buffer_done(&wire);
    }
}

/* proves: F10 */
static void data_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    every_cut(false);
}

/* proves: F8 F10 */
static void chunks_are_the_same_however_they_are_cut(void **state)
{
    (void)state;
    every_cut(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_the_same_however_it_is_cut),
        cmocka_unit_test(chunks_are_the_same_however_they_are_cut),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
