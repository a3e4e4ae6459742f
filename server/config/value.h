/* The value forms that only the configuration file has. Pure. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/bytes.h"

/* One of the blank separated words of choices, any case; its index. ERROR_SYNTAX. */
MUST_USE enum error value_choice(struct bytes text, const char *choices, unsigned *out_index);
/* Takes the next word off a blank separated list. False: there is none. */
bool value_next_word(struct bytes *rest, struct bytes *out_word);

#endif
