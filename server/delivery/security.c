#include "delivery/delivery_internal.h"
#include "loop/jobs.h"
#include "policy/domain_security.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the send connector's words mean for a session: TLS, certificate, login. */

#define LOGIN_WORKERS 4
#define LOGIN_QUEUE   64

static bool has_auth(const struct send_connector *connector, uint32_t mechanism)
{
    return (connector->send_flags & SEND_AUTH_MASK) == mechanism;
}

static enum tls_demand tls_of(const struct send_connector *connector, bool in_clear)
{
    if ((connector->outbound_security & OUTBOUND_REQUIRE_TLS) ||
        has_auth(connector, SEND_AUTH_BASIC_REQUIRE_TLS))
        return TLS_DEMAND_ALWAYS;
    bool is_unwanted = in_clear || (connector->outbound_security & OUTBOUND_IGNORE_STARTTLS);
    return is_unwanted ? TLS_DEMAND_NEVER : TLS_DEMAND_OFFERED;
}

static enum login_demand login_of(const struct send_connector *connector)
{
    if (connector->token_endpoint)
        return LOGIN_DEMAND_TOKEN;
    if (has_auth(connector, SEND_AUTH_EXCHANGE_SERVER))
        return LOGIN_DEMAND_EXCHANGE;
    return has_auth(connector, SEND_AUTH_BASIC) || has_auth(connector, SEND_AUTH_BASIC_REQUIRE_TLS)
               ? LOGIN_DEMAND_PASSWORD
               : LOGIN_DEMAND_NONE;
}

/* Without TlsDomain the domain itself is asked for, and its exchanger may bear any name below it. */
void security_demand(const struct send_connector *connector, const char *domain, bool in_clear,
                     struct smtp_demand *out)
{
    uint32_t level = connector->send_flags & SEND_TLS_AUTH_LEVEL_MASK;
    bool has_domain = level == SEND_TLS_DOMAIN_VALIDATION;
    bool is_host_proven = has_auth(connector, SEND_AUTH_BASIC_REQUIRE_TLS);
    *out = (struct smtp_demand){
        .tls = tls_of(connector, in_clear),
        .needs_trust = level == SEND_TLS_CERTIFICATE_VALIDATION || has_domain || is_host_proven,
        .domain = !has_domain             ? NULL
                  : connector->tls_domain ? connector->tls_domain
                                          : domain,
        .domain_has_hosts = has_domain && !connector->tls_domain,
        .hosts = connector->smart_host_names,
        .host_count = is_host_proven ? connector->smart_host_name_count : 0,
        .login = login_of(connector),
    };
}

bool security_heeds_domain(const struct send_connector *connector, const struct transport_settings *settings,
                           const char *domain)
{
    struct smtp_demand demand;
    security_demand(connector, domain, false, &demand);
    return demand.tls != TLS_DEMAND_NEVER && !demand.needs_trust &&
           !(connector->outbound_security & OUTBOUND_FORCE_HELO) &&
           !domain_security_sends(connector, settings, bytes_of_text(domain));
}

void security_demand_dane(const struct dane *dane, struct smtp_demand *demand)
{
    demand->tls = TLS_DEMAND_ALWAYS;
    demand->dane = dane;
}

bool security_vouches(const struct send_connector *connector)
{
    return (connector->send_flags & SEND_AUTH_MASK) != 0;
}

void security_demand_sts(const char *const *exchanger, struct smtp_demand *demand)
{
    demand->tls = TLS_DEMAND_ALWAYS;
    demand->needs_trust = true;
    demand->hosts = exchanger;
    demand->host_count = 1;
}

/* -- certificates of both sides -- */

void security_demand_mutual(const char *domain, struct smtp_demand *demand)
{
    demand->tls = TLS_DEMAND_ALWAYS;
    demand->needs_trust = true;
    demand->domain = domain;
    demand->domain_has_hosts = true;
    demand->is_mutual = true;
}

static bool find_identity(const struct certificate_set *certificates, const struct certificate_wish *wish,
                          struct tls_identity *out)
{
    size_t index = certificate_set_choose(certificates, wish);
    if (!certificates || index == certificate_set_count(certificates))
        return false;
    const struct certificate *own = certificate_set_at(certificates, index);
    *out = (struct tls_identity){own->leaf, own->key, own->chain};
    return true;
}

bool security_direct_identity(const struct server *server, const struct certificate_set *certificates,
                              struct tls_identity *out)
{
    const struct certificate_wish wish = {.internal = server->internal_certificate};
    return wish.internal.len > 0 && find_identity(certificates, &wish, out);
}

bool security_own_identity(const struct send_connector *connector, const struct certificate_set *certificates,
                           struct tls_identity *out)
{
    const struct certificate_wish wish = {.certificate_name = connector->tls_certificate_name,
                                          .fqdn = connector->fqdn};
    return find_identity(certificates, &wish, out);
}

/* A hop that knows us by the certificate would refuse for good what comes without. */
bool security_is_ready(struct hop *hop)
{
    struct tls_identity identity;
    if (!hop->connector->tls_certificate_name ||
        security_own_identity(hop->connector, hop->delivery->certificates, &identity))
        return true;
    hop_note(hop, BYTES_LITERAL("454 4.7.5 TlsCertificateName names none of this server's certificates"));
    hop_failed(hop);
    return false;
}

enum identity security_peer(const struct send_connector *connector, const struct smtp_demand *demand,
                            const struct trusted_server *proven)
{
    if (proven)
        return proven->identity;
    if (demand->is_mutual)
        return IDENTITY_PARTNER;
    return demand->login == LOGIN_DEMAND_EXCHANGE ? IDENTITY_LEGACY : send_connector_peer(connector);
}

bool security_may_fall_back(const struct smtp_demand *demand)
{
    return demand->tls == TLS_DEMAND_OFFERED && demand->login != LOGIN_DEMAND_EXCHANGE;
}

struct jobs *security_jobs(struct delivery *delivery)
{
    if (!delivery->jobs && jobs_new("logins", LOGIN_WORKERS, LOGIN_QUEUE, &delivery->jobs))
        return NULL;
    return delivery->jobs;
}

/* -- the login -- */

/* What the file holds up to size bytes, without the line end behind it. */
static enum error read_line(int file, char *out, size_t size, size_t *out_len)
{
    struct stat status;
    ssize_t len = fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? read(file, out, size) : -1;
    if (len < 0)
        return ERROR_IO;
    struct bytes text = {out, (size_t)len};
    text.len -= bytes_ends_nocase(text, "\n");
    text.len -= bytes_ends_nocase(text, "\r");
    *out_len = text.len;
    return OK;
}

enum error security_read_secret(const char *path, const char *name, char out[AUTH_PASSWORD_MAX + 1],
                                struct note *note)
{
    char text[AUTH_PASSWORD_MAX + 3]; /* a line end, and one byte too many */
    size_t len = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    enum error error = file < 0 ? ERROR_IO : read_line(file, text, sizeof text, &len);
    if (file >= 0)
        close(file);
    bool is_password = !error && len > 0 && len <= AUTH_PASSWORD_MAX && !memchr(text, '\0', len);
    if (error)
        note_set(note, "%s cannot be read", name);
    else if (!is_password)
        note_set(note, "%s holds no secret", name);
    if (is_password) {
        memcpy(out, text, len);
        out[len] = '\0';
    }
    explicit_bzero(text, sizeof text);
    return is_password ? OK : ERROR_IO;
}

enum error security_credential(const struct send_connector *connector, struct auth_credential *out,
                               struct note *note)
{
    struct bytes user = bytes_of_text(connector->login_user);
    struct bytes password = bytes_of_text(connector->login_password);
    if (user.len > AUTH_USER_MAX || password.len > AUTH_PASSWORD_MAX)
        return ERROR_IO;
    memcpy(out->user, user.ptr, user.len + 1);
    if (connector->login_password_file)
        return security_read_secret(connector->login_password_file, "dirrelaySmartHostPasswordFile",
                                    out->password, note);
    memcpy(out->password, password.ptr, password.len + 1);
    return OK;
}
