#include "auth/ntlm.h"

#include "auth/gss_acceptor.h"
#include "auth/ntlm_message.h"
#include "auth/principal_name.h"

#include <stdlib.h>
#include <unistd.h>

#define WINBINDD_SOCKET "/run/samba/winbindd/pipe" /* built into libwbclient */

struct ntlm {
    struct conversation face;
    struct gss_acceptor acceptor;
    enum extended_protection protection;
    struct tls_end_point end_point;
    bool names_channel; /* the last message */
    char user[PRINCIPAL_NAME_SIZE];
};

/* 1.3.6.1.4.1.311.2.2.10 */
static gss_OID_desc mechanism = {10, (void *)(uintptr_t) "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};
static const struct gss_kind kind = {.label = "NTLM", .mechanisms = {1, &mechanism}};

static bool is_installed(void)
{
    OM_uint32 minor;
    gss_OID_set all = GSS_C_NO_OID_SET;
    int is_member = 0;
    if (GSS_ERROR(gss_indicate_mechs(&minor, &all)))
        return false;
    gss_test_oid_set_member(&minor, &mechanism, all, &is_member);
    gss_release_oid_set(&minor, &all);
    return is_member != 0;
}

/* Without one of them the plugin would refuse everybody. */
static bool has_verifier(void)
{
    const char *users = getenv("NTLM_USER_FILE");
    return access(WINBINDD_SOCKET, F_OK) == 0 || (users && access(users, R_OK) == 0);
}

enum error ntlm_look(struct note *note)
{
    OM_uint32 minor;
    gss_cred_id_t credential = GSS_C_NO_CREDENTIAL;
    const char *missing = !is_installed()   ? "gss-ntlmssp is not installed"
                          : !has_verifier() ? "no winbindd of a domain member runs here"
                                            : NULL;
    if (missing) {
        note_set(note, "%s", missing);
        return ERROR_NOT_FOUND;
    }
    enum error error = gss_acceptor_acquire(&kind, "smtp", &credential, note);
    gss_release_cred(&minor, &credential);
    return error;
}

static enum auth_step finish(struct ntlm *ntlm)
{
    if (ntlm->protection == EXTENDED_PROTECTION_REQUIRE && !ntlm->names_channel)
        return conversation_refuse(&ntlm->face, AUTH_STEP_REFUSED,
                                   "the answer names no channel (ExtendedProtectionPolicy)");
    enum error error = principal_name_of_ntlm(ntlm->acceptor.peer, ntlm->user, &ntlm->face.why);
    ntlm->face.name_kind = ACCOUNT_NAME_NTLM;
    ntlm->face.name = bytes_of_text(ntlm->user);
    return conversation_step_of(error);
}

/* Some releases of the plugin refuse an answer that names no channel once they are told of one, others let it
 * pass: it is told of one only where it has something to compare. */
static bool is_compared(const struct ntlm *ntlm)
{
    return ntlm->protection != EXTENDED_PROTECTION_NONE && ntlm->end_point.len > 0 && ntlm->names_channel;
}

static enum auth_step accept(struct ntlm *ntlm, struct bytes input)
{
    struct conversation *conversation = &ntlm->face;
    struct buffer message;
    buffer_init(&message, AUTH_MESSAGE_MAX + NTLM_COMPLETION_MAX);
    enum auth_step step =
        ntlm_message_complete(input, &message) == OK
            ? gss_acceptor_step(&ntlm->acceptor, buffer_bytes(&message),
                                is_compared(ntlm) ? &ntlm->end_point : NULL, &conversation->why)
            : conversation_refuse(conversation, AUTH_STEP_UNAVAILABLE, "no memory");
    buffer_done(&message);
    return step;
}

static enum auth_step ntlm_step(struct conversation *conversation, bool has_input, struct bytes input)
{
    struct ntlm *ntlm = (struct ntlm *)conversation;
    conversation->output = (struct bytes){0};
    if (!has_input)
        return AUTH_STEP_CHALLENGE;
    if (!ntlm_message_is_one(input))
        return conversation_refuse(conversation, AUTH_STEP_MALFORMED, "NTLM: no NTLMSSP message");
    ntlm->names_channel = ntlm_message_names_channel(input);
    enum auth_step step = accept(ntlm, input);
    conversation->output = (struct bytes){ntlm->acceptor.token.value, ntlm->acceptor.token.length};
    return step == AUTH_STEP_DONE ? finish(ntlm) : step;
}

static void ntlm_free(struct conversation *conversation)
{
    struct ntlm *ntlm = (struct ntlm *)conversation;
    gss_acceptor_done(&ntlm->acceptor);
    free(ntlm);
}

struct conversation *ntlm_new(const struct conversation_means *means, const struct auth_exchange *exchange)
{
    static const struct conversation_ops ops = {ntlm_step, ntlm_free};
    struct ntlm *ntlm = calloc(1, sizeof *ntlm);
    if (!ntlm)
        return NULL;
    ntlm->face = (struct conversation){.ops = &ops, .means = means};
    ntlm->protection = exchange->protection;
    ntlm->end_point = exchange->end_point;
    if (gss_acceptor_init(&ntlm->acceptor, &kind, means->service, exchange->host) == OK)
        return &ntlm->face;
    free(ntlm);
    return NULL;
}
