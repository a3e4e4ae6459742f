/* dirrelayd --check: read the configuration, load the organization, report every problem with its DN.
 * Contract 1. */
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "config/config.h"

/* Prints to stdout; returns the exit code. */
int check_run(const struct config *config);

#endif
