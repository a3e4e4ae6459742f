#include "directory/handle.h"

#include "directory/berval.h"
#include "directory/entry_message.h"
#include "directory/result_code.h"
#include "directory/uri.h"
#include "directory/wiped_write.h"

#include <fcntl.h>
#include <sasl/sasl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_DEADLINE_MS 10000
#define SYSTEM_CA_FILE      "/etc/ssl/certs/ca-certificates.crt"
#define PDU_BYTES_MAX       (ENTRY_BYTES_MAX + 65536u)

/* What the steps of opening share. */
struct opening {
    struct handle *handle;
    const struct directory_config *config;
    const char *uri;
    struct uri_kind kind;
    uint64_t deadline_ms;
    struct note *note;
};

/* libldap would read /etc/ldap/ldap.conf, ~/.ldaprc and ./ldaprc and take, say, TLS_REQCERT never from there.
 * And it writes to sockets with write(2): a peer that is gone would end the process. Tickets got with a
 * keytab are renewed by libkrb5 as they age; they need not lie in a file. */
void directory_prepare_process(const char *client_keytab)
{
    static atomic_flag is_done = ATOMIC_FLAG_INIT;
    struct sigaction action;
    if (atomic_flag_test_and_set(&is_done))
        return;
    setenv("LDAPNOINIT", "1", 1);
    if (client_keytab && access(client_keytab, R_OK) == 0)
        setenv("KRB5_CLIENT_KTNAME", client_keytab, 0);
    if (getenv("KRB5_CLIENT_KTNAME"))
        setenv("KRB5CCNAME", "MEMORY:dirrelay", 0);
    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static enum error fail(struct opening *opening, const char *step, int code)
{
    char *detail = NULL;
    ldap_get_option(opening->handle->ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
    note_set(opening->note, "%s: %s: %s%s%s", opening->uri, step, ldap_err2string(code),
             detail && *detail ? ", " : "", detail && *detail ? detail : "");
    ldap_memfree(detail);
    enum error error = result_code_error(code);
    return error == OK || error == ERROR_NOT_FOUND || error == ERROR_LIMIT ? ERROR_TEMPORARY : error;
}

static int on_connect(LDAP *ldap, Sockbuf *buffer, LDAPURLDesc *server, struct sockaddr *address,
                      struct ldap_conncb *callback)
{
    (void)ldap;
    (void)server;
    (void)address;
    int descriptor = -1;
    ber_sockbuf_ctrl(buffer, LBER_SB_OPT_GET_FD, &descriptor);
    ber_len_t most = PDU_BYTES_MAX;
    ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &most);
    if (descriptor >= 0)
        fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    watchdog_guard(callback->lc_arg, descriptor);
    return 0;
}

static void on_disconnect(LDAP *ldap, Sockbuf *buffer, struct ldap_conncb *callback)
{
    (void)ldap;
    (void)buffer;
    watchdog_guard(callback->lc_arg, -1);
}

struct option_row {
    int option;
    const void *value;
};

static enum error set_options(struct opening *opening, const struct option_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ldap_set_option(opening->handle->ldap, rows[i].option, rows[i].value) != LDAP_OPT_SUCCESS)
            return fail(opening, "option", LDAP_PARAM_ERROR);
    return OK;
}

static enum error set_basics(struct opening *opening)
{
    static const int version = LDAP_VERSION3, none = 0, idle_s = 30, interval_s = 10, probes = 3;
    static const int never = LDAP_DEREF_NEVER;
    const int user_timeout_ms = (int)(3 * opening->deadline_ms);
    const struct timeval limit = {
        .tv_sec = (time_t)(opening->deadline_ms / 1000),
        .tv_usec = (suseconds_t)(opening->deadline_ms % 1000 * 1000),
    };
    const struct option_row rows[] = {
        {LDAP_OPT_PROTOCOL_VERSION, &version},
        {LDAP_OPT_REFERRALS, LDAP_OPT_OFF}, /* matrix D5: no bind is ever sent elsewhere */
        {LDAP_OPT_RESTART, LDAP_OPT_ON},
        {LDAP_OPT_DEREF, &never},
        {LDAP_OPT_SIZELIMIT, &none},
        {LDAP_OPT_TIMELIMIT, &none},
        {LDAP_OPT_NETWORK_TIMEOUT, &limit},
        {LDAP_OPT_TIMEOUT, &limit},
        {LDAP_OPT_X_KEEPALIVE_IDLE, &idle_s},
        {LDAP_OPT_X_KEEPALIVE_INTERVAL, &interval_s},
        {LDAP_OPT_X_KEEPALIVE_PROBES, &probes},
        {LDAP_OPT_TCP_USER_TIMEOUT, &user_timeout_ms},
        {LDAP_OPT_X_SASL_NOCANON, LDAP_OPT_ON},
        {LDAP_OPT_CONNECT_CB, &opening->handle->on_connect},
    };
    return set_options(opening, rows, sizeof rows / sizeof *rows);
}

/* Terms that GnuTLS and OpenSSL both understand; the new context comes last and reads the files. */
static enum error set_tls(struct opening *opening)
{
    static const int demand = LDAP_OPT_X_TLS_DEMAND, least = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, is_server = 0;
    const char *ca_file = opening->config->ca_file ? opening->config->ca_file : SYSTEM_CA_FILE;
    if (access(ca_file, R_OK) != 0) {
        note_set(opening->note, "%s: the CA file %s can not be read", opening->uri, ca_file);
        return ERROR_SYNTAX;
    }
    const struct option_row rows[] = {
        {LDAP_OPT_X_TLS_CACERTFILE, ca_file},
        {LDAP_OPT_X_TLS_REQUIRE_CERT, &demand},
        {LDAP_OPT_X_TLS_PROTOCOL_MIN, &least},
        {LDAP_OPT_X_TLS_NEWCTX, &is_server},
    };
    return set_options(opening, rows, sizeof rows / sizeof *rows);
}

static bool wants_start_tls(const struct opening *opening)
{
    if (opening->kind.is_tls || opening->kind.is_local_socket || opening->config->start_tls_never)
        return false;
    return opening->config->start_tls_always || !opening->kind.is_loopback;
}

static enum error connect_server(struct opening *opening)
{
    bool has_start_tls = wants_start_tls(opening);
    enum error error = OK;
    if (opening->kind.is_tls || has_start_tls)
        error = set_tls(opening);
    if (error != OK)
        return error;
    int code = ldap_connect(opening->handle->ldap);
    if (code != LDAP_SUCCESS)
        return fail(opening, "connect", code);
    if (has_start_tls)
        code = ldap_start_tls_s(opening->handle->ldap, NULL, NULL);
    return code == LDAP_SUCCESS ? OK : fail(opening, "StartTLS", code);
}

static enum error bind_simple(struct opening *opening)
{
    const char *password = opening->config->bind_password;
    if (!password || !*password) {
        /* RFC 4513, 5.1.2: the server would answer success and treat us as anonymous. */
        note_set(opening->note, "%s: bind_dn without a password", opening->uri);
        return ERROR_DENIED_CREDENTIALS;
    }
    struct berval secret = berval_of_bytes(bytes_of_text(password));
    int code = ldap_sasl_bind_s(opening->handle->ldap, opening->config->bind_dn, LDAP_SASL_SIMPLE, &secret,
                                NULL, NULL, NULL);
    return code == LDAP_SUCCESS ? OK : fail(opening, "bind", code);
}

static enum error bind_external(struct opening *opening)
{
    char nobody_else[] = "";
    struct berval authorization = {0, nobody_else};
    int code = ldap_sasl_bind_s(opening->handle->ldap, NULL, "EXTERNAL", &authorization, NULL, NULL, NULL);
    return code == LDAP_SUCCESS ? OK : fail(opening, "bind EXTERNAL", code);
}

/* Whatever Cyrus asks for, the ticket answers: the default or nothing. */
static int answer_with_defaults(LDAP *ldap, unsigned flags, void *defaults, void *questions)
{
    (void)ldap;
    (void)flags;
    (void)defaults;
    for (sasl_interact_t *question = questions; question->id != SASL_CB_LIST_END; question++) {
        question->result = question->defresult ? question->defresult : "";
        question->len = (unsigned)strlen(question->result);
    }
    return LDAP_SUCCESS;
}

/* Inside TLS the ticket proves who we are and TLS protects the rest (AD refuses both at once); without TLS
 * the ticket's key must encrypt. */
static enum error bind_gssapi(struct opening *opening)
{
    bool has_tls = opening->kind.is_tls || wants_start_tls(opening);
    const struct option_row protection = {LDAP_OPT_X_SASL_SECPROPS, has_tls ? "maxssf=0" : "minssf=56"};
    enum error error = set_options(opening, &protection, 1);
    if (error != OK)
        return error;
    int code = ldap_sasl_interactive_bind_s(opening->handle->ldap, NULL, "GSSAPI", NULL, NULL,
                                            LDAP_SASL_QUIET, answer_with_defaults, NULL);
    return code == LDAP_SUCCESS ? OK : fail(opening, "bind GSSAPI", code);
}

static enum error bind_identity(struct opening *opening)
{
    const char *mechanism = opening->config->sasl_mech;
    if (opening->config->bind_dn)
        return bind_simple(opening);
    if (!mechanism)
        return opening->kind.is_local_socket ? bind_external(opening) : OK;
    return strcmp(mechanism, "GSSAPI") == 0 ? bind_gssapi(opening) : bind_external(opening);
}

static enum error read_root_entry(struct opening *opening, LDAPMessage *message)
{
    struct handle *handle = opening->handle;
    struct entry_builder builder;
    struct entry_ranges ranges;
    enum error error = entry_message_begin(handle->ldap, message, &builder, &ranges);
    if (error != OK)
        return fail(opening, "rootDSE", LDAP_DECODING_ERROR);
    struct entry *root = entry_builder_finish(&builder);
    flavor_read_root(root, opening->config->flavor, &handle->info, &handle->features);
    entry_free(root);
    return OK;
}

static enum error read_root(struct opening *opening)
{
    struct handle *handle = opening->handle;
    LDAPMessage *result = NULL;
    int code = ldap_search_ext_s(handle->ldap, "", LDAP_SCOPE_BASE, "(objectClass=*)",
                                 (char **)(uintptr_t)flavor_root_attributes, 0, NULL, NULL, NULL,
                                 LDAP_NO_LIMIT, &result);
    LDAPMessage *entry = code == LDAP_SUCCESS ? ldap_first_entry(handle->ldap, result) : NULL;
    handle->info.flavor = flavor_row(opening->config->flavor)->kind;
    enum error error = code == LDAP_SUCCESS ? OK : fail(opening, "rootDSE", code);
    if (entry)
        error = read_root_entry(opening, entry);
    ldap_msgfree(result);
    return error;
}

/* From here on the loop drives the socket. */
static enum error make_nonblocking(struct opening *opening)
{
    struct handle *handle = opening->handle;
    ldap_get_option(handle->ldap, LDAP_OPT_DESC, &handle->descriptor);
    int flags = fcntl(handle->descriptor, F_GETFL);
    if (flags < 0 || fcntl(handle->descriptor, F_SETFL, flags | O_NONBLOCK) != 0)
        return fail(opening, "connect", LDAP_SERVER_DOWN);
    return OK;
}

static enum error run_steps(struct opening *opening, enum error (*const *steps)(struct opening *),
                            size_t count)
{
    enum error error = OK;
    for (size_t i = 0; error == OK && i < count; i++)
        error = steps[i](opening);
    return error;
}

static enum error open_by(enum error (*const *steps)(struct opening *), size_t count, struct handle *handle,
                          const struct directory_config *config, const char *uri, struct watchdog *watchdog,
                          struct note *note)
{
    *handle = (struct handle){.descriptor = -1, .on_connect = {on_connect, on_disconnect, watchdog}};
    struct opening opening = {.handle = handle, .config = config, .uri = uri, .note = note};
    opening.deadline_ms = handle_deadline_ms(config);
    enum error error = uri_read(uri, &opening.kind, note);
    if (error != OK)
        return error;
    memcpy(handle->info.uri, uri, strlen(uri) + 1);
    int code = ldap_initialize(&handle->ldap, uri);
    if (code != LDAP_SUCCESS) {
        note_set(note, "%s: %s", uri, ldap_err2string(code));
        return ERROR_TEMPORARY;
    }
    watchdog_arm(watchdog, opening.deadline_ms);
    error = run_steps(&opening, steps, count);
    watchdog_disarm(watchdog);
    if (error == ERROR_TIMEOUT || (error != OK && watchdog_has_bitten(watchdog))) {
        note_set(note, "%s: no answer within %llu ms", uri, (unsigned long long)opening.deadline_ms);
        error = ERROR_TIMEOUT;
    }
    if (error != OK)
        handle_close(handle, false);
    return error;
}

uint64_t handle_deadline_ms(const struct directory_config *config)
{
    return config->operation_deadline_ms ? config->operation_deadline_ms : DEFAULT_DEADLINE_MS;
}

enum error handle_open(struct handle *handle, const struct directory_config *config, const char *uri,
                       struct watchdog *watchdog, struct note *note)
{
    static enum error (*const steps[])(struct opening *) = {
        set_basics, connect_server, bind_identity, read_root, make_nonblocking,
    };
    return open_by(steps, sizeof steps / sizeof *steps, handle, config, uri, watchdog, note);
}

static enum error wipe_writes(struct opening *opening)
{
    Sockbuf *buffer = NULL;
    ldap_get_option(opening->handle->ldap, LDAP_OPT_SOCKBUF, &buffer);
    wiped_write_install(buffer);
    return OK;
}

enum error handle_connect(struct handle *handle, const struct directory_config *config, const char *uri,
                          struct watchdog *watchdog, struct note *note)
{
    static enum error (*const steps[])(struct opening *) = {set_basics, connect_server, wipe_writes};
    return open_by(steps, sizeof steps / sizeof *steps, handle, config, uri, watchdog, note);
}

void handle_close(struct handle *handle, bool is_orderly)
{
    if (!handle->ldap)
        return;
    int descriptor = -1;
    ldap_get_option(handle->ldap, LDAP_OPT_DESC, &descriptor);
    if (!is_orderly && descriptor >= 0)
        shutdown(descriptor, SHUT_RDWR);
    ldap_unbind_ext(handle->ldap, NULL, NULL);
    handle->ldap = NULL;
    handle->descriptor = -1;
}
