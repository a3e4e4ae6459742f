#include "auth/ntlm.h"

#include "auth/principal_name.h"

#include <gssapi/gssapi_ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINBINDD_SOCKET "/run/samba/winbindd/pipe" /* built into libwbclient */

struct ntlm {
    struct conversation face;
    gss_cred_id_t credential;
    gss_ctx_id_t context;
    gss_buffer_desc token; /* the last one of ours */
    char *service;         /* "smtp@mail.example.test" */
    char user[PRINCIPAL_NAME_SIZE];
};

/* 1.3.6.1.4.1.311.2.2.10 */
static gss_OID_desc mechanism = {10, (void *)(uintptr_t) "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};

static void explain(struct note *note, const char *step, OM_uint32 major, OM_uint32 minor)
{
    OM_uint32 ignored, general_more = 0, own_more = 0;
    gss_buffer_desc general = GSS_C_EMPTY_BUFFER, own = GSS_C_EMPTY_BUFFER;
    gss_display_status(&ignored, major, GSS_C_GSS_CODE, GSS_C_NO_OID, &general_more, &general);
    gss_display_status(&ignored, minor, GSS_C_MECH_CODE, &mechanism, &own_more, &own);
    note_set(note, "NTLM: %s: %.*s: %.*s", step, (int)general.length, (const char *)general.value,
             (int)own.length, (const char *)own.value);
    gss_release_buffer(&ignored, &general);
    gss_release_buffer(&ignored, &own);
}

/* With a name: without one gss-ntlmssp 1.2 loses 32 bytes each time. */
static enum error acquire(const char *service, gss_cred_id_t *out, struct note *note)
{
    OM_uint32 minor, ignored;
    gss_OID_set_desc wanted = {1, &mechanism};
    gss_buffer_desc text = {strlen(service), (void *)(uintptr_t)service};
    gss_name_t name = GSS_C_NO_NAME;
    OM_uint32 major = gss_import_name(&minor, &text, GSS_C_NT_HOSTBASED_SERVICE, &name);
    if (!GSS_ERROR(major))
        major = gss_acquire_cred(&minor, name, GSS_C_INDEFINITE, &wanted, GSS_C_ACCEPT, out, NULL, NULL);
    gss_release_name(&ignored, &name);
    if (!GSS_ERROR(major))
        return OK;
    explain(note, "credentials", major, minor);
    return ERROR_NOT_FOUND;
}

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
    enum error error = acquire("smtp", &credential, note);
    gss_release_cred(&minor, &credential);
    return error;
}

/* An anonymous logon proves nobody. */
static enum auth_step finish(struct ntlm *ntlm, gss_name_t peer, OM_uint32 flags)
{
    OM_uint32 minor;
    enum error error = ERROR_DENIED_CREDENTIALS;
    if (flags & GSS_C_ANON_FLAG || peer == GSS_C_NO_NAME)
        note_set(&ntlm->face.why, "an anonymous logon");
    else
        error = principal_name_of_ntlm(peer, ntlm->user, &ntlm->face.why);
    gss_release_name(&minor, &peer);
    ntlm->face.name_kind = ACCOUNT_NAME_NTLM;
    ntlm->face.name = bytes_of_text(ntlm->user);
    return conversation_step_of(error);
}

static enum auth_step accept_token(struct ntlm *ntlm, struct bytes input)
{
    OM_uint32 minor, flags = 0, ignored;
    gss_name_t peer = GSS_C_NO_NAME;
    gss_buffer_desc token = {input.len, (void *)(uintptr_t)input.ptr};
    gss_release_buffer(&ignored, &ntlm->token);
    OM_uint32 major =
        gss_accept_sec_context(&minor, &ntlm->context, ntlm->credential, &token, GSS_C_NO_CHANNEL_BINDINGS,
                               &peer, NULL, &ntlm->token, &flags, NULL, NULL);
    ntlm->face.output = (struct bytes){ntlm->token.value, ntlm->token.length};
    if (GSS_ERROR(major)) {
        explain(&ntlm->face.why, "refused", major, minor);
        gss_release_name(&ignored, &peer);
        return AUTH_STEP_REFUSED;
    }
    if (!(major & GSS_S_CONTINUE_NEEDED))
        return finish(ntlm, peer, flags);
    gss_release_name(&ignored, &peer);
    return AUTH_STEP_CHALLENGE;
}

/* "NTLMSSP", zero, and the type of the message. */
static bool is_message(struct bytes input)
{
    static const char SIGNATURE[8] = "NTLMSSP";
    return input.len >= 12 && memcmp(input.ptr, SIGNATURE, sizeof SIGNATURE) == 0;
}

static enum auth_step ntlm_step(struct conversation *conversation, bool has_input, struct bytes input)
{
    struct ntlm *ntlm = (struct ntlm *)conversation;
    conversation->output = (struct bytes){0};
    if (!has_input)
        return AUTH_STEP_CHALLENGE;
    if (!is_message(input)) {
        note_set(&conversation->why, "NTLM: no NTLMSSP message");
        return AUTH_STEP_MALFORMED;
    }
    if (ntlm->credential == GSS_C_NO_CREDENTIAL &&
        acquire(ntlm->service, &ntlm->credential, &conversation->why) != OK)
        return AUTH_STEP_UNAVAILABLE;
    return accept_token(ntlm, input);
}

static void ntlm_free(struct conversation *conversation)
{
    struct ntlm *ntlm = (struct ntlm *)conversation;
    OM_uint32 minor;
    gss_release_buffer(&minor, &ntlm->token);
    gss_delete_sec_context(&minor, &ntlm->context, GSS_C_NO_BUFFER);
    gss_release_cred(&minor, &ntlm->credential);
    free(ntlm->service);
    free(ntlm);
}

struct conversation *ntlm_new(const struct conversation_means *means, const char *host)
{
    static const struct conversation_ops ops = {ntlm_step, ntlm_free};
    struct ntlm *ntlm = calloc(1, sizeof *ntlm);
    if (!ntlm)
        return NULL;
    ntlm->face = (struct conversation){.ops = &ops, .means = means};
    ntlm->credential = GSS_C_NO_CREDENTIAL;
    ntlm->context = GSS_C_NO_CONTEXT;
    if (asprintf(&ntlm->service, "%s@%s", means->service, host ? host : "localhost") > 0)
        return &ntlm->face;
    free(ntlm);
    return NULL;
}
