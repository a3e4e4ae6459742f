/* The changes one filter asks for during a message: collected as they come, made when it agreed to the
 * message. Internal to the room. */
#ifndef FILTER_FILTER_EDIT_H
#define FILTER_FILTER_EDIT_H

#include "filter/filter_run.h"

#define FILTER_EDITS_MAX      4096
#define FILTER_RECIPIENTS_MAX 1000
/* How much larger than it was a body may become. */
#define FILTER_BODY_GROWTH_MAX (16u << 20)

struct filter_edit {
    struct arena arena;
    struct milter_packet *packets;
    size_t count;
    size_t capacity;
    struct held_content body; /* the new one, when has_body */
    bool has_body;
    bool ends_with_cr; /* the last byte of it was a CR that is held back */
    uint64_t body_max; /* bytes */
    enum error error;  /* the first that went wrong: nothing of it may be made then */
};

void filter_edit_init(struct filter_edit *edit, const char *directory, uint64_t body_bytes);
void filter_edit_done(struct filter_edit *edit);
void filter_edit_add(struct filter_edit *edit, const struct milter_packet *packet);
/* Bare CR and LF become CRLF: nothing behind the filters expects anything else. */
void filter_edit_add_body(struct filter_edit *edit, struct bytes piece);
/* Makes them; texts of *changes go to the arena. ERROR_PROTOCOL: a change that cannot be understood;
 * ERROR_LIMIT, ERROR_TEMPORARY, ERROR_IO. Then header and body are as they were. */
MUST_USE enum error filter_edit_make(struct filter_edit *edit, bool keeps_blanks, struct buffer *header,
                                     struct held_content *body, struct arena *arena,
                                     struct filter_changes *changes);

#endif
