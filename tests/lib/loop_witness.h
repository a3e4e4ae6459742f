/* Says how long a loop did not turn because of what it did itself, whatever the machine was busy with. */
#ifndef LOOP_WITNESS_H
#define LOOP_WITNESS_H

#include <stdint.h>

/* By the thread of the loop, once a process. A second thread on the same processor looks every few
 * milliseconds what this one does: when the processor is taken away, from the process or from the whole
 * virtual machine, both stand still and nothing is counted. */
void loop_witness_start(void);

/* By the loop, each time it turns. */
void loop_witness_beat(void);

/* The longest time since the last call, in milliseconds, in which the loop worked, or slept elsewhere than in
 * its own waiting, without a beat. */
uint64_t loop_witness_take_gap_ms(void);

#endif
