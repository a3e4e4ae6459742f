/* A world for tests of delivery: a clock that stands still, a loop that is turned, a spool in memory whose
 * updates may fail, an organization with one send connector, and smart hosts on loopback addresses. */
#ifndef FAKE_DELIVERY_H
#define FAKE_DELIVERY_H

#include "delivery/delivery.h"
#include "fakes/fake_name_server.h"
#include "fakes/fake_organization.h"
#include "fakes/fake_smart_host.h"

#define MINUTE_MS UINT64_C(60000)

struct fake_delivery {
    struct clock_fake clock;
    struct loop *loop;
    struct spool *spool;
    struct delivery *delivery;
    /* Not 127.0.0.0/24, whose ports clients of other tests use. */
    struct fake_smart_host host;   /* 127.77.0.1 */
    struct fake_smart_host second; /* 127.77.0.2, the same port; its loop is NULL unless it was opened */
    struct fake_name_server names; /* knows no name before fake_delivery_set_dns */
    bool is_stopped;               /* on_done of delivery_stop came */
    size_t answer_count;           /* of fake_delivery_act */
    enum error answer;             /* the last one */
};

/* Delays 1, 5 and 15 minutes, expiry after 60. Everything for "*" goes to the host at 127.77.0.1. */
void fake_delivery_open(struct fake_delivery *world);
/* The same, but nothing is sent before the first organization. */
void fake_delivery_open_empty(struct fake_delivery *world);
/* The same as the first, and senders are told of a delay after so long. */
void fake_delivery_open_warning(struct fake_delivery *world, uint64_t delay_warning_ms);
/* Stops, frees, and fails the test when stopping does not come to an end. */
void fake_delivery_close(struct fake_delivery *world);
/* delivery_stop; is_stopped tells of its end. */
void fake_delivery_stop(struct fake_delivery *world);
/* An organization with these send connectors in force; a port of 0 is the host's. */
void fake_delivery_set(struct fake_delivery *world, const struct fake_send *send);
/* The usual one: smart_hosts NULL: "[127.77.0.1]"; aces may be NULL. */
void fake_delivery_set_hosts(struct fake_delivery *world, const char *smart_hosts, const char *aces);
/* One connector that routes everything by these records. Loopback addresses in them are ourselves. */
void fake_delivery_set_dns(struct fake_delivery *world, const struct fake_record *records);

/* Puts a message into the spool as a session would; recipients blank separated; its id. */
uint64_t fake_delivery_put(struct fake_delivery *world, const char *sender, const char *recipients,
                           const char *content);
/* One whose header block, empty line included, is so long. */
uint64_t fake_delivery_put_split(struct fake_delivery *world, const char *content, uint64_t header_bytes);
/* A small one. */
uint64_t fake_delivery_put_small(struct fake_delivery *world, const char *sender, const char *recipients);
/* A small one, and turns until its first attempt is over; its id. */
uint64_t fake_delivery_put_tried(struct fake_delivery *world);
/* Turns the loop until nothing moves any more. */
void fake_delivery_settle(struct fake_delivery *world);
/* Turns until the counter has the value; fails the test after 10 s. */
void fake_delivery_wait(struct fake_delivery *world, const size_t *counter, size_t value);
/* Turns until the spool holds so many. */
void fake_delivery_wait_queue(struct fake_delivery *world, size_t count);
/* Turns until the message has had so many attempts. */
void fake_delivery_wait_attempts(struct fake_delivery *world, uint64_t id, uint32_t attempts);
/* Moves the clock and lets happen what is due. */
void fake_delivery_pass(struct fake_delivery *world, uint64_t ms);
void fake_delivery_act(struct fake_delivery *world, uint64_t id, enum delivery_action action);
/* As the spool has it now; the texts live in the arena. Fails the test when it is gone. */
void fake_delivery_read(struct fake_delivery *world, uint64_t id, struct arena *arena, struct envelope *out);
/* The reply of the only, or first, recipient; valid until the next call. */
const char *fake_delivery_reply(struct fake_delivery *world, uint64_t id);
/* The due time that the spool holds, from now. */
int64_t fake_delivery_next_in_ms(struct fake_delivery *world, uint64_t id);
/* From now on so many updates of the spool fail. */
void fake_delivery_fail_updates(struct fake_delivery *world, size_t count);
/* How many updates were asked for. */
size_t fake_delivery_update_count(void);
bool fake_delivery_host_saw(const struct fake_smart_host *host, const char *text);

#endif
