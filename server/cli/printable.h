/* Reasons quote hostile input; what goes to a terminal or into JSON must be plain text. */
#ifndef CLI_PRINTABLE_H
#define CLI_PRINTABLE_H

#include "base/error.h"

/* Replaces everything but printable ASCII by '?', also the rest of a character that a quotation cut in two.
 */
void printable_note(struct note *note);

#endif
