/* Fetches into the image the principals that its entries name by DN, one base search after the other.
 * Internal to the room.
 *
 * Happy path: start -> (search -> entry or none)* -> on_done. Failures: a search that the directory does not
 * answer ends the round, what is known stays, has_failed is set; stop ends it without on_done. */
#ifndef SOURCE_TRUSTEE_LOOKUP_H
#define SOURCE_TRUSTEE_LOOKUP_H

#include "source/base_search.h"
#include "source/image.h"

struct trustee;

struct trustee_lookup {
    struct directory *directory;
    struct image *image;
    struct trustee *trustees; /* by DN */
    size_t trustee_count;
    struct list due;            /* to be asked for in this round */
    struct base_search *search; /* for the first of due */
    bool has_changed;           /* in the last round: some principal came, went or has another SID */
    bool has_failed;            /* in the last round: some question was not answered */
    void (*on_done)(struct trustee_lookup *lookup);
};

void trustee_lookup_init(struct trustee_lookup *lookup, struct directory *directory,
                         void (*on_done)(struct trustee_lookup *lookup));
/* Begins a round over the image: asks for principals not known yet, or for all of them again. Those the image
 * holds by itself, at and below the watched DN (normal form), are not asked for. False: nothing to ask,
 * on_done does not come. No round may be under way. */
bool trustee_lookup_start(struct trustee_lookup *lookup, struct image *image, const char *watched_key,
                          bool is_recheck);
/* Forgets everything; no callback after it. */
void trustee_lookup_stop(struct trustee_lookup *lookup);

#endif
