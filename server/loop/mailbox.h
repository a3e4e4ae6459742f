/* Work posted to another loop. */
#ifndef LOOP_MAILBOX_H
#define LOOP_MAILBOX_H

#include "loop/loop.h"

/* Caller-owned; may be posted again from its own callback or later. */
struct mail {
    struct mail *next;
    void (*on_mail)(struct mail *mail);
};

/* Any thread, lock-free towards the loop: on_mail runs on the loop, in the order posted by one thread. Works
 * as long as the loop runs; false once it has ended (then on_mail never comes). */
bool mailbox_post(struct loop *loop, struct mail *mail);

#endif
