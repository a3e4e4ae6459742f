/* libunbound set up as the machine and the administrator have it. Private to resolver.c. */
#ifndef LOOP_RESOLVER_CONTEXT_H
#define LOOP_RESOLVER_CONTEXT_H

#include "loop/resolver.h"

#include <unbound.h>

/* ERROR_TEMPORARY without memory, ERROR_IO with a note. The caller deletes it. */
MUST_USE enum error resolver_context_new(const struct resolver_config *config, struct ub_ctx **out,
                                         struct note *note);

#endif
