/* The running server: every loop and what lives on it, started and stopped in order. */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "config/config.h"

/* Runs until SIGTERM; the identity has been taken and the log writer runs. Returns the exit code. config_path
 * is read again on SIGHUP. */
int process_run(const struct config *config, const char *config_path);

#endif
