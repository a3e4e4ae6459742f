/* XEXCH50: what Exchange 2000 and 2003 send besides a message, as so many octets behind 354. They are counted
 * off and dropped: SCL and the rest travel as header fields here. Facts 8.2. */
#include "smtp_server/session_internal.h"

#include "policy/exch50.h"

/* "size recipients". What is dropped needs no more than this. */
#define BLOB_MAX       (1u << 20)
#define RECIPIENTS_MAX UINT32_MAX

static bool parse(struct bytes arguments, uint64_t *out_size)
{
    struct bytes size, recipients = arguments;
    uint64_t count;
    return bytes_next(&recipients, ' ', &size) && bytes_to_u64(size, BLOB_MAX, out_size) == OK &&
           bytes_to_u64(bytes_trim(recipients), RECIPIENTS_MAX, &count) == OK;
}

void verb_xexch50(struct smtp_session *session, const struct command_line *command)
{
    uint64_t size;
    if (!(session->offered & OFFER_XEXCH50)) {
        session_fault(session, REPLY_EXCH50_OFF);
        return;
    }
    struct decision decision = exch50_check(&session->rights);
    if (!session_allows(session, &decision, RIGHT_SMTP_ACCEPT_EXCH50)) {
        session_refuse(session, reply_of_reason(decision.reason), &decision, (struct bytes){0},
                       (struct bytes){0});
        return;
    }
    if (!parse(command->arguments, &size)) {
        session_fault(session, REPLY_EXCH50_FORMAT);
        return;
    }
    if (session->state != SESSION_RECIPIENTS) {
        session_fault(session, session_state_row((enum session_state)session->state)->out_of_place);
        return;
    }
    session->chunk = (struct chunk){.size = size, .left = size, .is_open = true, .reply = REPLY_EXCH50_OK};
    session_answer(session, REPLY_EXCH50_START);
}
