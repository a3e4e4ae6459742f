#include "auth/principal_name.h"

#include <gssapi/gssapi.h>
#include <krb5.h>
#include <stdio.h>
#include <string.h>

static enum error refuse(const char *why, struct note *note)
{
    note_set(note, "%s", why);
    return ERROR_DENIED_CREDENTIALS;
}

static enum error check_length(int len, struct note *note)
{
    return len > 0 && len < PRINCIPAL_NAME_SIZE ? OK : refuse("a principal's name that is too long", note);
}

static enum error with_own_realm(struct bytes name, char out_text[PRINCIPAL_NAME_SIZE], struct note *note)
{
    krb5_context context;
    char *realm = NULL;
    enum error error = ERROR_TEMPORARY;
    if (krb5_init_context(&context) == 0) {
        if (krb5_get_default_realm(context, &realm) == 0)
            error = check_length(snprintf(out_text, PRINCIPAL_NAME_SIZE, "%.*s@%s", BYTES_ARG(name), realm),
                                 note);
        krb5_free_default_realm(context, realm);
        krb5_free_context(context);
    }
    if (error == ERROR_TEMPORARY)
        note_set(note, "krb5.conf names no realm");
    return error;
}

enum error principal_name_of_ticket(struct bytes name, char out_text[PRINCIPAL_NAME_SIZE], struct note *note)
{
    if (name.len == 0)
        return refuse("the ticket names nobody", note);
    if (bytes_find(name, '\\') < name.len)
        return refuse("a principal's name with escapes, or none of Kerberos", note);
    if (bytes_find(name, '@') == name.len)
        return with_own_realm(name, out_text, note);
    return check_length(snprintf(out_text, PRINCIPAL_NAME_SIZE, "%.*s", BYTES_ARG(name)), note);
}

static enum error judge_ntlm(gss_OID type, struct bytes text, struct note *note)
{
    bool is_anonymous = type && type->length == GSS_C_NT_ANONYMOUS->length &&
                        memcmp(type->elements, GSS_C_NT_ANONYMOUS->elements, type->length) == 0;
    if (is_anonymous || text.len == 0)
        return refuse("an anonymous logon", note);
    if (text.len >= PRINCIPAL_NAME_SIZE || bytes_find(text, '\0') < text.len)
        return refuse("a user's name that is too long or holds a zero byte", note);
    return bytes_find(text, '\\') < text.len ? OK : refuse("a user's name without its domain", note);
}

enum error principal_name_of_ntlm(const void *name, char out_text[PRINCIPAL_NAME_SIZE], struct note *note)
{
    OM_uint32 minor;
    gss_buffer_desc display = GSS_C_EMPTY_BUFFER;
    gss_OID type = GSS_C_NO_OID;
    if (GSS_ERROR(gss_display_name(&minor, (gss_name_t)(uintptr_t)name, &display, &type)))
        return refuse("a name that can not be shown", note);
    struct bytes text = {display.value, display.length};
    if (text.len > 0 && text.ptr[text.len - 1] == '\0')
        text.len--; /* gss-ntlmssp counts the terminator */
    enum error error = judge_ntlm(type, text, note);
    if (!error) {
        memcpy(out_text, text.ptr, text.len);
        out_text[text.len] = '\0';
    }
    gss_release_buffer(&minor, &display);
    return error;
}
