/* The limits of a session's messages, as its connector, organization and rights say (policy/limits.h). */
#include "policy/back_pressure.h"
#include "policy/limits.h"
#include "smtp_server/message_rate.h"
#include "smtp_server/session_internal.h"

uint64_t session_max_message_bytes(const struct smtp_session *session)
{
    return limits_message_bytes(session->organization, &session->rights);
}

bool session_bypasses_counts(const struct smtp_session *session)
{
    return limits_are_bypassed(session->organization, &session->rights);
}

/* The account that messages are counted for; empty without one. */
static struct bytes user_of(const struct smtp_session *session)
{
    const struct account *account = session->account;
    return account != NULL ? (struct bytes){(const char *)account->id, sizeof account->id}
                           : (struct bytes){0};
}

bool session_takes_message(const struct smtp_session *session)
{
    struct message_rate *rate = session->service->message_rate;
    return rate == NULL || session_bypasses_counts(session) ||
           message_rate_take(rate, session->connector, &stream_remote(session->stream)->address,
                             user_of(session), clock_monotonic_ms(session->service->clock));
}

bool session_is_pressed(const struct smtp_session *session, const struct address *sender)
{
    const atomic_int *pressure = session->service->pressure;
    return pressure != NULL &&
           back_pressure_refuses((enum pressure_level)atomic_load_explicit(pressure, memory_order_relaxed),
                                 session->organization, session->rights.identity, sender);
}
