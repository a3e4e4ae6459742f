#include "directory/usn.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const usn_root_attributes[] = {"highestCommittedUSN", "dsServiceName", NULL};
const char *const usn_server_attributes[] = {"invocationId", NULL};

enum error usn_read_root(const struct entry *root, uint64_t *out_highest, struct bytes *out_server_dn)
{
    int64_t highest;
    struct bytes server_dn;
    if (entry_integer(root, "highestCommittedUSN", 0, INT64_MAX - 1, &highest) != OK ||
        entry_text(root, "dsServiceName", &server_dn) != OK)
        return ERROR_PROTOCOL;
    *out_highest = (uint64_t)highest;
    *out_server_dn = server_dn;
    return OK;
}

bool usn_read_invocation(const struct entry *server, uint8_t out[16])
{
    const struct attribute *found = entry_find(server, "invocationId");
    if (!found || found->value_count != 1 || found->values[0].len != 16)
        return false;
    memcpy(out, found->values[0].ptr, 16);
    return true;
}

bool usn_may_continue(const struct usn_watermark *mark, const struct usn_state *state)
{
    return mark->is_set && state->has_invocation && state->highest >= mark->usn &&
           memcmp(mark->invocation, state->invocation, sizeof mark->invocation) == 0;
}

void usn_advance(struct usn_watermark *mark, const struct usn_state *state)
{
    *mark = (struct usn_watermark){.is_set = state->has_invocation, .usn = state->highest};
    memcpy(mark->invocation, state->invocation, sizeof mark->invocation);
}

enum error usn_write_filter(const struct usn_watermark *mark, const char *filter, struct buffer *out)
{
    char condition[64];
    snprintf(condition, sizeof condition, "(&(uSNChanged>=%" PRIu64 ")", mark->usn + 1);
    enum error error = buffer_append_text(out, condition);
    if (error == OK)
        error = buffer_append_text(out, filter);
    if (error == OK)
        error = buffer_append(out, BYTES_LITERAL(")\0"));
    return error;
}
