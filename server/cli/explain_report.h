/* The report of `explain`: connector, token, rights, dialogue; as text or as the JSON of contract 4. */
#ifndef CLI_EXPLAIN_REPORT_H
#define CLI_EXPLAIN_REPORT_H

#include "cli/command.h"
#include "cli/simulation.h"

/* Runs the simulation and prints; returns the exit code: 0 when every step was taken, 1 when one was refused.
 */
int explain_report(struct command_context *context, const struct organization *organization,
                   const struct simulation_request *request);

#endif
