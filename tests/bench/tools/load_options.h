/* What the load generator is asked to do. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <netinet/in.h>

enum mode { MODE_SEND, MODE_RCPT, MODE_HOLD };

struct load_options {
    enum mode mode;
    struct sockaddr_in to, from; /* from: family 0: any */
    long sessions, total, per_session, size, pipeline, ramp;
    double seconds; /* 0: until total */
};

extern struct load_options options;

/* Ends the program when the arguments make no sense. */
void options_parse(int count, char **arguments);

#endif
