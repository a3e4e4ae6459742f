#include "auth/keytab.h"

#include "base/bytes.h"

#include <errno.h>
#include <krb5.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_of_service(krb5_context context, krb5_const_principal principal, const char *service)
{
    (void)context;
    if (principal->length != 2)
        return false;
    const krb5_data *first = &principal->data[0];
    return bytes_equal((struct bytes){first->data, first->length}, bytes_of_text(service));
}

static enum error look(krb5_context context, krb5_keytab keytab, const char *service)
{
    krb5_kt_cursor cursor;
    krb5_keytab_entry entry;
    bool is_found = false;
    if (krb5_kt_start_seq_get(context, keytab, &cursor) != 0)
        return ERROR_IO;
    while (!is_found && krb5_kt_next_entry(context, keytab, &entry, &cursor) == 0) {
        is_found = is_of_service(context, entry.principal, service);
        krb5_free_keytab_entry_contents(context, &entry);
    }
    krb5_kt_end_seq_get(context, keytab, &cursor);
    return is_found ? OK : ERROR_NOT_FOUND;
}

enum error keytab_look_for(const char *path, const char *service, struct note *note)
{
    char name[1024];
    krb5_context context;
    krb5_keytab keytab;
    if (access(path, R_OK) != 0) {
        note_set(note, "%s: %s", path, strerror(errno));
        return errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO;
    }
    if (snprintf(name, sizeof name, "FILE:%s", path) >= (int)sizeof name)
        return ERROR_LIMIT;
    if (krb5_init_context(&context) != 0) {
        note_set(note, "libkrb5 can not be used: see krb5.conf");
        return ERROR_IO;
    }
    enum error error = krb5_kt_resolve(context, name, &keytab) == 0 ? OK : ERROR_IO;
    if (!error) {
        error = look(context, keytab, service);
        krb5_kt_close(context, keytab);
    }
    krb5_free_context(context);
    if (error)
        note_set(note, "%s: %s", path, error == ERROR_IO ? "no keytab" : "holds no key of the service");
    return error;
}
