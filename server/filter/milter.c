#include "filter/milter_internal.h"

#include "base/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* -- answers -- */

static void on_due(struct loop_timer *timer)
{
    struct milter *milter = list_entry(timer, struct milter, due);
    struct milter_answer answer = milter->answer;
    milter->events->on_answer(milter->owner, &answer);
}

void milter_answer(struct milter *milter, enum filter_verdict verdict)
{
    milter->answer.verdict = verdict;
    if (milter->phase != MILTER_PHASE_DEAD) {
        milter->phase = MILTER_PHASE_IDLE;
        if (milter->stream != NULL) {
            stream_set_deadline(milter->stream, 0);
        }
    }
    loop_timer_start(&milter->due, 0);
}

static bool is_awaited(const struct milter *milter)
{
    bool is_first = milter->phase == MILTER_PHASE_NEGOTIATING && milter->has_first;
    return is_first || (milter->phase >= MILTER_PHASE_STEP && milter->phase <= MILTER_PHASE_END);
}

void milter_fail(struct milter *milter, const char *why)
{
    if (milter->phase == MILTER_PHASE_DEAD || milter->is_ended) {
        return;
    }
    struct event event;
    event_begin(&event, EVENT_WARNING, "filter.failed");
    event_text(&event, "filter", milter->filter->name);
    event_text(&event, "why", why);
    event_end(&event, false);
    bool was_awaited = is_awaited(milter);
    milter->phase = MILTER_PHASE_DEAD;
    if (was_awaited) { /* else an answer may be on its way to the owner */
        milter->answer = (struct milter_answer){.is_failed = true};
    }
    if (milter->stream != NULL) {
        stream_abort(milter->stream);
    }
    if (was_awaited) {
        milter_answer(milter, FILTER_CONTINUE);
    }
}

/* -- sending -- */

bool milter_write(struct milter *milter, struct bytes packets)
{
    stream_set_deadline(milter->stream, milter->timeout_ms);
    return stream_write(milter->stream, packets);
}

bool milter_wants(const struct milter *milter, enum milter_protocol none)
{
    return (milter->terms.protocol & (uint32_t)none) == 0;
}

static const struct {
    enum milter_command command;
    enum milter_protocol none; /* the filter does not want it */
    enum milter_protocol mute; /* the filter does not answer it */
    uint32_t version;          /* from which on it is known */
} STEPS[] = {
    {MILTER_CONNECT, MILTER_NO_CONNECT, MILTER_NO_REPLY_CONNECT, 2},
    {MILTER_HELO, MILTER_NO_HELO, MILTER_NO_REPLY_HELO, 2},
    {MILTER_MAIL, MILTER_NO_MAIL, MILTER_NO_REPLY_MAIL, 2},
    {MILTER_RCPT, MILTER_NO_RCPT, MILTER_NO_REPLY_RCPT, 2},
    {MILTER_DATA, MILTER_NO_DATA, MILTER_NO_REPLY_DATA, 4},
};

static void send_step(struct milter *milter, enum milter_command command, struct bytes packets)
{
    size_t row = 0;
    while (STEPS[row].command != command) {
        row++;
        assert(row < sizeof STEPS / sizeof STEPS[0]);
    }
    milter->phase = MILTER_PHASE_STEP;
    if (!milter_wants(milter, STEPS[row].none) || milter->terms.version < STEPS[row].version) {
        milter_answer(milter, FILTER_CONTINUE);
        return;
    }
    milter_write(milter, packets);
    if (!milter_wants(milter, STEPS[row].mute)) {
        milter_answer(milter, FILTER_CONTINUE);
    }
}

void milter_step(struct milter *milter, enum milter_command command, struct bytes packets)
{
    assert(!is_awaited(milter));
    milter->answer = (struct milter_answer){.is_failed = milter->phase == MILTER_PHASE_DEAD};
    if (milter->phase == MILTER_PHASE_DEAD) {
        milter_answer(milter, FILTER_CONTINUE);
    } else if (milter->phase == MILTER_PHASE_NEGOTIATING) {
        milter->first_command = command;
        milter->has_first = true;
        if (buffer_append(&milter->first, packets) != OK) {
            milter_fail(milter, "no memory");
        }
    } else {
        send_step(milter, command, packets);
    }
}

/* -- receiving -- */

static void take_terms(struct milter *milter, const struct milter_packet *packet)
{
    if (packet->letter != MILTER_NEGOTIATE || milter_read_terms(packet->data, &milter->terms) != OK) {
        milter_fail(milter, "its terms are not ours");
        return;
    }
    stream_set_deadline(milter->stream, 0);
    milter->phase = MILTER_PHASE_IDLE;
    if (milter->has_first) {
        milter->has_first = false;
        send_step(milter, milter->first_command, buffer_bytes(&milter->first));
        buffer_done(&milter->first);
    }
}

/* "550 5.7.1 text": a code that refuses, then one line of what may be shown. */
static bool take_reply(struct milter *milter, struct bytes text, enum filter_verdict *out)
{
    text = bytes_first(text, bytes_find(text, '\0'));
    text = bytes_first(text, bytes_find(text, '\n'));
    bool has_code = text.len > 4 && (text.ptr[0] == '4' || text.ptr[0] == '5') && text.ptr[3] == ' ';
    for (size_t i = 1; i < 3 && has_code; i++) {
        has_code = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    }
    if (!has_code) {
        return false;
    }
    size_t length = 0;
    for (size_t i = 0; i < text.len && length < sizeof milter->reply; i++) {
        if (text.ptr[i] >= ' ' && text.ptr[i] <= '~') {
            milter->reply[length++] = text.ptr[i];
        }
    }
    milter->answer.reply = (struct bytes){milter->reply, length};
    *out = text.ptr[0] == '4' ? FILTER_TEMPFAIL : FILTER_REJECT;
    return true;
}

/* False: the packet is no verdict. */
static bool verdict_of(struct milter *milter, const struct milter_packet *packet, enum filter_verdict *out)
{
    switch (packet->letter) {
    case MILTER_ACCEPT:
        *out = FILTER_ACCEPT;
        return true;
    case MILTER_REJECT:
        *out = FILTER_REJECT;
        return true;
    case MILTER_TEMPFAIL:
    case MILTER_CONNECTION_FAILS:
    case MILTER_SHUTDOWN:
        *out = FILTER_TEMPFAIL;
        return true;
    case MILTER_DISCARD:
        *out = FILTER_DISCARD;
        return true;
    case MILTER_REPLY_CODE:
        return take_reply(milter, packet->data, out);
    default:
        return false;
    }
}

static void take_packet(struct milter *milter, const struct milter_packet *packet)
{
    enum filter_verdict verdict;
    if (milter->phase == MILTER_PHASE_NEGOTIATING) {
        take_terms(milter, packet);
    } else if (milter->phase == MILTER_PHASE_IDLE) {
        milter_fail(milter, "it spoke without being asked");
    } else if (packet->letter == MILTER_PROGRESS) {
        stream_set_deadline(milter->stream, milter->timeout_ms);
    } else if (verdict_of(milter, packet, &verdict)) {
        milter_answer(milter, verdict);
    } else if (milter->phase == MILTER_PHASE_STEP && packet->letter == MILTER_CONTINUE) {
        milter_answer(milter, FILTER_CONTINUE);
    } else if (milter->phase == MILTER_PHASE_STEP || milter_content_take(milter, packet) != OK) {
        milter_fail(milter, "an answer out of place");
    }
}

static void on_read(void *owner, struct bytes data)
{
    struct milter *milter = owner;
    if (milter->phase == MILTER_PHASE_DEAD || milter->is_ended) {
        return;
    }
    if (buffer_append(&milter->input, data) != OK) {
        milter_fail(milter, "an answer that is too long");
        return;
    }
    struct bytes rest = buffer_bytes(&milter->input);
    struct milter_packet packet;
    enum error error = OK;
    while (milter->phase != MILTER_PHASE_DEAD && (error = milter_take(&rest, &packet)) == OK) {
        take_packet(milter, &packet);
    }
    if (error == ERROR_PROTOCOL) {
        milter_fail(milter, "a packet of no possible length");
    }
    buffer_consume(&milter->input, milter->input.len - rest.len);
    if (milter->input.len == 0) {
        buffer_done(&milter->input);
    }
}

static void on_drain(void *owner)
{
    struct milter *milter = owner;
    if (milter->phase >= MILTER_PHASE_HEADERS && milter->phase <= MILTER_PHASE_BODY) {
        milter_content_go(milter);
    }
}

static void on_deadline(void *owner)
{
    milter_fail(owner, "no answer in time");
}

static void milter_free(struct milter *milter)
{
    buffer_done(&milter->input);
    buffer_done(&milter->first);
    buffer_done(&milter->macros);
    free(milter);
}

static void on_close(void *owner, enum error why)
{
    struct milter *milter = owner;
    struct note note;
    const char *words = stream_system_error(milter->stream);
    note_set(&note, "%s",
             words[0] != '\0' ? words
             : why == OK      ? "it closed the connection"
                              : error_name(why));
    milter->stream = NULL;
    if (milter->is_ended) {
        milter_free(milter);
    } else {
        milter_fail(milter, note.text);
    }
}

static void on_connect(void *owner)
{
    struct milter *milter = owner;
    struct buffer packet;
    buffer_init(&packet, 64);
    if (milter->phase == MILTER_PHASE_DEAD) {
        return;
    }
    if (milter_append_negotiate(&packet) == OK) {
        milter_write(milter, buffer_bytes(&packet));
    } else {
        milter_fail(milter, "no memory");
    }
    buffer_done(&packet);
}

static const struct stream_events stream_events = {on_read, on_drain, on_deadline, on_close, on_connect};

/* -- life -- */

static struct milter *new_milter(struct loop *loop, const struct filter *filter, uint64_t timeout_ms,
                                 const struct milter_events *events, void *owner)
{
    struct milter *milter = calloc(1, sizeof *milter);
    if (milter == NULL) {
        return NULL;
    }
    milter->loop = loop;
    milter->filter = filter;
    milter->events = events;
    milter->owner = owner;
    milter->timeout_ms = timeout_ms;
    buffer_init(&milter->input, 2 * (size_t)MILTER_MESSAGE_MAX);
    buffer_init(&milter->first, MILTER_MESSAGE_MAX);
    buffer_init(&milter->macros, MILTER_MESSAGE_MAX);
    loop_timer_init(&milter->due, loop, on_due);
    return milter;
}

struct milter *milter_open(struct loop *loop, const struct filter *filter, const struct ip_endpoint *address,
                           uint64_t timeout_ms, const struct milter_events *events, void *owner)
{
    struct milter *milter = new_milter(loop, filter, timeout_ms, events, owner);
    if (milter == NULL) {
        return NULL;
    }
    enum error error =
        filter->path != NULL
            ? stream_connect_unix(loop, filter->path, timeout_ms, &stream_events, milter, &milter->stream)
            : stream_connect(loop, address, NULL, timeout_ms, &stream_events, milter, &milter->stream);
    if (error != OK) {
        milter->stream = NULL;
        milter_fail(milter, error_name(error));
    }
    return milter;
}

struct milter *milter_attach(struct stream *stream, const struct filter *filter, uint64_t timeout_ms,
                             const struct milter_events *events, void *owner)
{
    struct milter *milter = new_milter(stream_loop(stream), filter, timeout_ms, events, owner);
    if (milter != NULL) {
        milter->stream = stream;
        stream_attach(stream, &stream_events, milter);
        on_connect(milter);
    }
    return milter;
}

bool milter_keeps_blanks(const struct milter *milter)
{
    return !milter_wants(milter, MILTER_HEADER_BLANKS);
}

void milter_end(struct milter *milter)
{
    if (milter == NULL) {
        return;
    }
    loop_timer_stop(&milter->due);
    if (milter->stream == NULL) {
        milter_free(milter);
        return;
    }
    static const char quit[] = {0, 0, 0, 1, MILTER_QUIT};
    milter->is_ended = true;
    if (milter->phase == MILTER_PHASE_IDLE) {
        stream_write(milter->stream, (struct bytes){quit, sizeof quit});
        stream_close(milter->stream);
    } else {
        stream_abort(milter->stream);
    }
}
