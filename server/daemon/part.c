#include "daemon/part.h"

#include "daemon/call.h"

struct start {
    struct process *process;
    enum error (*begin)(struct process *process, struct note *note);
    struct note *note;
    enum error error;
};

/* On the part's loop. */
static void start(void *owner)
{
    struct start *start = owner;
    start->error = start->begin(start->process, start->note);
}

enum error part_start(struct process *process, const char *name, struct loop **loop,
                      enum error (*begin)(struct process *process, struct note *note), struct note *note)
{
    struct start request = {.process = process, .begin = begin, .note = note};
    *loop = loop_new(name, NULL);
    enum error error = *loop ? loop_start(*loop) : ERROR_TEMPORARY;
    if (error) {
        loop_free(*loop);
        *loop = NULL;
        return error;
    }
    call_on(*loop, start, &request);
    return request.error;
}
