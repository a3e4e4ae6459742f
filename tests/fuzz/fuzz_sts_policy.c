/* room: policy */
/* MTA-STS records and policies from anybody: whatever they hold, only exchangers that a pattern names are
 * allowed. The first byte says which of the two the rest is. */
#include "policy/sts_policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_policy(struct bytes text)
{
    struct sts_policy policy;
    struct note note = {0};
    enum error error = sts_policy_parse(text, &policy, &note);
    if (error == OK && policy.lifetime_s > STS_LIFETIME_MAX_S)
        abort();
    if (sts_policy_allows(&policy, "") ||
        (policy.patterns.len == 0 && sts_policy_allows(&policy, "mx.example")))
        abort();
    sts_policy_done(&policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char id[STS_ID_SIZE];
    if (size == 0)
        return 0;
    struct bytes rest = {(const char *)data + 1, size - 1};
    if (data[0] != 'r')
        read_policy(rest);
    else if (sts_record_read(rest, id) == OK && (strlen(id) == 0 || strlen(id) >= sizeof id))
        abort();
    return 0;
}
