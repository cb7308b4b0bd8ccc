/* The records of a ring buffer, read from memory that others write. No I/O, so that it can be fed anything. */
#ifndef VNET_RING_RECORDS_H
#define VNET_RING_RECORDS_H

#include <stddef.h>
#include <stdint.h>

enum ring_state { RING_EMPTY, RING_BUSY, RING_RECORD, RING_DISCARDED, RING_CORRUPT };

struct ring_record {
  const uint8_t *bytes;
  uint32_t length;
  uint64_t next; /* the consumer's position after this record */
};

/* Reads the record at position `consumer`. `data` spans 2 * size bytes (the kernel maps its pages twice, so that no record
 * wraps); size is a power of two. Whatever the header and the positions say, `record` stays inside
 * [consumer, producer) and inside the span. RING_BUSY: reserved, not yet written; RING_DISCARDED: only `next` is set. */
enum ring_state ring_record_at(const uint8_t *data, uint64_t size, uint64_t consumer, uint64_t producer,
                               struct ring_record *record);

#endif
