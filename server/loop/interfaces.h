/* The machine's own addresses. */
#ifndef LOOP_INTERFACES_H
#define LOOP_INTERFACES_H

#include "base/ip.h"

/* Writes the addresses of all interfaces, at most capacity of them, and returns how many; 0 when the system
 * does not tell. They may change at any time. A few system calls. Any thread. */
size_t interfaces_addresses(struct ip_address *out, size_t capacity);

#endif
