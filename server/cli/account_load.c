#include "cli/account_load.h"

#include "auth/accounts.h"
#include "cli/organization_source.h"
#include "directory/directory.h"

#include <string.h>

#define TIMEOUT_MS 15000

struct question {
    struct loop *loop;
    struct directory *directory;
    struct accounts *accounts;
    struct account_request request;
    struct account_request owner_request; /* follows it, when a sender is given */
    struct loop_timer deadline;           /* asks for the end, by time or at once */
    bool is_asked;
    bool is_over;
    enum error error;
    struct note *note;
};

static enum account_name_kind kind_of(const char *user)
{
    if (strncmp(user, "S-1-", 4) == 0)
        return ACCOUNT_NAME_SID;
    if (strchr(user, '\\'))
        return ACCOUNT_NAME_NTLM;
    return strchr(user, '=') ? ACCOUNT_NAME_DN : ACCOUNT_NAME_LOGIN;
}

static void on_closed(void *owner)
{
    struct question *question = owner;
    loop_end(question->loop);
}

/* Ends everything; a request under way is answered CANCELED meanwhile. */
static void on_deadline(struct loop_timer *timer)
{
    struct question *question = list_entry(timer, struct question, deadline);
    question->is_over = true;
    accounts_stop(question->accounts);
    question->accounts = NULL;
    question->directory->ops->close(question->directory, on_closed, question);
}

static void on_owner(struct account_request *request)
{
    struct question *question = list_entry(request, struct question, owner_request);
    if (!question->is_over)
        loop_timer_start(&question->deadline, 0);
}

static void on_answer(struct account_request *request)
{
    struct question *question = list_entry(request, struct question, request);
    if (question->is_over)
        return; /* the time was up: what is said of it stays */
    question->error = request->error;
    *question->note = request->note;
    if (request->error == OK && question->owner_request.name.len > 0)
        accounts_ask(question->accounts, &question->owner_request);
    else
        loop_timer_start(&question->deadline, 0);
}

static void on_state(void *owner, bool is_up, const char *why)
{
    struct question *question = owner;
    if (question->is_over || question->is_asked)
        return;
    if (is_up) {
        question->is_asked = true;
        accounts_ask(question->accounts, &question->request);
    } else {
        note_set(question->note, "the directory does not answer%s%s", why ? ": " : "", why ? why : "");
        loop_timer_start(&question->deadline, 0);
    }
}

static enum error start(struct question *question, const struct config *config,
                        const struct directory_config *directory)
{
    enum error error = directory_open(directory, question->loop, &question->directory, question->note);
    if (error)
        return error;
    const struct accounts_config accounts = config_accounts(config, question->directory);
    question->directory->on_state = on_state;
    question->directory->on_state_owner = question;
    return accounts_start(&accounts, &question->accounts, question->note);
}

static enum error ask(const struct config *config, const struct directory_config *directory, const char *user,
                      struct bytes sender, struct loaded_account *out, struct note *note)
{
    struct question question = {
        .loop = loop_new("account", NULL),
        .request = {.kind = kind_of(user),
                    .name = bytes_of_text(user),
                    .is_path_wanted = true,
                    .on_done = on_answer},
        .owner_request = {.kind = ACCOUNT_NAME_SENDER,
                          .name = sender,
                          .is_name_only = true,
                          .on_done = on_owner,
                          .error = sender.len > 0 ? ERROR_TIMEOUT : ERROR_NOT_FOUND},
        .error = ERROR_TIMEOUT,
        .note = note,
    };
    if (!question.loop)
        return ERROR_TEMPORARY;
    loop_timer_init(&question.deadline, question.loop, on_deadline);
    enum error error = start(&question, config, directory);
    if (!error) {
        loop_timer_start(&question.deadline, TIMEOUT_MS);
        loop_run(question.loop);
        error = question.error;
    } else if (question.directory) {
        question.directory->ops->close(question.directory, on_closed, &question);
        loop_run(question.loop);
    }
    loop_free(question.loop);
    if (!error)
        *out = (struct loaded_account){.account = question.request.account,
                                       .owner_error = question.owner_request.error,
                                       .owner = question.owner_request.account,
                                       .owner_note = question.owner_request.note};
    return error;
}

static int exit_of(enum error error)
{
    bool is_unreachable = error == ERROR_TEMPORARY || error == ERROR_TIMEOUT || error == ERROR_CANCELED;
    return is_unreachable ? EXIT_UNREACHABLE : EXIT_NEGATIVE;
}

int account_load(struct command_context *context, const char *user, struct bytes sender,
                 struct loaded_account *out)
{
    struct organization_source source;
    struct note note = {0};
    int code = organization_source_open(context, &source);
    if (code < 0) {
        enum error error = ask(&source.config, &source.directory, user, sender, out, &note);
        if (error)
            code = command_fail(context, exit_of(error), "--user %s: %s", user,
                                note.text[0] ? note.text : error_name(error));
    }
    organization_source_close(&source);
    return code;
}

void loaded_account_done(struct loaded_account *loaded)
{
    account_unref(loaded->account);
    account_unref(loaded->owner);
    *loaded = (struct loaded_account){0};
}
