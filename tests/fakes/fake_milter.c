#include "fakes/fake_milter.h"

#include "base/event.h"

#include <stdlib.h>
#include <string.h>

#define HEARD_MAX  (64u << 20)
#define TIMEOUT_MS 30000
#define IDLE_TURNS 4

static struct fake_milters *current; /* streams are made by a function without an owner */

static void require(bool is_right)
{
    if (!is_right) {
        abort();
    }
}

static void on_output(void *peer, struct bytes data)
{
    struct fake_milter *milter = peer;
    require(buffer_append(&milter->heard, data) == OK);
}

static void on_gone(void *peer)
{
    ((struct fake_milter *)peer)->stream = NULL;
}

static struct stream *connect_memory(const struct filters *filters, const struct filter *filter)
{
    struct ip_endpoint nowhere = {0};
    struct fake_milter *milter = &current->milters[filter - filters->list->filters];
    buffer_clear(&milter->heard);
    milter->read = 0;
    milter->answered = 0;
    milter->steps[0] = '\0';
    milter->stream = stream_memory_new(filters->loop, &nowhere, &nowhere, on_output, milter);
    require(milter->stream != NULL);
    stream_memory_watch(milter->stream, on_gone);
    return milter->stream;
}

void fake_milters_init(struct fake_milters *milters, size_t count)
{
    *milters = (struct fake_milters){0};
    current = milters;
    event_set_level(EVENT_ERROR); /* failures of filters are warnings */
    clock_fake_init(&milters->clock, 1000, 1000);
    milters->loop = loop_new("milters", &milters->clock.clock);
    require(milters->loop != NULL && count <= FILTERS_MAX);
    milters->list = (struct filter_list){.count = count, .timeout_ms = TIMEOUT_MS, .directory = "/tmp"};
    for (size_t i = 0; i < count; i++) {
        static const char *const NAMES[] = {"first", "second", "third", "fourth"};
        milters->list.filters[i] = (struct filter){.name = NAMES[i % 4], .path = "/in/memory"};
        milters->milters[i].hang_up_after = -1;
        buffer_init(&milters->milters[i].heard, HEARD_MAX);
    }
    milters->filters =
        (struct filters){.list = &milters->list, .loop = milters->loop, .connect = connect_memory};
}

void fake_milter_feed(struct fake_milter *milter, struct bytes bytes)
{
    if (milter->stream != NULL) {
        stream_memory_feed(milter->stream, bytes);
    }
}

void fake_milter_hang_up(struct fake_milter *milter)
{
    if (milter->stream != NULL) {
        stream_memory_hang_up(milter->stream);
    }
}

void fake_milter_say(struct fake_milter *milter, struct bytes packet)
{
    char head[4];
    for (int i = 0; i < 4; i++) {
        head[i] = (char)(packet.len >> (24 - 8 * i));
    }
    fake_milter_feed(milter, (struct bytes){head, sizeof head});
    fake_milter_feed(milter, packet);
}

static void answer_terms(struct fake_milter *milter)
{
    char terms[13] = {MILTER_NEGOTIATE, 0, 0, 0, MILTER_VERSION, 0, 0, 0, MILTER_MAY_ALL};
    for (int i = 0; i < 4; i++) {
        terms[9 + i] = (char)(milter->protocol >> (24 - 8 * i));
    }
    fake_milter_say(milter, (struct bytes){terms, sizeof terms});
}

/* The steps that have no answer, whatever the terms; the others' bits are milter_protocol's. */
static bool is_mute(char step)
{
    return step == MILTER_MACROS || step == MILTER_ABORT || step == MILTER_QUIT;
}

static void answer(struct fake_milter *milter, char step)
{
    const struct fake_answer *row = milter->answers;
    while (row != NULL && row->step != '\0' && row->step != step) {
        row++;
    }
    if (milter->answered++ == milter->hang_up_after) {
        fake_milter_hang_up(milter);
    } else if (row != NULL && row->step == step) {
        for (size_t i = 0; i < FAKE_PACKETS_MAX && row->packets[i].len > 0; i++) {
            fake_milter_say(milter, row->packets[i]);
        }
    } else if (step == MILTER_NEGOTIATE) {
        answer_terms(milter);
    } else {
        fake_milter_say(milter, BYTES_LITERAL("c"));
    }
}

/* Answers the next whole packet it heard; false: there is none. */
static bool take_step(struct fake_milter *milter)
{
    struct bytes rest = bytes_skip(buffer_bytes(&milter->heard), milter->read);
    size_t before = rest.len, heard = strlen(milter->steps);
    struct milter_packet packet;
    if (milter_take(&rest, &packet) != OK) {
        return false;
    }
    milter->read += before - rest.len;
    if (packet.letter != MILTER_MACROS && heard + 1 < FAKE_STEPS_MAX) {
        milter->steps[heard] = packet.letter;
        milter->steps[heard + 1] = '\0';
    }
    if (!is_mute(packet.letter)) {
        answer(milter, packet.letter);
    }
    return true;
}

void fake_milters_pump(struct fake_milters *milters)
{
    int idle = 0;
    while (idle < IDLE_TURNS) {
        bool has_moved = false;
        for (size_t i = 0; i < milters->list.count; i++) {
            has_moved |= take_step(&milters->milters[i]);
        }
        loop_turn(milters->loop);
        idle = has_moved ? 0 : idle + 1;
    }
}

void fake_milters_advance(struct fake_milters *milters, uint64_t ms)
{
    clock_fake_advance(&milters->clock, ms);
    fake_milters_pump(milters);
}

void fake_milters_done(struct fake_milters *milters)
{
    for (int i = 0; i < IDLE_TURNS; i++) {
        loop_turn(milters->loop);
    }
    loop_free(milters->loop);
    for (size_t i = 0; i < FILTERS_MAX; i++) {
        buffer_done(&milters->milters[i].heard);
    }
    current = NULL;
}
