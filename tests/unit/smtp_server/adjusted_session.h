/* Sessions of connectors that a test changes, for tests that name the fakes organization and dialogue. */
#ifndef ADJUSTED_SESSION_H
#define ADJUSTED_SESSION_H

#include "fakes/fake_dialogue.h"

#include "smtp_organization.h"

/* A session of a connector changed by adjust; NULL: not changed. */
static inline struct organization *
open_adjusted(struct dialogue *dialogue, void (*adjust)(struct receive_connector *), const char *client)
{
    adjust_all = adjust;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    adjust_all = NULL;
    dialogue_open(dialogue, organization, client);
    return organization;
}

static inline void close_adjusted(struct dialogue *dialogue, struct organization *organization)
{
    dialogue_close(dialogue);
    organization_unref(organization);
}

#endif
