/* For tests that turn a loop by hand while other threads work for it. */
#ifndef TESTS_LIB_LOOP_WAIT_H
#define TESTS_LIB_LOOP_WAIT_H

#include "loop/loop.h"

#include <poll.h>
#include <uv.h>

/* Waits until the loop has something to do and does it. It has had a turn since its last descriptor came. */
static inline void loop_wait(struct loop *loop)
{
    struct pollfd work = {.fd = uv_backend_fd(loop_uv(loop)), .events = POLLIN};
    (void)poll(&work, 1, uv_backend_timeout(loop_uv(loop)));
    loop_turn(loop);
}

#endif
