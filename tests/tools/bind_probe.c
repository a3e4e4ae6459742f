/* room: directory */
/* Proves passwords with a pool of binds, for the integration tests.
 *
 *   bind_probe [--deadline MS] [--ca FILE] [--start-tls always|never] URI...
 *
 * Lines on standard input: COUNT tab DN tab PASSWORD. So many at once, each on a thread of its own; then a
 * line "ERROR tab NOTE" for each. */
#include "directory/bind_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 64

struct attempt {
    struct bind_pool *pool;
    const char *dn;
    const char *password;
    enum error error;
    struct note why;
};

static void *try_it(void *argument)
{
    struct attempt *attempt = argument;
    attempt->error =
        bind_pool_try(attempt->pool, attempt->dn, bytes_of_text(attempt->password), &attempt->why);
    return NULL;
}

static void run(struct bind_pool *pool, unsigned count, const char *dn, const char *password)
{
    static struct attempt attempts[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    count = count < THREADS_MAX ? count : THREADS_MAX;
    for (unsigned i = 0; i < count; i++) {
        attempts[i] = (struct attempt){.pool = pool, .dn = dn, .password = password};
        if (pthread_create(&threads[i], NULL, try_it, &attempts[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        printf("%s\t%s\n", error_name(attempts[i].error), attempts[i].why.text);
    }
    fflush(stdout);
}

static void read_option(const char *name, const char *value, struct directory_config *config)
{
    if (strcmp(name, "--deadline") == 0)
        config->operation_deadline_ms = strtoull(value, NULL, 10);
    else if (strcmp(name, "--ca") == 0)
        config->ca_file = value;
    else if (strcmp(name, "--start-tls") == 0)
        *(strcmp(value, "always") == 0 ? &config->start_tls_always : &config->start_tls_never) = true;
}

int main(int count, char **arguments)
{
    struct directory_config config = {0};
    struct bind_pool *pool;
    char line[4096];
    for (int i = 1; i < count; i++) {
        if (strncmp(arguments[i], "--", 2) == 0 && i + 1 < count) {
            read_option(arguments[i], arguments[i + 1], &config);
            i++;
        } else if (config.uri_count < DIRECTORY_URI_MAX) {
            config.uris[config.uri_count++] = arguments[i];
        }
    }
    directory_prepare_process(NULL);
    if (bind_pool_new(&config, &pool) != OK)
        return 1;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        char *rest = line, *times = strsep(&rest, "\t"), *dn = strsep(&rest, "\t");
        if (dn && rest)
            run(pool, (unsigned)strtoul(times, NULL, 10), dn, rest);
    }
    bind_pool_free(pool);
    return 0;
}
