/* A message of the queue as the object of contract 4. */
#ifndef ADMIN_QUEUE_JSON_H
#define ADMIN_QUEUE_JSON_H

#include "queue/envelope.h"

#include <jansson.h>

/* A new reference, or NULL without memory. */
json_t *queue_json(const struct envelope *envelope, int64_t now_ms);

#endif
