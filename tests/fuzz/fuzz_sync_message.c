/* room: directory */
/* The values of RFC 4533 as a hostile server would write them. */
#include "directory/sync_message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile char sink;

static void touch(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        sink = bytes.ptr[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes value = {(const char *)data, size};
    struct sync_entry entry;
    struct sync_info info;
    if (sync_message_read_entry(value, &entry) == OK) {
        touch(entry.cookie);
        sync_message_entry_done(&entry);
    }
    if (sync_message_read_info(value, &info) == OK) {
        touch(info.cookie);
        for (size_t i = 0; i < info.id_count; i++) {
            if (info.ids[i].len != 16)
                abort();
            touch(info.ids[i]);
        }
        sync_message_info_done(&info);
    }
    return 0;
}
