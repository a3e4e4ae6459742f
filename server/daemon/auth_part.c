/* Who proves himself to the SMTP loops: accounts on the directory loop, a pool of threads that asks them. */
#include "auth/password_directory.h"
#include "daemon/process_internal.h"

static bool has_accounts(const struct config *config)
{
    return !bytes_starts_nocase(bytes_of_text(config->directory.uri), "ldif:");
}

enum error auth_part_begin_accounts(struct process *process, struct note *note)
{
    if (!has_accounts(process->config))
        return OK;
    struct accounts_config accounts = config_accounts(process->config, process->directory);
    return accounts_start(&accounts, &process->accounts, note);
}

void auth_part_end_accounts(struct process *process)
{
    accounts_stop(process->accounts);
    process->accounts = NULL;
}

static enum error make_prover(struct process *process, struct note *note)
{
    struct arena arena;
    struct directory_config directory;
    arena_init(&arena, 1u << 20);
    enum error error = config_directory(process->config, NULL, &arena, &directory, note);
    if (!error)
        error = password_directory_new(&directory, &process->prover);
    arena_done(&arena);
    return error;
}

enum error auth_part_start(struct process *process, struct note *note)
{
    const struct config *config = process->config;
    if (!has_accounts(config))
        return OK;
    enum error error = make_prover(process, note);
    if (error)
        return error;
    process->account_source = account_source_of(process->accounts);
    process->failures =
        failure_counts_new((unsigned)config->auth.failures, config->auth.failure_window_ms, &clock_system);
    process->account_failures =
        failure_counts_new((unsigned)config->auth.failures, config->auth.failure_window_ms, &clock_system);
    const struct authenticator_config authenticator = {
        .accounts = &process->account_source,
        .prover = process->prover,
        .workers = (unsigned)config->auth.workers,
        .queue = (unsigned)config->auth.queue,
        .service = config->sasl.service,
        .keytab = config->sasl.keytab,
        .account_failures = process->account_failures,
    };
    error = process->failures && process->account_failures
                ? authenticator_live_new(&authenticator, &process->authenticator)
                : ERROR_TEMPORARY;
    if (!error)
        receive_set_authenticator(process->receive, process->authenticator, process->failures);
    return error;
}

void auth_part_look(struct process *process)
{
    if (process->authenticator)
        authenticator_live_look(process->authenticator);
}

void auth_part_give_up(struct process *process)
{
    if (process->prover)
        password_directory_give_up(process->prover);
}

void auth_part_stop(struct process *process)
{
    authenticator_live_free(process->authenticator);
    password_directory_free(process->prover);
    failure_counts_free(process->failures);
    failure_counts_free(process->account_failures);
    process->account_failures = NULL;
    process->authenticator = NULL;
    process->prover = NULL;
    process->failures = NULL;
}
