#include "directory/uri.h"

#include "base/ip.h"

#include <ldap.h>
#include <string.h>

static bool is_loopback_host(const char *host)
{
    if (!host || !*host || bytes_equal_text_nocase(bytes_of_text(host), "localhost"))
        return true; /* libldap takes an empty host for localhost */
    struct ip_address address;
    return ip_parse_address(bytes_of_text(host), &address) == OK && ip_is_loopback(&address);
}

/* A search or an extension in the URI would be ignored, and what is ignored misleads. */
static bool is_bare(const char *text, const LDAPURLDesc *url)
{
    return !strchr(text, '?') && !(url->lud_dn && *url->lud_dn);
}

enum error uri_read(const char *text, struct uri_kind *out, struct note *note)
{
    LDAPURLDesc *url = NULL;
    if (strlen(text) >= 256 || ldap_url_parse(text, &url) != LDAP_URL_SUCCESS) {
        note_set(note, "\"%s\" is no LDAP URI", text);
        return ERROR_SYNTAX;
    }
    bool is_ldap = strcmp(url->lud_scheme, "ldap") == 0;
    struct uri_kind kind = {
        .is_local_socket = strcmp(url->lud_scheme, "ldapi") == 0,
        .is_tls = strcmp(url->lud_scheme, "ldaps") == 0,
    };
    kind.is_loopback = kind.is_local_socket || is_loopback_host(url->lud_host);
    bool is_known = is_ldap || kind.is_local_socket || kind.is_tls;
    bool is_good = is_known && is_bare(text, url);
    if (!is_known)
        note_set(note, "\"%s\": only ldap, ldaps and ldapi are known", text);
    else if (!is_good)
        note_set(note, "\"%s\": a directory URI is scheme, host and port only", text);
    ldap_free_urldesc(url);
    if (!is_good)
        return ERROR_SYNTAX;
    *out = kind;
    return OK;
}
