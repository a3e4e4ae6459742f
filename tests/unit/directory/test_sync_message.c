#include "directory/sync_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define VALUE(text)                                                                                          \
    (struct bytes)                                                                                           \
    {                                                                                                        \
        (text), sizeof(text) - 1                                                                             \
    }

static void the_request_asks_to_persist(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 256);
    assert_int_equal(sync_message_write_request((struct bytes){NULL, 0}, &out), OK);
    assert_true(bytes_equal(buffer_bytes(&out), VALUE("\x30\x03\x0a\x01\x03")));
    buffer_clear(&out);
    assert_int_equal(sync_message_write_request(BYTES_LITERAL("ab"), &out), OK);
    assert_true(bytes_equal(buffer_bytes(&out), VALUE("\x30\x07\x0a\x01\x03\x04\x02"
                                                      "ab")));
    buffer_done(&out);
}

static void an_entry_has_state_and_id(void **state)
{
    (void)state;
    struct sync_entry entry;
    assert_int_equal(sync_message_read_entry(VALUE("\x30\x15\x0a\x01\x02\x04\x10"
                                                   "0123456789abcdef"),
                                             &entry),
                     OK);
    assert_int_equal(entry.state, SYNC_STATE_MODIFY);
    assert_memory_equal(entry.id, "0123456789abcdef", 16);
    assert_int_equal(entry.cookie.len, 0);
    sync_message_entry_done(&entry);
    assert_int_equal(sync_message_read_entry(VALUE("\x30\x18\x0a\x01\x03\x04\x10"
                                                   "0123456789abcdef\x04\x01z"),
                                             &entry),
                     OK);
    assert_int_equal(entry.state, SYNC_STATE_DELETE);
    assert_true(bytes_equal(entry.cookie, BYTES_LITERAL("z")));
    sync_message_entry_done(&entry);
}

/* proves: D7 */
static void a_bad_entry_is_refused(void **state)
{
    (void)state;
    const struct bytes bad[] = {
        {NULL, 0},
        VALUE("\x30"),
        VALUE("\x30\x00"),
        VALUE("\x30\x15\x0a\x01\x04\x04\x10"
              "0123456789abcdef"),
        VALUE("\x30\x14\x0a\x01\x01\x04\x0f"
              "0123456789abcde"),
        VALUE("\x30\x84\x7f\xff\xff\xff"),
        VALUE("\x31\x15\x0a\x01\x02\x04\x7f"
              "0123456789abcdef"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sync_entry entry;
        struct sync_info info;
        assert_int_equal(sync_message_read_entry(bad[i], &entry), ERROR_PROTOCOL);
        assert_int_equal(sync_message_read_info(bad[i], &info), ERROR_PROTOCOL);
    }
}

static void each_info_is_read(void **state)
{
    (void)state;
    struct sync_info info;
    assert_int_equal(sync_message_read_info(VALUE("\x80\x01"
                                                  "c"),
                                            &info),
                     OK);
    assert_int_equal(info.kind, SYNC_INFO_COOKIE);
    assert_true(bytes_equal(info.cookie, BYTES_LITERAL("c")));
    sync_message_info_done(&info);
    assert_int_equal(sync_message_read_info(VALUE("\xa1\x00"), &info), OK);
    assert_int_equal(info.kind, SYNC_INFO_REFRESH_DELETE);
    assert_true(info.is_refresh_done);
    sync_message_info_done(&info);
    assert_int_equal(sync_message_read_info(VALUE("\xa2\x03\x01\x01\x00"), &info), OK);
    assert_int_equal(info.kind, SYNC_INFO_REFRESH_PRESENT);
    assert_false(info.is_refresh_done);
    sync_message_info_done(&info);
    assert_int_equal(sync_message_read_info(VALUE("\xa3\x29\x04\x00\x01\x01\xff\x31\x22"
                                                  "\x04\x10"
                                                  "0123456789abcdef"
                                                  "\x04\x10"
                                                  "fedcba9876543210"),
                                            &info),
                     OK);
    assert_int_equal(info.kind, SYNC_INFO_ID_SET);
    assert_true(info.are_deletes);
    assert_int_equal(info.id_count, 2);
    assert_memory_equal(info.ids[1].ptr, "fedcba9876543210", 16);
    sync_message_info_done(&info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_asks_to_persist),
        cmocka_unit_test(an_entry_has_state_and_id),
        cmocka_unit_test(a_bad_entry_is_refused),
        cmocka_unit_test(each_info_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
