#include "auth/sasl_library.h"

#include "base/event.h"

#include <pthread.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdlib.h>
#include <string.h>

static void *mutex_new(void)
{
    pthread_mutex_t *mutex = malloc(sizeof *mutex);
    if (mutex)
        pthread_mutex_init(mutex, NULL);
    return mutex;
}

static int mutex_lock(void *mutex)
{
    return pthread_mutex_lock(mutex) == 0 ? SASL_OK : SASL_FAIL;
}

static int mutex_unlock(void *mutex)
{
    return pthread_mutex_unlock(mutex) == 0 ? SASL_OK : SASL_FAIL;
}

static void mutex_free(void *mutex)
{
    if (mutex)
        pthread_mutex_destroy(mutex);
    free(mutex);
}

/* Cyrus looks every identity up in a store of properties and refuses a login as another name (RFC 4616's
 * authzid) where none stands. Ours has no properties; who it is, is asked elsewhere. */

static char PROPERTY_STORE[] = "dirrelay";

static int look_up_properties(void *context, sasl_server_params_t *parameters, unsigned flags,
                              const char *user, unsigned user_len)
{
    (void)context;
    (void)parameters;
    (void)flags;
    (void)user;
    (void)user_len;
    return SASL_OK;
}

static int begin_property_store(const sasl_utils_t *utilities, int max_version, int *out_version,
                                sasl_auxprop_plug_t **out_store, const char *name)
{
    static sasl_auxprop_plug_t store = {.auxprop_lookup = look_up_properties, .name = PROPERTY_STORE};
    (void)utilities;
    (void)name;
    if (max_version < SASL_AUXPROP_PLUG_VERSION)
        return SASL_BADVERS;
    *out_version = SASL_AUXPROP_PLUG_VERSION;
    *out_store = &store;
    return SASL_OK;
}

/* Passwords are proven by our own callback alone: no other verifier behind it. */
static int get_option(void *context, const char *plugin, const char *option, const char **out,
                      unsigned *out_len)
{
    static const char *const OPTIONS[][2] = {
        {"mech_list", "PLAIN LOGIN GSSAPI GSS-SPNEGO"},
        {"pwcheck_method", ""},
        {"auxprop_plugin", PROPERTY_STORE},
        {"canon_user_plugin", "INTERNAL"},
    };
    (void)context;
    (void)plugin;
    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++) {
        if (strcmp(option, OPTIONS[i][0]) == 0) {
            *out = OPTIONS[i][1];
            if (out_len)
                *out_len = (unsigned)strlen(*out);
            return SASL_OK;
        }
    }
    return SASL_FAIL;
}

static int verify_file(void *context, const char *file, sasl_verify_type_t type)
{
    static const char *const PLUGINS[] = {"libplain.", "liblogin.", "libgssapiv2."};
    (void)context;
    const char *slash = strrchr(file, '/');
    const char *name = slash ? slash + 1 : file;
    for (size_t i = 0; type == SASL_VRFY_PLUGIN && i < sizeof PLUGINS / sizeof *PLUGINS; i++)
        if (strncmp(name, PLUGINS[i], strlen(PLUGINS[i])) == 0)
            return SASL_OK;
    return SASL_CONTINUE; /* skipped */
}

/* Every refused login is a complaint of the library too; what it means stands in auth.fail. Levels past
 * SASL_LOG_DEBUG may hold passwords. */
static int log_line(void *context, int level, const char *message)
{
    (void)context;
    if (level > SASL_LOG_NONE && level <= SASL_LOG_WARN)
        event_say(EVENT_DEBUG, "sasl.library", "%s", message);
    return SASL_OK;
}

/* Cyrus calls each through a cast of its own, by the number beside it. */
typedef int (*callback_function)(void);
#define CALLBACK(function) ((callback_function)(void (*)(void))(function))

static const sasl_callback_t CALLBACKS[] = {
    {SASL_CB_GETOPT, CALLBACK(get_option), NULL},
    {SASL_CB_VERIFYFILE, CALLBACK(verify_file), NULL},
    {SASL_CB_LOG, CALLBACK(log_line), NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

static int start_server(void)
{
    int code = sasl_server_init(CALLBACKS, NULL);
    if (code != SASL_OK)
        return code;
    code = sasl_auxprop_add_plugin(PROPERTY_STORE, begin_property_store);
    if (code != SASL_OK)
        sasl_server_done();
    return code;
}

enum error sasl_library_start(const char *keytab, struct note *note)
{
    if (keytab)
        setenv("KRB5_KTNAME", keytab, 1);
    setenv("LM_COMPAT_LEVEL", "5", 0); /* gss-ntlmssp: neither LM nor NTLMv1 */
    sasl_set_mutex(mutex_new, mutex_lock, mutex_unlock, mutex_free);
    int code = sasl_client_init(CALLBACKS);
    if (code == SASL_OK) {
        code = start_server();
        if (code != SASL_OK)
            sasl_client_done();
    }
    if (code == SASL_OK)
        return OK;
    note_set(note, "Cyrus SASL: %s", sasl_errstring(code, NULL, NULL));
    return ERROR_TEMPORARY;
}

void sasl_library_stop(void)
{
    sasl_server_done();
    sasl_client_done();
}
