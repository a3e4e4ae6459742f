#include "directory/bind_pool.h"

#include "base/arena.h"
#include "directory/berval.h"
#include "directory/handle.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MS           60000
#define STACK_WIPED_BYTES 32768
#define CONFIG_BYTES_MAX  65536

/* Used by one thread at a time. */
struct binding {
    struct list link;
    struct handle handle;
    struct watchdog *watchdog;
    size_t uri_index;
    uint64_t idle_since_ms;
};

struct bind_pool {
    pthread_mutex_t lock; /* over what follows */
    struct list idle;     /* the one used last is last */
    struct list busy;
    bool has_given_up;
    size_t uri_index; /* the server that answered last */
    /* Fixed. */
    struct directory_config config;
    struct arena arena;
};

static const char *copy_text(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, bytes_of_text(text)).ptr : NULL;
}

enum error bind_pool_new(const struct directory_config *config, struct bind_pool **out)
{
    struct bind_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return ERROR_TEMPORARY;
    arena_init(&pool->arena, CONFIG_BYTES_MAX);
    pool->config = *config;
    pool->config.bind_dn = pool->config.bind_password = pool->config.sasl_mech = NULL;
    pool->config.ca_file = copy_text(&pool->arena, config->ca_file);
    bool is_whole = !config->ca_file || pool->config.ca_file;
    for (size_t i = 0; i < config->uri_count; i++) {
        pool->config.uris[i] = copy_text(&pool->arena, config->uris[i]);
        is_whole = is_whole && pool->config.uris[i];
    }
    pthread_mutex_init(&pool->lock, NULL);
    list_init(&pool->idle);
    list_init(&pool->busy);
    if (is_whole) {
        *out = pool;
        return OK;
    }
    bind_pool_free(pool);
    return ERROR_TEMPORARY;
}

static void binding_free(struct binding *binding, bool is_orderly)
{
    handle_close(&binding->handle, is_orderly);
    watchdog_free(binding->watchdog);
    free(binding);
}

void bind_pool_free(struct bind_pool *pool)
{
    if (!pool)
        return;
    list_each_safe(link, &pool->idle) binding_free(list_entry(link, struct binding, link), true);
    pthread_mutex_destroy(&pool->lock);
    arena_done(&pool->arena);
    free(pool);
}

/* -- who holds a connection -- */

static struct binding *take_idle(struct bind_pool *pool)
{
    struct binding *binding = NULL;
    pthread_mutex_lock(&pool->lock);
    if (!list_is_empty(&pool->idle)) {
        binding = list_entry(pool->idle.previous, struct binding, link);
        list_remove(&binding->link);
        list_append(&pool->busy, &binding->link);
        if (pool->has_given_up)
            watchdog_give_up(binding->watchdog);
    }
    pthread_mutex_unlock(&pool->lock);
    return binding;
}

static void put_busy(struct bind_pool *pool, struct binding *binding)
{
    pthread_mutex_lock(&pool->lock);
    list_append(&pool->busy, &binding->link);
    if (pool->has_given_up)
        watchdog_give_up(binding->watchdog);
    pthread_mutex_unlock(&pool->lock);
}

static void drop(struct bind_pool *pool, struct binding *binding)
{
    pthread_mutex_lock(&pool->lock);
    list_remove(&binding->link);
    pthread_mutex_unlock(&pool->lock);
    binding_free(binding, false);
}

void bind_pool_give_up(struct bind_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->has_given_up = true;
    list_each(link, &pool->busy) watchdog_give_up(list_entry(link, struct binding, link)->watchdog);
    pthread_mutex_unlock(&pool->lock);
}

/* One that nobody needed for long is closed: what a crowd opened does not stay for ever. */
static void give_back(struct bind_pool *pool, struct binding *binding)
{
    struct binding *oldest = NULL;
    binding->idle_since_ms = clock_monotonic_ms(&clock_system);
    pthread_mutex_lock(&pool->lock);
    pool->uri_index = binding->uri_index;
    list_remove(&binding->link);
    list_append(&pool->idle, &binding->link);
    struct binding *first = list_entry(list_first(&pool->idle), struct binding, link);
    if (binding->idle_since_ms - first->idle_since_ms > IDLE_MS) {
        oldest = first;
        list_remove(&oldest->link);
    }
    pthread_mutex_unlock(&pool->lock);
    if (oldest)
        binding_free(oldest, true);
}

static bool is_over(struct bind_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool has_given_up = pool->has_given_up;
    pthread_mutex_unlock(&pool->lock);
    return has_given_up;
}

static size_t preferred_uri(struct bind_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t index = pool->uri_index;
    pthread_mutex_unlock(&pool->lock);
    return index;
}

static enum error open_binding(struct bind_pool *pool, size_t uri_index, struct binding **out,
                               struct note *why)
{
    struct binding *binding = calloc(1, sizeof *binding);
    if (!binding)
        return ERROR_TEMPORARY;
    binding->uri_index = uri_index;
    enum error error = watchdog_new(&binding->watchdog);
    if (error) {
        free(binding);
        return error;
    }
    put_busy(pool, binding);
    error =
        handle_connect(&binding->handle, &pool->config, pool->config.uris[uri_index], binding->watchdog, why);
    if (!error) {
        *out = binding;
        return OK;
    }
    drop(pool, binding);
    /* Whatever keeps us from the server, the user's password is not it. */
    return error == ERROR_TIMEOUT ? error : ERROR_TEMPORARY;
}

/* -- the bind -- */

/* What the server says of this entry and this password. All else is its own trouble or ours, a referral too:
 * no bind is ever sent elsewhere (matrix D5). */
static bool is_denial(int code)
{
    static const int CODES[] = {
        LDAP_INVALID_CREDENTIALS, LDAP_INAPPROPRIATE_AUTH,   LDAP_INSUFFICIENT_ACCESS,  LDAP_NO_SUCH_OBJECT,
        LDAP_INVALID_DN_SYNTAX,   LDAP_CONSTRAINT_VIOLATION, LDAP_UNWILLING_TO_PERFORM,
    };
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
        if (CODES[i] == code)
            return true;
    return false;
}

/* libldap encodes the request on the stack; what lies below is wiped once it has returned. */
__attribute__((noinline)) static void wipe_stack(void)
{
    char below[STACK_WIPED_BYTES];
    explicit_bzero(below, sizeof below);
}

static enum error bind_once(struct bind_pool *pool, struct binding *binding, const char *dn,
                            struct bytes password, struct note *why)
{
    struct berval secret = berval_of_bytes(password);
    char *detail = NULL;
    watchdog_arm(binding->watchdog, handle_deadline_ms(&pool->config));
    int code = ldap_sasl_bind_s(binding->handle.ldap, dn, LDAP_SASL_SIMPLE, &secret, NULL, NULL, NULL);
    wipe_stack();
    watchdog_disarm(binding->watchdog);
    if (code == LDAP_SUCCESS)
        return OK;
    ldap_get_option(binding->handle.ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail);
    note_set(why, "%s: bind: %s%s%s", binding->handle.info.uri, ldap_err2string(code),
             detail && *detail ? ", " : "", detail && *detail ? detail : "");
    ldap_memfree(detail);
    if (is_denial(code))
        return ERROR_DENIED_CREDENTIALS;
    return code == LDAP_TIMEOUT || watchdog_has_bitten(binding->watchdog) ? ERROR_TIMEOUT : ERROR_TEMPORARY;
}

/* A connection that gave an answer is kept, another one is not. */
static enum error bind_and_keep(struct bind_pool *pool, struct binding *binding, const char *dn,
                                struct bytes password, struct note *why)
{
    enum error error = bind_once(pool, binding, dn, password, why);
    if (error == OK || error == ERROR_DENIED_CREDENTIALS)
        give_back(pool, binding);
    else
        drop(pool, binding);
    return error;
}

enum error bind_pool_try(struct bind_pool *pool, const char *dn, struct bytes password, struct note *why)
{
    assert(dn[0] && password.len > 0);
    size_t first = preferred_uri(pool), uri_count = pool->config.uri_count;
    struct binding *binding = take_idle(pool);
    enum error error = ERROR_TEMPORARY;
    if (binding) {
        first = binding->uri_index;
        error = bind_and_keep(pool, binding, dn, password, why);
        first += error == ERROR_TIMEOUT; /* silent, not just closed meanwhile: another one first */
    }
    for (size_t i = 0; i < uri_count && error != OK && error != ERROR_DENIED_CREDENTIALS && !is_over(pool);
         i++) {
        error = open_binding(pool, (first + i) % uri_count, &binding, why);
        if (!error)
            error = bind_and_keep(pool, binding, dn, password, why);
    }
    return error;
}
