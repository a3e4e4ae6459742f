#include "delivery/delivery_internal.h"

#include "auth/direct_trust.h"
#include "base/event.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 30000
#define COMMAND_MS 300000 /* RFC 5321 4.5.3.2 */
#define DATA_MS    600000
#define IDLE_MS    5000 /* an idle session is kept this long for the next message */
#define QUIT_MS    5000 /* and its place so long for the answer to QUIT */

/* Happy path: the smart host that answered last, or the domain's exchangers, resolved; greeted; transmissions
 * one after the other; idle; QUIT. Failures: no address, no connection, a refused greeting: the next address,
 * the next smart host; none left: the hop is dead for a while; the DNS says that there is none: its mail
 * fails. A session lost later concerns its transmission alone, and not even that where an old session turns
 * out to be closed. */
struct connection {
    struct list link; /* in the hop's connections */
    struct hop *hop;
    struct smtp_client *client;        /* NULL between two attempts */
    struct transmission *transmission; /* under way */
    struct destination destination;    /* the addresses of the smart host, or all of the domain's */
    bool is_resolving;
    bool has_addresses;
    bool is_ready;                              /* greeted */
    bool is_leaving;                            /* QUIT is said */
    bool in_clear;                              /* this address has lost a handshake */
    struct session_terms terms;                 /* of this session */
    const struct trusted_server *server;        /* as which the hop has proved itself; NULL: none */
    const struct certificate_set *certificates; /* a reference: of them is what is shown to the hop */
    struct tls_identity identity;
    size_t first_host;
    size_t hosts_tried;
    size_t address; /* index of the destination's targets */
    uint32_t sent_count;
    struct loop_timer idle; /* the end of idleness, then of the wait for the answer to QUIT */
};

static void try_next(struct connection *connection);

static void release(struct connection *connection)
{
    struct hop *hop = connection->hop;
    list_remove(&connection->link);
    hop->connection_count--;
    hop->delivery->connection_count--;
    hop->connecting_count -= !connection->is_ready;
    loop_timer_stop(&connection->idle);
    destination_done(&connection->destination);
    certificate_set_unref(connection->certificates);
    free(connection);
    hop_pump(hop);
}

/* Once it is ready: what may leave hangs on it. */
static enum identity peer_of(const struct connection *connection)
{
    return security_peer(connection->hop->connector, &connection->terms.demand, connection->server);
}

/* -- work -- */

static void leave(struct connection *connection)
{
    connection->is_leaving = true;
    loop_timer_start(&connection->idle, QUIT_MS);
    smtp_client_quit(connection->client);
}

static void work_or_rest(struct connection *connection)
{
    struct hop *hop = connection->hop;
    uint32_t most = hop->connector->max_messages_per_connection;
    if (hop->is_old || hop->delivery->is_stopping || (most && connection->sent_count >= most)) {
        leave(connection);
        return;
    }
    loop_timer_start(&connection->idle, IDLE_MS);
    hop_pump(hop);
}

/* Gives it the first that waits; one that cannot be read is deferred and the next is tried. */
static bool take_work(struct connection *connection)
{
    struct transmission *transmission = hop_take(connection->hop);
    if (!transmission)
        return false;
    if (transmission_start(transmission, peer_of(connection))) {
        transmission_defer(transmission,
                           BYTES_LITERAL("451 4.3.0 The message cannot be read from the queue"));
        return true;
    }
    loop_timer_stop(&connection->idle);
    connection->transmission = transmission;
    connection->sent_count++;
    transmission->connection = connection;
    smtp_client_send(connection->client, &transmission->transaction);
    return true;
}

static bool is_idle(const struct connection *connection)
{
    return connection->is_ready && !connection->is_leaving && connection->client &&
           !connection->transmission && smtp_client_is_ready(connection->client);
}

bool connection_is_any_working(const struct hop *hop)
{
    list_each(link, &hop->connections)
    {
        const struct connection *connection = list_entry(link, struct connection, link);
        if (is_idle(connection) || connection->transmission)
            return true;
    }
    return false;
}

bool connection_use_idle(struct hop *hop)
{
    list_each(link, &hop->connections)
    {
        struct connection *connection = list_entry(link, struct connection, link);
        if (is_idle(connection))
            return take_work(connection);
    }
    return false;
}

/* A hop may close a session that has been idle, or has sent enough, at the moment we use it: nothing was
 * refused then. */
static bool deserves_second_try(const struct connection *connection, const struct transmission *transmission)
{
    const struct envelope *envelope = &transmission->message->envelope;
    for (size_t i = 0; i < transmission->count; i++) {
        if (envelope->recipients[transmission->recipients[i]].state != RECIPIENT_PENDING)
            return false;
    }
    return connection->sent_count > 1 && !transmission->is_second_try && transmission->front_offset == 0 &&
           !connection->hop->is_old;
}

void connection_transmission_done(struct transmission *transmission, bool can_reuse)
{
    struct connection *connection = transmission->connection;
    struct message *message = transmission->message;
    connection->transmission = NULL;
    if (!can_reuse && deserves_second_try(connection, transmission)) {
        transmission->is_second_try = true;
        hop_queue_again(connection->hop, transmission); /* on_closed goes on */
        connection_close_idle(connection->hop);         /* the hop may have ended them all */
        return;
    }
    transmission_free(transmission);
    message_transmission_done(message);
    if (can_reuse)
        work_or_rest(connection);
}

/* -- the session -- */

/* A domain counts as one host with the addresses of all its exchangers. */
static size_t host_count(const struct hop *hop)
{
    return hop->key.domain[0] ? 1 : hop->connector->smart_host_count;
}

static size_t host_index(const struct connection *connection)
{
    return (connection->first_host + connection->hosts_tried) % host_count(connection->hop);
}

static const struct exchange_target *target_of(const struct connection *connection)
{
    return &connection->destination.targets[connection->address];
}

/* As the connector or the DNS names it; NULL: by its address alone. */
static const char *host_name(const struct connection *connection)
{
    const struct hop *hop = connection->hop;
    return hop->key.domain[0] ? target_of(connection)->name
                              : hop->connector->smart_hosts[host_index(connection)].name;
}

static void log_session(const struct connection *connection)
{
    const struct smtp_client_security *security = smtp_client_security(connection->client);
    char address[IP_TEXT_SIZE];
    struct event event;
    ip_format_address(&target_of(connection)->address, address);
    event_begin(&event, EVENT_INFO, "hop.session");
    event_bytes(&event, "hop", hop_name(connection->hop));
    event_text(&event, "host", host_name(connection));
    event_text(&event, "address", address);
    event_text(&event, "tls", security->tls_version);
    event_text(&event, "cipher", security->tls_cipher);
    if (security->tls_version)
        event_text(&event, "certificate", security->distrust ? security->distrust : "good");
    event_text(&event, "policy", connection->terms.policy);
    event_text(&event, "auth", security->mechanism);
    event_text(&event, "identity", identity_name(peer_of(connection)));
    event_end(&event, false);
}

/* What would have kept the mail here, if the domain's policy were meant in earnest. */
static void log_test(const struct connection *connection)
{
    const struct smtp_client_security *security = smtp_client_security(connection->client);
    const char *why = !security->tls_version ? "no TLS" : security->distrust;
    if (!why && security->wish_flaw)
        why = "the certificate is another host's";
    if (connection->terms.is_tested && why)
        event_say(EVENT_WARNING, "sts.failed",
                  "%s: its policy does not allow this session with %s: %s; it only tests",
                  connection->hop->key.domain, host_name(connection), why);
}

static enum error on_credential(void *owner, struct auth_credential *out, struct note *note)
{
    const struct connection *connection = owner;
    const struct hop *hop = connection->hop;
    return hop->connector->token_endpoint ? token_credential(hop, out, note)
                                          : security_credential(hop->connector, out, note);
}

/* Direct trust (facts 10.3): the hop is the server whose key the directory has. */
static bool on_server(void *owner, const struct x509_st *certificate)
{
    struct connection *connection = owner;
    connection->server = direct_trust_find(connection->hop->organization, certificate);
    return connection->server != NULL;
}

static void on_ready(void *owner)
{
    struct connection *connection = owner;
    struct hop *hop = connection->hop;
    log_session(connection);
    log_test(connection);
    connection->is_ready = true;
    hop->connecting_count--;
    hop->good_host = host_index(connection);
    hop_succeeded(hop);
    work_or_rest(connection);
}

/* The hop's last words, and which address spoke them. */
static void note_reply(struct connection *connection, struct bytes reply)
{
    char address[IP_TEXT_SIZE], text[600];
    ip_format_address(&target_of(connection)->address, address);
    int len = snprintf(text, sizeof text, "%.*s [%s]", BYTES_ARG(bytes_first(reply, 512)), address);
    hop_note(connection->hop, (struct bytes){text, (size_t)len});
}

static void on_closed(void *owner, bool is_permanent, struct bytes reply)
{
    struct connection *connection = owner;
    const struct smtp_client_security security = *smtp_client_security(connection->client);
    (void)is_permanent; /* a hop that turns us away for good may be mended: its messages wait for it until
                           they expire */
    connection->client = NULL;
    if (connection->is_ready) {
        release(connection);
        return;
    }
    note_reply(connection, reply);
    if (security.is_login_refused)
        token_forget(connection->hop);
    connection->in_clear = security.is_handshake_lost && security_may_fall_back(&connection->terms.demand);
    if (connection->in_clear)
        event_say(EVENT_WARNING, "hop.tls_failed", "%s: %s: tried again in clear",
                  connection->hop->connector->name, connection->hop->last_reply);
    else
        connection->address++;
    try_next(connection);
}

static const struct smtp_client_events EVENTS = {
    .on_ready = on_ready, .on_credential = on_credential, .on_server = on_server, .on_closed = on_closed};

/* Those of now, which the session keeps. */
static void show_certificates(struct connection *connection, struct smtp_client_config *config)
{
    const struct hop *hop = connection->hop;
    certificate_set_unref(connection->certificates);
    connection->certificates = NULL;
    if (hop->delivery->certificates)
        connection->certificates = certificate_set_ref(hop->delivery->certificates);
    if ((connection->terms.demand.is_mutual || hop->connector->tls_certificate_name) &&
        security_own_identity(hop->connector, connection->certificates, &connection->identity))
        config->identity = &connection->identity;
    if (connection->terms.demand.login == LOGIN_DEMAND_EXCHANGE &&
        security_direct_identity(&hop->organization->server, connection->certificates, &connection->identity))
        config->direct_identity = &connection->identity;
}

static enum error connect_to(struct connection *connection, const struct exchange_target *target)
{
    const struct send_connector *connector = connection->hop->connector;
    struct delivery *delivery = connection->hop->delivery;
    struct ip_endpoint endpoint = {target->address, connector->port};
    connection->server = NULL;
    terms_make(connection->hop, &connection->destination, target, connection->in_clear, &connection->terms);
    struct smtp_client_config config = {
        .helo_name = connector->fqdn,
        .force_helo = connector->outbound_security & OUTBOUND_FORCE_HELO,
        .connect_timeout_ms = CONNECT_MS,
        .command_timeout_ms =
            connector->connection_timeout_s ? connector->connection_timeout_s * UINT64_C(1000) : COMMAND_MS,
        .data_timeout_ms = DATA_MS,
        .hop_name = host_name(connection),
        .demand = connection->terms.demand,
        .wish = connection->terms.wish,
        .tls = &delivery->config.tls,
        .revocation = delivery->revocation,
        .protocol_connector = connector->protocol_logging ? connector->name : NULL,
    };
    if (connection->terms.demand.login == LOGIN_DEMAND_EXCHANGE) {
        config.keytab = delivery->config.keytab;
        config.jobs = security_jobs(delivery);
    }
    show_certificates(connection, &config);
    return smtp_client_connect(delivery->config.loop, &endpoint, &connector->source, &config, &EVENTS,
                               connection, &connection->client);
}

static void on_destination(struct destination *destination)
{
    struct connection *connection = list_entry(destination, struct connection, destination);
    struct hop *hop = connection->hop;
    connection->is_resolving = false;
    connection->has_addresses = true;
    if (destination->is_permanent && !hop->is_old) {
        hop_refused(hop, destination->reply);
        release(connection);
        return;
    }
    if (destination->reply.len)
        hop_note(hop, destination->reply);
    try_next(connection);
}

/* A literal has its address, all else is asked for: then on_destination goes on. */
static void find_addresses(struct connection *connection)
{
    struct hop *hop = connection->hop;
    const struct send_connector *connector = hop->connector;
    struct resolver *resolver = hop->delivery->resolver;
    struct destination *destination = &connection->destination;
    connection->address = 0;
    bool heeds = security_heeds_domain(connector, &hop->organization->settings, hop->key.domain);
    const struct destination_question question = {
        .domain = hop->key.domain,
        .organization = hop->organization,
        .port = connector->port,
        .is_patient = connector->error_policy == ERROR_POLICY_DOWNGRADE_DNS_FAILURES,
        .asks_dane = hop->delivery->config.asks_dane && heeds,
        .sts = heeds ? hop->delivery->sts : NULL,
    };
    if (hop->key.domain[0]) {
        connection->is_resolving = true;
        destination_find_domain(destination, resolver, &question);
        return;
    }
    connection->has_addresses = destination_find_host(
        destination, resolver, &connector->smart_hosts[host_index(connection)], &question);
    connection->is_resolving = !connection->has_addresses;
}

/* Connects to the next address there is, or declares the hop dead. */
static void try_next(struct connection *connection)
{
    struct hop *hop = connection->hop;
    const struct destination *destination = &connection->destination;
    while (connection->hosts_tried < host_count(hop) && !hop->is_old) {
        if (!connection->has_addresses)
            find_addresses(connection);
        if (connection->is_resolving)
            return;
        for (; connection->address < destination->count; connection->address++) {
            if (connect_to(connection, &destination->targets[connection->address]) == OK)
                return;
            hop_note(hop, BYTES_LITERAL("421 4.2.1 Unable to connect"));
        }
        connection->hosts_tried++;
        connection->has_addresses = false;
    }
    hop_failed(hop);
    release(connection);
}

/* -- opening and closing -- */

static void on_idle(struct loop_timer *timer)
{
    struct connection *connection = list_entry(timer, struct connection, idle);
    if (connection->is_leaving)
        smtp_client_abort(connection->client);
    else
        leave(connection);
}

void hop_connection_open(struct hop *hop)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection) {
        hop_note(hop, BYTES_LITERAL("451 4.3.0 Out of memory"));
        hop_failed(hop);
        return;
    }
    connection->hop = hop;
    connection->first_host = hop->good_host;
    connection->destination.on_done = on_destination;
    loop_timer_init(&connection->idle, hop->delivery->config.loop, on_idle);
    list_append(&hop->connections, &connection->link);
    hop->connection_count++;
    hop->delivery->connection_count++;
    hop->connecting_count++;
    try_next(connection);
}

void connection_close_idle(struct hop *hop)
{
    list_each_safe(link, &hop->connections)
    {
        struct connection *connection = list_entry(link, struct connection, link);
        if (is_idle(connection))
            leave(connection);
    }
}

static void abort_one(struct connection *connection)
{
    if (connection->is_resolving)
        destination_cancel(&connection->destination);
    else if (connection->client)
        smtp_client_abort(connection->client);
}

void connection_abort_connecting(struct hop *hop)
{
    list_each_safe(link, &hop->connections)
    {
        struct connection *connection = list_entry(link, struct connection, link);
        if (!connection->is_ready)
            abort_one(connection);
    }
}

void connection_abort_all(struct hop *hop)
{
    hop->claim_count++; /* ours: the hop must outlive the walk */
    list_each_safe(link, &hop->connections)
    {
        struct connection *connection = list_entry(link, struct connection, link);
        abort_one(connection);
    }
    hop_unclaim(hop);
}
