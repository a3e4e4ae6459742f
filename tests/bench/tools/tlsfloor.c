/* OpenSSL alone: what a full TLS 1.3 handshake costs the server's side when nothing is around it, on every
 * processor at once, since two that share a core are slower together. No socket, no session: two ends in
 * memory.
 *
 *   tlsfloor CERTIFICATE.pem SECONDS
 *
 * Prints a line of JSON; server_cpu_us is that of all handshakes together. */
#include <openssl/ssl.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define STEPS 4

struct worker {
    pthread_t thread;
    const char *certificate;
    double until_s;
    double server_s;
    unsigned long done;
    unsigned long failed;
};

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static SSL_CTX *server_context(const char *certificate)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM) != 1) {
        fprintf(stderr, "%s: no certificate with its key\n", certificate);
        exit(2);
    }
    SSL_CTX_set_num_tickets(context, 1);
    return context;
}

/* What a server does: make its end, answer, drop its end. Returns whether the handshake was finished. */
static int shake_hands(struct worker *worker, SSL_CTX *server_side, SSL_CTX *client_side)
{
    SSL *client = SSL_new(client_side);
    double from = seconds(CLOCK_THREAD_CPUTIME_ID);
    SSL *server = SSL_new(server_side);
    BIO *up = BIO_new(BIO_s_mem()), *down = BIO_new(BIO_s_mem());
    SSL_set_bio(server, up, down);
    SSL_set_accept_state(server);
    worker->server_s += seconds(CLOCK_THREAD_CPUTIME_ID) - from;
    BIO_up_ref(up);
    BIO_up_ref(down);
    SSL_set_bio(client, down, up);
    SSL_set_connect_state(client);
    for (int i = 0; i < STEPS; i++) {
        SSL_do_handshake(client);
        from = seconds(CLOCK_THREAD_CPUTIME_ID);
        SSL_do_handshake(server);
        worker->server_s += seconds(CLOCK_THREAD_CPUTIME_ID) - from;
    }
    int is_finished = SSL_is_init_finished(server) && SSL_is_init_finished(client);
    from = seconds(CLOCK_THREAD_CPUTIME_ID);
    SSL_free(server);
    worker->server_s += seconds(CLOCK_THREAD_CPUTIME_ID) - from;
    SSL_free(client);
    return is_finished;
}

static void *work(void *owner)
{
    struct worker *worker = owner;
    SSL_CTX *server = server_context(worker->certificate), *client = SSL_CTX_new(TLS_client_method());
    while (seconds(CLOCK_MONOTONIC) < worker->until_s)
        if (shake_hands(worker, server, client))
            worker->done++;
        else
            worker->failed++;
    SSL_CTX_free(server);
    SSL_CTX_free(client);
    return NULL;
}

int main(int count, char **arguments)
{
    if (count != 3)
        return fputs("tlsfloor CERTIFICATE.pem SECONDS\n", stderr), 2;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    double length_s = atof(arguments[2]), server_s = 0;
    unsigned long done = 0, failed = 0;
    struct worker *workers = calloc((size_t)processors, sizeof *workers);
    for (long i = 0; i < processors; i++) {
        workers[i] =
            (struct worker){.certificate = arguments[1], .until_s = seconds(CLOCK_MONOTONIC) + length_s};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    }
    for (long i = 0; i < processors; i++) {
        pthread_join(workers[i].thread, NULL);
        server_s += workers[i].server_s;
        done += workers[i].done;
        failed += workers[i].failed;
    }
    free(workers);
    printf("{\"ops\":%lu,\"ok\":%lu,\"failed\":%lu,\"held\":0,\"ok_per_s\":%.1f,\"server_cpu_us\":%.0f}\n",
           done + failed, done, failed, (double)done / length_s, server_s * 1e6);
    return 0;
}
