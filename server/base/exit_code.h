/* What the programs exit with. Contract 1. */
#ifndef BASE_EXIT_CODE_H
#define BASE_EXIT_CODE_H

enum exit_code {
    EXIT_DONE = 0,        /* done / yes / allowed */
    EXIT_NEGATIVE = 1,    /* denied, findings, nothing found; the daemon could not start */
    EXIT_USAGE = 2,       /* usage or configuration */
    EXIT_UNREACHABLE = 3, /* directory or daemon not reachable, try again */
    EXIT_INVALID = 4,     /* the data is invalid */
};

#endif
