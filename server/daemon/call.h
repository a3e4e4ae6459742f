/* Runs a function on another loop's thread and waits for it: for starting and stopping only. */
#ifndef DAEMON_CALL_H
#define DAEMON_CALL_H

#include "loop/loop.h"

/* Blocks the calling thread. False: the loop has ended and the function was not called. */
bool call_on(struct loop *loop, void (*function)(void *owner), void *owner);

#endif
