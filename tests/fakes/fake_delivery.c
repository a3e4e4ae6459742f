#include "fakes/fake_delivery.h"

#include "fakes/fake_smart_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WALL_MS    INT64_C(1750000000000)
#define PATIENCE_S 10
#define ARENA_MAX  (64u << 20)

static void require(bool is_right, const char *what)
{
    if (!is_right) {
        fprintf(stderr, "fake_delivery: %s\n", what);
        abort();
    }
}

/* -- a spool in memory whose updates may fail -- */

static struct {
    struct spool_ops ops;
    const struct spool_ops *memory;
    struct loop *loop;
    size_t fail_count;
    size_t update_count;
} moody;

struct failure {
    struct loop_timer timer;
    void (*on_done)(void *owner, enum error error);
    void *owner;
};

static void on_failure(struct loop_timer *timer)
{
    struct failure *failure = list_entry(timer, struct failure, timer);
    failure->on_done(failure->owner, ERROR_TEMPORARY);
    free(failure);
}

static void moody_update(struct spool *spool, const struct envelope *envelope, bool remove,
                         void (*on_done)(void *owner, enum error error), void *owner)
{
    moody.update_count++;
    if (moody.fail_count == 0) {
        moody.memory->update(spool, envelope, remove, on_done, owner);
        return;
    }
    moody.fail_count--;
    struct failure *failure = calloc(1, sizeof *failure);
    require(failure != NULL, "no memory");
    failure->on_done = on_done;
    failure->owner = owner;
    loop_timer_init(&failure->timer, moody.loop, on_failure);
    loop_timer_start(&failure->timer, 0);
}

static struct spool *moody_spool_new(const struct clock *clock, struct loop *loop)
{
    struct spool *spool = spool_memory_new(clock);
    require(spool != NULL, "no memory");
    moody.memory = spool->ops;
    moody.ops = *spool->ops;
    moody.ops.update = moody_update;
    moody.loop = loop;
    moody.fail_count = moody.update_count = 0;
    spool->ops = &moody.ops;
    return spool;
}

void fake_delivery_fail_updates(struct fake_delivery *world, size_t count)
{
    (void)world;
    moody.fail_count = count;
}

size_t fake_delivery_update_count(void)
{
    return moody.update_count;
}

/* -- life -- */

static void open_world(struct fake_delivery *world, uint64_t delay_warning_ms)
{
    struct note note = {""};
    *world = (struct fake_delivery){0};
    clock_fake_init(&world->clock, 1000000, WALL_MS);
    world->loop = loop_new("delivery", &world->clock.clock);
    world->spool = moody_spool_new(&world->clock.clock, world->loop);
    fake_smart_host_open(&world->host, world->loop, "127.77.0.1", 0);
    static const struct fake_record NO_RECORDS[] = {{0}};
    fake_name_server_open(&world->names, world->loop, NO_RECORDS);
    struct delivery_config config = {
        .loop = world->loop,
        .resolver.server = &world->names.endpoint,
        .spool = world->spool,
        .schedule = {.delays_ms = {MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS},
                     .delay_count = 3,
                     .expire_ms = 60 * MINUTE_MS,
                     .delay_warning_ms = delay_warning_ms},
        .clock = &world->clock.clock,
    };
    require(delivery_start(&config, &world->delivery, &note) == OK, note.text);
}

void fake_delivery_open_empty(struct fake_delivery *world)
{
    open_world(world, 0);
}

void fake_delivery_open_warning(struct fake_delivery *world, uint64_t delay_warning_ms)
{
    open_world(world, delay_warning_ms);
    fake_delivery_set_hosts(world, NULL, NULL);
}

void fake_delivery_open(struct fake_delivery *world)
{
    fake_delivery_open_empty(world);
    fake_delivery_set_hosts(world, NULL, NULL);
}

void fake_delivery_set(struct fake_delivery *world, const struct fake_send *send)
{
    struct fake_send rows[8] = {{0}};
    for (size_t i = 0; send[i].name; i++) {
        require(i < 7, "too many connectors");
        rows[i] = send[i];
        rows[i].port = send[i].port ? send[i].port : world->host.endpoint.port;
    }
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}}, .send = rows});
    for (size_t i = 0; i < organization->send_count; i++)
        require(organization->send[i].refused == NULL, organization->send[i].refused);
    delivery_set_organization(world->delivery, organization);
    organization_unref(organization);
}

void fake_delivery_set_dns(struct fake_delivery *world, const struct fake_record *records)
{
    world->names.records = records;
    fake_delivery_set(world, (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1"}, {0}});
}

void fake_delivery_set_hosts(struct fake_delivery *world, const char *smart_hosts, const char *aces)
{
    fake_delivery_set(
        world, (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1",
                                     .smart_hosts = smart_hosts ? smart_hosts : "[127.77.0.1]", .aces = aces},
                                    {0}});
}

static void on_stopped(void *owner)
{
    struct fake_delivery *world = owner;
    require(!world->is_stopped, "stopped twice");
    world->is_stopped = true;
}

void fake_delivery_stop(struct fake_delivery *world)
{
    delivery_stop(world->delivery, on_stopped, world);
    require(!world->is_stopped, "stopped inside the call");
}

void fake_delivery_close(struct fake_delivery *world)
{
    if (!world->is_stopped) {
        fake_delivery_stop(world);
        fake_delivery_settle(world);
        if (!world->is_stopped)
            delivery_abort(world->delivery);
        fake_delivery_settle(world);
    }
    require(world->is_stopped, "delivery does not stop");
    fake_smart_host_close(&world->host);
    fake_smart_host_close(&world->second);
    fake_name_server_close(&world->names);
    loop_end(world->loop);
    loop_run(world->loop);
    delivery_free(world->delivery);
    loop_free(world->loop);
    world->spool->ops->close(world->spool);
}

/* -- messages -- */

static void on_committed(void *owner, enum error error)
{
    require(error == OK, "not committed");
    *(bool *)owner = true;
}

static uint64_t put(struct fake_delivery *world, const char *sender, const char *recipients,
                    const char *content, uint64_t header_bytes)
{
    struct spool *spool = world->spool;
    struct envelope_recipient rows[300];
    struct bytes text = bytes_of_text(content);
    struct envelope envelope = {
        .sender = bytes_of_text(sender),
        .recipients = rows,
        .arrived_ms = clock_wall_ms(&world->clock.clock),
        .size_bytes = text.len,
        .header_bytes = header_bytes,
        .message_id = BYTES_LITERAL("<1@client.example>"),
        .connector = BYTES_LITERAL("MX1\\Relay"),
        .client = BYTES_LITERAL("10.1.0.1:4711"),
    };
    struct bytes part, rest = bytes_of_text(recipients);
    while (bytes_next(&rest, ' ', &part)) {
        require(envelope.recipient_count < sizeof rows / sizeof rows[0], "too many recipients");
        rows[envelope.recipient_count++] = (struct envelope_recipient){.address = part};
    }
    struct spool_message *message = spool->ops->begin(spool, world->loop);
    bool must_wait, is_committed = false;
    require(message && spool->ops->append(message, text, &must_wait) == OK, "the spool takes nothing");
    uint64_t id = spool->ops->message_id(message);
    spool->ops->commit(message, &envelope, on_committed, &is_committed);
    while (!is_committed)
        loop_turn(world->loop);
    return id;
}

uint64_t fake_delivery_put(struct fake_delivery *world, const char *sender, const char *recipients,
                           const char *content)
{
    size_t header_len = bytes_find_text(bytes_of_text(content), "\r\n\r\n");
    return put(world, sender, recipients, content, header_len + 4);
}

uint64_t fake_delivery_put_split(struct fake_delivery *world, const char *content, uint64_t header_bytes)
{
    return put(world, "a@b.example", "c@d.example", content, header_bytes);
}

uint64_t fake_delivery_put_small(struct fake_delivery *world, const char *sender, const char *recipients)
{
    return fake_delivery_put(world, sender, recipients, "Subject: Test\r\n\r\nbody\r\n");
}

uint64_t fake_delivery_put_tried(struct fake_delivery *world)
{
    uint64_t id = fake_delivery_put_small(world, "a@b.example", "c@d.example");
    fake_delivery_wait_attempts(world, id, 1);
    return id;
}

void fake_delivery_read(struct fake_delivery *world, uint64_t id, struct arena *arena, struct envelope *out)
{
    arena_init(arena, ARENA_MAX);
    require(world->spool->ops->read_envelope(world->spool, id, arena, out) == OK, "the message is gone");
}

int64_t fake_delivery_next_in_ms(struct fake_delivery *world, uint64_t id)
{
    struct arena arena;
    struct envelope envelope;
    fake_delivery_read(world, id, &arena, &envelope);
    int64_t next = envelope.next_attempt_ms - clock_wall_ms(&world->clock.clock);
    arena_done(&arena);
    return next;
}

const char *fake_delivery_reply(struct fake_delivery *world, uint64_t id)
{
    static char reply[600];
    struct arena arena;
    struct envelope envelope;
    fake_delivery_read(world, id, &arena, &envelope);
    snprintf(reply, sizeof reply, "%.*s", BYTES_ARG(envelope.recipients[0].reply));
    arena_done(&arena);
    return reply;
}

/* -- time -- */

static bool is_patient(const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - since->tv_sec < PATIENCE_S;
}

/* All peers live on this loop, so a few hundred turns take every dialogue to its end. */
void fake_delivery_settle(struct fake_delivery *world)
{
    for (int i = 0; i < 600; i++)
        loop_turn(world->loop);
}

void fake_delivery_wait(struct fake_delivery *world, const size_t *counter, size_t value)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (*counter < value && is_patient(&start))
        loop_turn(world->loop);
    require(*counter == value, "a counter does not come to its value");
}

void fake_delivery_wait_queue(struct fake_delivery *world, size_t count)
{
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (world->spool->ops->count(world->spool) != count && is_patient(&start))
        loop_turn(world->loop);
    require(world->spool->ops->count(world->spool) == count, "the queue does not come to this length");
    fake_delivery_settle(world);
}

void fake_delivery_wait_attempts(struct fake_delivery *world, uint64_t id, uint32_t attempts)
{
    struct timespec start;
    uint32_t seen;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        struct arena arena;
        struct envelope envelope;
        loop_turn(world->loop);
        fake_delivery_read(world, id, &arena, &envelope);
        seen = envelope.attempts;
        arena_done(&arena);
    } while (seen < attempts && is_patient(&start));
    require(seen == attempts, "the message has not had so many attempts");
    fake_delivery_settle(world);
}

void fake_delivery_pass(struct fake_delivery *world, uint64_t ms)
{
    clock_fake_advance(&world->clock, ms);
    fake_delivery_settle(world);
}

/* -- the administrator -- */

static void on_acted(void *owner, uint64_t id, enum error error)
{
    struct fake_delivery *world = owner;
    (void)id;
    world->answer_count++;
    world->answer = error;
}

void fake_delivery_act(struct fake_delivery *world, uint64_t id, enum delivery_action action)
{
    delivery_act(world->delivery, id, action, on_acted, world);
}

bool fake_delivery_host_saw(const struct fake_smart_host *host, const char *text)
{
    struct bytes envelopes = buffer_bytes(&host->envelopes), content = buffer_bytes(&host->content);
    return bytes_find_text(envelopes, text) < envelopes.len || bytes_find_text(content, text) < content.len;
}
