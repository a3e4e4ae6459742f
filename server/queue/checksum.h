/* CRC-32 over what is stored, so that a flipped bit on disk is noticed before it becomes mail. Pure. */
#ifndef QUEUE_CHECKSUM_H
#define QUEUE_CHECKSUM_H

#include "base/bytes.h"

/* The reflected CRC-32 of ISO-HDLC (polynomial 0x04C11DB7): every burst of up to 32 bits is found. */
uint32_t checksum_crc32(struct bytes bytes);

#endif
