#include "smtp_client/demand.h"

#define NEEDS_BASIC "451 5.7.3 Require basic authentication"

/* What is said where TLS, and where the login comes to nothing. */
static const struct {
    const char *needs_tls, *needs_login;
} LOGIN_ROWS[] = {
    [LOGIN_DEMAND_NONE] = {"451 5.7.3 STARTTLS is required to send mail", NULL},
    [LOGIN_DEMAND_PASSWORD] = {"451 5.7.3 Require STARTTLS to do basic authentication", NEEDS_BASIC},
    [LOGIN_DEMAND_TOKEN] = {"451 5.7.3 Require STARTTLS to do basic authentication", NEEDS_BASIC},
    [LOGIN_DEMAND_EXCHANGE] = {"451 5.7.3 STARTTLS is required to send mail",
                               "451 5.7.3 Cannot achieve Exchange Server authentication"},
};

const char *demand_needs_login(const struct smtp_demand *demand)
{
    return LOGIN_ROWS[demand->login].needs_login;
}

/* The way into TLS, where there is one; a refused X-ANONYMOUSTLS has no other way beside it. */
static enum smtp_step way_into_tls(const struct smtp_demand *demand, const struct smtp_situation *situation)
{
    if (demand->login == LOGIN_DEMAND_EXCHANGE && situation->offers_direct_tls)
        return situation->is_tls_refused ? SMTP_STEP_LEAVE : SMTP_STEP_DIRECT_TLS;
    bool is_possible = demand->tls != TLS_DEMAND_NEVER && situation->offers_tls && !situation->is_tls_refused;
    return is_possible ? SMTP_STEP_STARTTLS : SMTP_STEP_READY;
}

static enum smtp_step leave(const char *why, const char **out_why)
{
    *out_why = why;
    return SMTP_STEP_LEAVE;
}

enum smtp_step demand_next_step(const struct smtp_demand *demand, const struct smtp_situation *situation,
                                const char **out_why)
{
    enum smtp_step way = situation->is_tls ? SMTP_STEP_READY : way_into_tls(demand, situation);
    if (way == SMTP_STEP_STARTTLS || way == SMTP_STEP_DIRECT_TLS)
        return way;
    if (demand->tls == TLS_DEMAND_ALWAYS && !situation->is_tls)
        return leave(LOGIN_ROWS[demand->login].needs_tls, out_why);
    if (way == SMTP_STEP_LEAVE)
        return leave(demand_needs_login(demand), out_why);
    if (demand->login == LOGIN_DEMAND_NONE || situation->is_authenticated)
        return SMTP_STEP_READY;
    return situation->offers_mechanism ? SMTP_STEP_AUTHENTICATE : leave(demand_needs_login(demand), out_why);
}

static bool holds_domain(const struct smtp_demand *demand, const struct tls_result *result)
{
    if (!demand->domain)
        return true;
    return demand->domain_has_hosts ? tls_certificate_holds_domain(result->peer, demand->domain)
                                    : tls_certificate_holds(result->peer, demand->domain);
}

static bool holds_host(const struct smtp_demand *demand, const struct tls_result *result)
{
    for (size_t i = 0; i < demand->host_count; i++) {
        if (tls_certificate_holds(result->peer, demand->hosts[i]))
            return true;
    }
    return demand->host_count == 0;
}

enum certificate_flaw demand_judge(const struct smtp_demand *demand, const struct tls_result *result)
{
    bool asks_name = demand->domain || demand->host_count;
    bool is_any_good = !demand->needs_trust && !asks_name && !demand->is_mutual;
    if (demand->dane ? !result->has_dane : is_any_good)
        return CERTIFICATE_GOOD_ENOUGH;
    if (!result->peer)
        return CERTIFICATE_MISSING;
    /* A name is worth nothing on a certificate that anybody may have made. */
    if (!result->is_trusted)
        return CERTIFICATE_NOT_TRUSTED;
    if (demand->dane)
        return CERTIFICATE_GOOD_ENOUGH;
    bool is_asked_for = holds_domain(demand, result) && holds_host(demand, result);
    if (!is_asked_for)
        return CERTIFICATE_OF_ANOTHER;
    return demand->is_mutual && !result->is_identity_shown ? CERTIFICATE_NOT_MUTUAL : CERTIFICATE_GOOD_ENOUGH;
}
