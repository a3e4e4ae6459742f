/* room: auth */
/* Drives the live authenticator without a directory of accounts: every name is somebody's. For the
 * integration tests.
 *
 *   auth_probe [--keytab FILE] [--host NAME] [--uri URI --dn-after TEXT]
 *
 * Lines on standard input: "start MECHANISM" or "start MECHANISM BASE64" ("=" is an empty one), "step
 * BASE64", "offered", "look". Answers: "challenge BASE64", "done KIND NAME", "refused WHY", "unavailable
 * WHY", "malformed WHY", "offered NAMES". A login name's DN is "uid=NAME" and the text of --dn-after. */
#include "auth/authenticator_live.h"
#include "auth/password_directory.h"
#include "auth/sasl_library.h"
#include "base/event.h"
#include "lib/loop_wait.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *dn_after = "";
static struct loop *loop;
static enum account_name_kind asked_kind;
static char asked_name[2048];
static bool is_answered;
static bool has_exchange;

/* -- everybody is somebody -- */

static const struct account *anybody(const struct account_request *request)
{
    struct account *account = calloc(1, sizeof *account);
    assert(account);
    arena_init(&account->arena, 65536);
    atomic_init(&account->references, 1);
    account->expires_ms = ACCOUNT_NEVER;
    account->name = arena_printf(&account->arena, "%.*s", BYTES_ARG(request->name));
    account->dn = arena_printf(&account->arena, "uid=%s%s", account->name, dn_after);
    for (size_t i = 0; request->kind != ACCOUNT_NAME_ID && i < request->name.len; i++)
        account->id[i % 16] = (uint8_t)(account->id[i % 16] * 31 + request->name.ptr[i]);
    return account;
}

static void answer(struct account_request *request)
{
    request->account = anybody(request);
    request->error = OK;
}

static void on_mail(struct mail *mail)
{
    struct account_request *request = list_entry(mail, struct account_request, mail);
    answer(request);
    request->on_done(request);
}

static void ask(struct account_source *source, struct account_request *request)
{
    (void)source;
    asked_kind = request->kind;
    snprintf(asked_name, sizeof asked_name, "%.*s", BYTES_ARG(request->name));
    request->mail.on_mail = on_mail;
    mailbox_post(request->loop, &request->mail);
}

static void ask_and_wait(struct account_source *source, struct account_request *request)
{
    (void)source;
    answer(request);
}

static bool is_current(const struct account_source *source, const struct account *account)
{
    (void)source;
    (void)account;
    return true;
}

/* -- what is heard -- */

static void print_base64(struct bytes bytes)
{
    char *text = malloc(4 * ((bytes.len + 2) / 3) + 1);
    assert(text);
    bytes_to_base64(bytes, text);
    printf("challenge %s\n", text);
    free(text);
}

static void on_step(struct auth_exchange *exchange, enum auth_step step)
{
    static const char *const KINDS[] = {"login", "kerberos", "ntlm", "dn", "sid", "id"};
    switch (step) {
    case AUTH_STEP_CHALLENGE:
        print_base64(exchange->output);
        break;
    case AUTH_STEP_DONE:
        printf("done %s %s\n", KINDS[asked_kind], asked_kind == ACCOUNT_NAME_ID ? "-" : asked_name);
        account_unref(exchange->account);
        break;
    case AUTH_STEP_REFUSED:
        printf("refused %s\n", exchange->why.text);
        break;
    case AUTH_STEP_UNAVAILABLE:
        printf("unavailable %s\n", exchange->why.text);
        break;
    case AUTH_STEP_MALFORMED:
        printf("malformed %s\n", exchange->why.text);
        break;
    }
    has_exchange = step == AUTH_STEP_CHALLENGE;
    is_answered = true;
}

static void print_offered(struct authenticator *authenticator)
{
    uint32_t offered = authenticator->ops->mechanisms(authenticator);
    printf("offered");
    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++)
        if (offered & SASL_BIT(i))
            printf(" %s", sasl_mechanism_name((enum sasl_mechanism)i));
    putchar('\n');
}

/* -- what is said -- */

static void run_line(struct authenticator *authenticator, struct auth_exchange *exchange, char *line)
{
    static char input[2 * AUTH_MESSAGE_MAX];
    size_t len = 0;
    char *rest = line, *verb = strsep(&rest, " ");
    if (strcmp(verb, "look") == 0)
        authenticator_live_look(authenticator);
    if (strcmp(verb, "offered") == 0 || strcmp(verb, "look") == 0) {
        print_offered(authenticator);
        return;
    }
    bool is_start = strcmp(verb, "start") == 0;
    char *name = is_start ? strsep(&rest, " ") : NULL;
    if (rest && strcmp(rest, "=") != 0 && bytes_from_base64(bytes_of_text(rest), input, &len) != OK)
        abort();
    if (!is_start && !has_exchange)
        abort();
    if (is_start && has_exchange)
        authenticator->ops->cancel(exchange);
    is_answered = false;
    if (is_start && !sasl_mechanism_by_name(bytes_of_text(name), &exchange->mechanism))
        abort();
    if (is_start &&
        authenticator->ops->start(authenticator, exchange, rest != NULL, (struct bytes){input, len}) != OK)
        abort();
    if (!is_start)
        authenticator->ops->step(exchange, (struct bytes){input, len});
    while (!is_answered)
        loop_wait(loop);
}

static void talk(struct authenticator *authenticator, struct auth_exchange *exchange)
{
    static char line[4 * AUTH_MESSAGE_MAX];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        run_line(authenticator, exchange, line);
        fflush(stdout);
    }
    if (has_exchange)
        authenticator->ops->cancel(exchange);
}

int main(int count, char **arguments)
{
    static const struct account_source_ops ops = {ask, ask_and_wait, is_current};
    struct account_source source = {.ops = &ops};
    struct authenticator_config config = {.accounts = &source, .workers = 2, .queue = 2, .service = "smtp"};
    struct directory_config directory = {0};
    struct authenticator *authenticator;
    struct note note = {0};
    struct auth_exchange exchange = {.is_tls = true, .host = "mail.example.test", .on_step = on_step};
    for (int i = 1; i + 1 < count; i += 2) {
        if (strcmp(arguments[i], "--keytab") == 0)
            config.keytab = arguments[i + 1];
        else if (strcmp(arguments[i], "--host") == 0)
            exchange.host = arguments[i + 1];
        else if (strcmp(arguments[i], "--uri") == 0)
            directory.uris[directory.uri_count++] = arguments[i + 1];
        else if (strcmp(arguments[i], "--dn-after") == 0)
            dn_after = arguments[i + 1];
        else if (strcmp(arguments[i], "--protection") == 0)
            exchange.protection = strcmp(arguments[i + 1], "require") == 0 ? EXTENDED_PROTECTION_REQUIRE
                                                                           : EXTENDED_PROTECTION_ALLOW;
        else if (strcmp(arguments[i], "--channel") == 0)
            exchange.end_point.len =
                (size_t)snprintf(exchange.end_point.text, TLS_END_POINT_MAX, "%s", arguments[i + 1]);
    }
    directory_prepare_process(NULL);
    if (sasl_library_start(config.keytab, &note) != OK)
        return 1;
    if (directory.uri_count && password_directory_new(&directory, &config.prover) != OK)
        return 1;
    loop = loop_new("probe", NULL);
    loop_turn(loop);
    if (!loop || authenticator_live_new(&config, &authenticator) != OK)
        return 1;
    exchange.loop = loop;
    talk(authenticator, &exchange);
    authenticator_live_free(authenticator);
    password_directory_free(config.prover);
    loop_free(loop);
    sasl_library_stop();
    return 0;
}
