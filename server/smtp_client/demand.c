#include "smtp_client/demand.h"

#include "mail/domain.h"

#include <stdio.h>

enum smtp_step demand_next_step(const struct smtp_demand *demand, const struct smtp_situation *situation,
                                const char **out_why)
{
    bool is_tls_possible = situation->offers_tls && !situation->is_tls_refused;
    if (demand->tls != TLS_DEMAND_NEVER && !situation->is_tls && is_tls_possible)
        return SMTP_STEP_STARTTLS;
    if (demand->tls == TLS_DEMAND_ALWAYS && !situation->is_tls) {
        *out_why = demand->needs_authentication ? "451 5.7.3 Require STARTTLS to do basic authentication"
                                                : "451 5.7.3 STARTTLS is required to send mail";
        return SMTP_STEP_LEAVE;
    }
    if (!demand->needs_authentication || situation->is_authenticated)
        return SMTP_STEP_READY;
    if (situation->offers_mechanism)
        return SMTP_STEP_AUTHENTICATE;
    *out_why = "451 5.7.3 Require basic authentication";
    return SMTP_STEP_LEAVE;
}

static bool holds_domain(const struct smtp_demand *demand, const struct tls_result *result)
{
    char below[DOMAIN_TEXT_SIZE + 1];
    if (!demand->domain || tls_certificate_holds(result->peer, demand->domain))
        return true;
    snprintf(below, sizeof below, ".%s", demand->domain);
    return demand->domain_has_hosts && tls_certificate_holds(result->peer, below);
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
    if (demand->dane ? !result->has_dane : !demand->needs_trust && !asks_name)
        return CERTIFICATE_GOOD_ENOUGH;
    if (!result->peer)
        return CERTIFICATE_MISSING;
    /* A name is worth nothing on a certificate that anybody may have made. */
    if (!result->is_trusted)
        return CERTIFICATE_NOT_TRUSTED;
    if (demand->dane)
        return CERTIFICATE_GOOD_ENOUGH;
    bool is_asked_for = holds_domain(demand, result) && holds_host(demand, result);
    return is_asked_for ? CERTIFICATE_GOOD_ENOUGH : CERTIFICATE_OF_ANOTHER;
}
