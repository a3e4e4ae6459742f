#include "cli/printable.h"

void printable_note(struct note *note)
{
    for (char *at = note->text; *at; at++) {
        if (*at < ' ' || *at > '~')
            *at = '?';
    }
}
