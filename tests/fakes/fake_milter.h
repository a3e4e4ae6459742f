/* Filters over streams in memory, for tests of filter_run: they answer each step as a table says.
 *
 *     struct fake_milters milters;
 *     fake_milters_init(&milters, 2);
 *     milters.milters[0].answers = (const struct fake_answer[]){{'E', {REJECT}}, {0}};
 *     run = filter_run_start(&milters.filters, …);
 *     fake_milters_pump(&milters);        until nothing moves any more
 *     fake_milters_done(&milters);
 *
 * A step that the table does not name is answered with CONTINUE, the negotiation with all actions and with
 * the milter's protocol bits. */
#ifndef FAKE_MILTER_H
#define FAKE_MILTER_H

#include "filter/filter_run.h"

#define FAKE_PACKETS_MAX 6
#define FAKE_STEPS_MAX   512

/* Packets without their length: "hX-Name\0value\0" as BYTES_LITERAL. An empty row of packets: silence. */
struct fake_answer {
    char step;
    struct bytes packets[FAKE_PACKETS_MAX];
};

struct fake_milter {
    const struct fake_answer *answers; /* ends with an empty row; NULL: agrees to everything */
    uint32_t protocol;                 /* enum milter_protocol */
    int hang_up_after;                 /* so many of its answers; -1: never */
    char steps[FAKE_STEPS_MAX];        /* the letters it heard, "OCHMR…"; macros left out */
    struct buffer heard;               /* all bytes */
    /* inside */
    size_t read;
    int answered;
    struct stream *stream; /* NULL: gone */
};

struct fake_milters {
    struct loop *loop;
    struct clock_fake clock;
    struct filter_list list;
    struct filters filters;
    struct fake_milter milters[FILTERS_MAX];
};

/* count filters that are asked in order; none of them against spam unless the test says so in list. */
void fake_milters_init(struct fake_milters *milters, size_t count);
void fake_milters_done(struct fake_milters *milters);
void fake_milters_pump(struct fake_milters *milters);
/* Moves the clock on, then pumps. */
void fake_milters_advance(struct fake_milters *milters, uint64_t ms);
/* One packet, framed, or bytes as they are, from the milter; and it hangs up. No-ops once its stream is gone.
 */
void fake_milter_say(struct fake_milter *milter, struct bytes packet);
void fake_milter_feed(struct fake_milter *milter, struct bytes bytes);
void fake_milter_hang_up(struct fake_milter *milter);

#endif
