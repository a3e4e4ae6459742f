#include "admin/queue_json.h"

#include "admin/queue_filter.h"
#include "admin/safe_text.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

static json_t *instant(int64_t wall_ms)
{
    char shown[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(wall_ms, shown);
    return json_string(shown);
}

static json_t *recipients(const struct envelope *envelope)
{
    static const char *const STATES[] = {"pending", "delivered", "failed"};
    json_t *array = json_array();
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];
        json_array_append_new(array, json_pack("{s:o,s:s,s:o}", "address", safe_text_json(recipient->address),
                                               "state", STATES[recipient->state], "reply",
                                               safe_text_json(recipient->reply)));
    }
    return array;
}

json_t *queue_json(const struct envelope *envelope, int64_t now_ms)
{
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, envelope->id);
    int64_t next = envelope->next_attempt_ms ? envelope->next_attempt_ms : envelope->arrived_ms;
    return json_pack("{s:s,s:o,s:I,s:o,s:o,s:I,s:s,s:o,s:o,s:o,s:o}", "id", id, "sender",
                     safe_text_json(envelope->sender), "size", (json_int_t)envelope->size_bytes, "arrived",
                     instant(envelope->arrived_ms), "next", instant(next), "attempts",
                     (json_int_t)envelope->attempts, "state", queue_state(envelope, now_ms), "hop",
                     safe_text_json(envelope->hop), "recipients", recipients(envelope), "message_id",
                     safe_text_json(envelope->message_id), "connector", safe_text_json(envelope->connector));
}
