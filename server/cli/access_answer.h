/* The answer of `dirrelay access`, the same for a descriptor that was typed and for a connector. */
#ifndef CLI_ACCESS_ANSWER_H
#define CLI_ACCESS_ANSWER_H

#include "cli/command.h"
#include "organization/access_list.h"

#include <jansson.h>

/* A token of exactly these SIDs: "S-1-…" or the names of contract 3. Gives one reference, or NULL with a
 * note. */
struct token *access_token(const char *const *sids, size_t count, struct note *note);
/* Checks and prints: rights granted, and for each right the ACE that decided. origins: where each ACE of the
 * list came from, whose texts are printed; NULL: a typed descriptor, whose ACEs are printed as SDDL. only:
 * RIGHT_COUNT for all, else the one right that is asked for. Answers EXIT_DONE when (one of) it is granted,
 * else EXIT_NEGATIVE. */
int access_answer(struct command_context *context, const struct acl *dacl, const struct ace_origin *origins,
                  const struct token *token, enum right only);
/* The names of a set, sorted, as a JSON array. Gives it. */
json_t *access_names(uint32_t rights);

#endif
