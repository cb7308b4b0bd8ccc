#include "ring-records.h"

#include <linux/bpf.h>

enum ring_state ring_record_at(const uint8_t *data, uint64_t size, uint64_t consumer, uint64_t producer,
                               struct ring_record *record) {
  uint64_t unread = producer - consumer;
  if (unread == 0) return RING_EMPTY;
  if (unread > size || unread < BPF_RINGBUF_HDR_SZ || consumer % 8 != 0) return RING_CORRUPT;
  const uint8_t *at = data + (consumer & (size - 1));
  /* Read once: the kernel clears the busy bit with release order after it wrote the bytes, and a second reading could
   * differ from the one that was checked. */
  uint32_t header = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
  if (header & BPF_RINGBUF_BUSY_BIT) return RING_BUSY;
  uint32_t length = header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
  uint64_t whole = ((uint64_t)length + BPF_RINGBUF_HDR_SZ + 7) & ~(uint64_t)7;
  if (whole > unread) return RING_CORRUPT;
  record->next = consumer + whole;
  if (header & BPF_RINGBUF_DISCARD_BIT) return RING_DISCARDED;
  record->bytes = at + BPF_RINGBUF_HDR_SZ;
  record->length = length;
  return RING_RECORD;
}
