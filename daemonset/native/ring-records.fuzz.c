/* Feeds ring_record_at memory and positions that no kernel would write, and touches every byte it gives back. Built with
 * the address sanitizer by ring-records.test.ts: the data end where the allocation ends, so an over-read ends the process.
 * Arguments: seed, rounds. Prints how often each state came. */
#include "ring-records.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t draw(void) { /* splitmix64 */
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

static uint32_t odd_header(uint32_t size) {
  const uint32_t lengths[] = {0,        1,          7,          8,          size - 9,  size - 8,
                              size - 7, size,       size + 1,   2 * size,   0x3fffffff, 0x3ffffff8,
                              (uint32_t)draw() % size, (uint32_t)draw()};
  uint32_t header = lengths[draw() % (sizeof lengths / sizeof lengths[0])];
  if (draw() % 8 == 0) header |= BPF_RINGBUF_BUSY_BIT;
  if (draw() % 8 == 0) header |= BPF_RINGBUF_DISCARD_BIT;
  return header;
}

static uint64_t odd_position(uint64_t base, uint32_t size) {
  const uint64_t offsets[] = {0,    8,          draw() % 64,  size - 8,      size,         size + 8, draw() % (2 * size),
                              ~7ul, draw(),     draw() & ~7ul, (draw() % (size / 8)) * 8, (draw() % (size / 8)) * 8};
  return base + offsets[draw() % (sizeof offsets / sizeof offsets[0])];
}

int main(int count, char **args) {
  if (count != 3) return 2;
  state = strtoull(args[1], NULL, 0);
  unsigned long rounds = strtoul(args[2], NULL, 0), seen[5] = {0};
  volatile uint8_t sink = 0;
  for (unsigned long round = 0; round < rounds; round++) {
    uint32_t size = 64u << (draw() % 4);
    uint8_t *data = malloc(2 * size);
    if (!data) return 2;
    for (uint32_t at = 0; at < 2 * size; at += 8) {
      uint32_t words[2] = {odd_header(size), (uint32_t)draw()};
      memcpy(data + at, words, sizeof words);
    }
    uint64_t consumer = draw() % 4 == 0 ? draw() : draw() & ~7ul; /* also near 2^64 */
    if (draw() % 8 == 0) consumer = -(uint64_t)(draw() % 128) & ~7ul;
    uint64_t producer = odd_position(consumer, size);
    for (unsigned step = 0; step < 64; step++) {
      struct ring_record record = {NULL, 0, 0};
      enum ring_state found = ring_record_at(data, size, consumer, producer, &record);
      seen[found]++;
      if (found != RING_RECORD && found != RING_DISCARDED) break;
      uint64_t moved = record.next - consumer;
      if (moved < BPF_RINGBUF_HDR_SZ || moved > producer - consumer || moved % 8 != 0) return 3;
      if (found == RING_RECORD && record.length > producer - consumer - BPF_RINGBUF_HDR_SZ) return 4;
      for (uint32_t at = 0; at < record.length; at++) sink ^= record.bytes[at];
      consumer = record.next;
    }
    free(data);
  }
  printf("empty %lu busy %lu record %lu discarded %lu corrupt %lu\n", seen[RING_EMPTY], seen[RING_BUSY],
         seen[RING_RECORD], seen[RING_DISCARDED], seen[RING_CORRUPT]);
  return 0;
}
