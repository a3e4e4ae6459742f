/* Accounts over a directory in memory, on a loop that is turned by hand. */
#ifndef UNIT_AUTH_ACCOUNTS_SCENE_H
#define UNIT_AUTH_ACCOUNTS_SCENE_H

#include "auth/accounts.h"
#include "fakes/fake_directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define assert_has_text(text, part) assert_non_null(strstr(text, part))

#define NOW_MS INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */

struct scene {
    struct clock_fake clock;
    struct loop *loop;
    struct fake_directory *fake;
    struct accounts_config config;
    struct accounts *accounts;
};

static inline void scene_turn(struct scene *scene)
{
    for (int i = 0; i < 50; i++)
        loop_turn(scene->loop);
}

static inline void scene_begin(struct scene *scene, enum directory_flavor flavor, const char *ldif)
{
    struct note note = {{0}};
    clock_fake_init(&scene->clock, 1000, NOW_MS);
    scene->loop = loop_new("test", &scene->clock.clock);
    scene->fake = fake_directory_new(scene->loop);
    fake_directory_set_flavor(scene->fake, flavor);
    fake_directory_put(scene->fake, ldif);
    scene_turn(scene);
    scene->config.directory = fake_directory_face(scene->fake);
    scene->config.clock = &scene->clock.clock;
    if (scene->config.group_depth == 0)
        scene->config.group_depth = 64;
    if (scene->config.group_limit == 0)
        scene->config.group_limit = 20000;
    assert_int_equal(accounts_start(&scene->config, &scene->accounts, &note), OK);
    scene_turn(scene);
}

static inline void scene_end(struct scene *scene)
{
    accounts_stop(scene->accounts);
    fake_directory_free(scene->fake);
    loop_end(scene->loop);
    loop_run(scene->loop);
    loop_free(scene->loop);
    *scene = (struct scene){0};
}

struct question {
    struct account_request request;
    unsigned done_count;
};

static inline void on_done(struct account_request *request)
{
    list_entry(request, struct question, request)->done_count++;
}

static inline void scene_ask(struct scene *scene, struct question *question, enum account_name_kind kind,
                             const char *name)
{
    question->done_count = 0;
    question->request.kind = kind;
    question->request.name = kind == ACCOUNT_NAME_ID ? (struct bytes){name, 16} : bytes_of_text(name);
    question->request.on_done = on_done;
    accounts_ask(scene->accounts, &question->request);
    assert_int_equal(question->done_count, 0);
}

/* The answer's error; *out holds a reference when it is OK. */
static inline enum error scene_answer(struct scene *scene, enum account_name_kind kind, const char *name,
                                      const struct account **out, struct note *note)
{
    struct question question = {.done_count = 0};
    scene_ask(scene, &question, kind, name);
    for (int i = 0; i < 20000 && question.done_count == 0; i++)
        loop_turn(scene->loop);
    assert_int_equal(question.done_count, 1);
    *out = question.request.account;
    if (note)
        *note = question.request.note;
    assert_true((question.request.error == OK) == (*out != NULL));
    return question.request.error;
}

static inline bool account_has(const struct account *account, const char *sid_text)
{
    struct sid sid;
    assert_int_equal(sid_parse(bytes_of_text(sid_text), &sid), OK);
    return token_has(account->token, &sid, NULL);
}

/* "NAME SID SID …" of the account's own and its groups' SIDs, or "error: note". The text is static. */
static inline const char *scene_sids(struct scene *scene, enum account_name_kind kind, const char *name)
{
    static char text[8192];
    char sid[SID_TEXT_SIZE];
    const struct account *account;
    struct note note;
    enum error error = scene_answer(scene, kind, name, &account, &note);
    if (error != OK) {
        (void)snprintf(text, sizeof(text), "%s: %s", error_name(error), note.text);
        return text;
    }
    size_t len = (size_t)snprintf(text, sizeof(text), "%s", account->name);
    for (size_t i = 0; i < account->sid_count; i++)
        if (account->sids[i].source != ACCOUNT_SID_WELL_KNOWN && len < sizeof(text))
            len += (size_t)snprintf(text + len, sizeof(text) - len, " %s",
                                    sid_format(&account->sids[i].sid, sid));
    account_unref(account);
    return text;
}

#endif
