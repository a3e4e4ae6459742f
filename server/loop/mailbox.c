#include "loop/loop_internal.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The inbox is a stack that posters push on and the loop takes whole; only the one who pushes on an empty
 * stack wakes the loop. The loop is woken by a descriptor of its own and not by a uv_async_t, because that
 * may not be touched any more when the loop is closing, which a poster can not know. */

static struct mail inbox_closed;

void mailbox_wake(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t written;
    do {
        written = write(loop->wake_descriptor, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
    /* Else it only fails when the count is at its top, that is: when the loop is awake already. */
}

bool mailbox_post(struct loop *loop, struct mail *mail)
{
    /* Counted, because the mail may run, and with it the loop end, before this function has woken the loop.
     */
    atomic_fetch_add(&loop->posting, 1);
    struct mail *first = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do {
        if (first == &inbox_closed) {
            break;
        }
        mail->next = first;
    } while (!atomic_compare_exchange_weak_explicit(&loop->inbox, &first, mail, memory_order_release,
                                                    memory_order_relaxed));
    if (first == NULL) {
        mailbox_wake(loop);
    }
    bool is_posted = first != &inbox_closed;
    atomic_fetch_sub(&loop->posting, 1);
    return is_posted;
}

void mailbox_deliver(struct loop *loop)
{
    struct mail *newest = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    while (newest != NULL) {
        struct mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct mail *mail = oldest;
        oldest = mail->next;
        mail->on_mail(mail);
    }
}

bool mailbox_try_close(struct loop *loop)
{
    struct mail *expected = NULL;
    return atomic_compare_exchange_strong(&loop->inbox, &expected, &inbox_closed);
}
