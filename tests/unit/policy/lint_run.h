/* A run of lint over an organization from tables, for tests that name the fake organization. */
#ifndef LINT_RUN_H
#define LINT_RUN_H

#include "fakes/fake_organization.h"
#include "policy/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define RELAY     "allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous"
#define CONTAINER "CN=SMTP Receive Connectors,CN=Protocols,CN=MX1,CN=Servers,CN=Contoso"
#define ALL_V4    "0.0.0.0-255.255.255.255"

static struct machine machine; /* a test that fills it empties it */
static struct lint_facts facts = {.machine = &machine};

/* What a lint run answered; texts live in the arena. */
struct run {
    struct organization *organization;
    struct arena arena;
    const struct lint_finding *findings;
    size_t count;
};

static const struct fake_domain DOMAINS[] = {{"contoso.com", .is_default = true}, {0}};
static const struct fake_send SEND[] = {{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.0.0.9]",
                                         .aces = "allow ms-Exch-Send-Headers-Routing to anonymous"},
                                        {0}};

static inline struct run lint(const struct fake_organization *fake)
{
    struct run run = {.organization = fake_organization_new(fake)};
    arena_init(&run.arena, 1 << 20);
    assert_int_equal(lint_organization(run.organization, &facts, &run.arena, &run.findings, &run.count), OK);
    return run;
}

static inline struct run lint_receive(const struct fake_receive *receive)
{
    return lint(&(struct fake_organization){.receive = receive, .domains = DOMAINS, .send = SEND});
}

static inline void done(struct run *run)
{
    arena_done(&run->arena);
    organization_unref(run->organization);
}

/* The rules found in order, blank separated; "!" marks an error and "?" an info. */
static inline void expect_rules(const struct run *run, const char *rules)
{
    char text[512] = "";
    for (size_t i = 0; i < run->count; i++) {
        static const char *const MARKS[] = {[LINT_ERROR] = "!", [LINT_WARNING] = "", [LINT_INFO] = "?"};
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof(text) - len, "%s%s%s", i > 0 ? " " : "", run->findings[i].rule,
                       MARKS[run->findings[i].severity]);
    }
    assert_string_equal(text, rules);
}

static inline const struct lint_finding *find(const struct run *run, const char *rule)
{
    for (size_t i = 0; i < run->count; i++) {
        if (strcmp(run->findings[i].rule, rule) == 0) {
            return &run->findings[i];
        }
    }
    fail_msg("no finding %s", rule);
    return NULL;
}

#endif
