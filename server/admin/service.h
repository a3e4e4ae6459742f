/* What the administrator's commands reach: parts of the running server, each with the loop it lives on. */
#ifndef ADMIN_SERVICE_H
#define ADMIN_SERVICE_H

#include "admin/control.h"
#include "base/pressure.h"
#include "delivery/delivery.h"
#include "queue/spool.h"
#include "smtp_server/rate.h"
#include "source/keeper.h"

#define PRESSURE_GAUGES 3

/* Lives on the main loop, as the control socket does. */
struct admin_service {
    const struct clock *clock;
    struct spool *spool;
    struct delivery *delivery;
    struct loop *delivery_loop;
    struct keeper *keeper;
    struct loop *directory_loop;
    const struct connection_limits *limits;
    struct pressure_gauge pressure[PRESSURE_GAUGES];
    const struct organization *organization; /* the main loop's reference; NULL before the first */
};

void queue_control_begin(struct control_request *request, void *service);  /* "queue" */
void status_control_begin(struct control_request *request, void *service); /* "status" */

/* The table for control_start. */
extern const struct control_command ADMIN_COMMANDS[];

#endif
