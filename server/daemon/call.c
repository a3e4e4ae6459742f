#include "daemon/call.h"

#include "loop/mailbox.h"

#include <semaphore.h>

struct call {
    struct mail mail;
    sem_t is_done;
    void (*function)(void *owner);
    void *owner;
};

static void on_mail(struct mail *mail)
{
    struct call *call = list_entry(mail, struct call, mail);
    call->function(call->owner);
    sem_post(&call->is_done);
}

bool call_on(struct loop *loop, void (*function)(void *owner), void *owner)
{
    struct call call = {.mail.on_mail = on_mail, .function = function, .owner = owner};
    sem_init(&call.is_done, 0, 0);
    bool is_posted = mailbox_post(loop, &call.mail);
    while (is_posted && sem_wait(&call.is_done) != 0)
        ; /* EINTR */
    sem_destroy(&call.is_done);
    return is_posted;
}
