/* Who may write connectors, as far as the directory lets us find out. */
#ifndef CLI_LINT_ACCESS_H
#define CLI_LINT_ACCESS_H

#include "cli/command.h"
#include "organization/organization.h"
#include "policy/lint.h"

/* Fills what facts says of writers: asks the directory as the relay's account, and as nobody, without
 * changing anything (source/write_probe.h). A file, and Active Directory, whose descriptors the organization
 * has, are not asked. No answer leaves the writers unseen. What it finds is in the arena. */
void lint_access_read(struct command_context *context, const struct organization *organization,
                      struct arena *arena, struct lint_facts *facts);

#endif
