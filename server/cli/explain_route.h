/* The part of explain that says where mail for each recipient goes on. Contract 4. */
#ifndef CLI_EXPLAIN_ROUTE_H
#define CLI_EXPLAIN_ROUTE_H

#include "cli/simulation.h"

#include <jansson.h>
#include <stdio.h>

/* [{recipient, domain, connector, next_hops:[…], candidates:[{connector, why}]}] for the request's recipients
 * that can be read; connector is null where there is no route. A new reference. */
json_t *explain_route_json(const struct organization *organization, const struct simulation_request *request);
/* The same as text. */
void explain_route_print(FILE *out, const json_t *routes);

#endif
