/* An open ring buffer: its mapped pages and the wait for them to become readable. */
#ifndef VNET_RING_BUFFER_H
#define VNET_RING_BUFFER_H

#include "syscall.h"

struct ring_wait;

struct ring {
  struct handle *map;
  uint8_t *consumer; /* one page: our position, writable */
  uint8_t *producer; /* one page with the kernel's position, then the data pages twice; read only */
  size_t page;
  size_t size; /* of the data; a power of two */
  struct ring_wait *wait; /* NULL until the first wait */
};

/* Ends the wait: its callback is not called any more. Must come before the descriptor is closed. */
void ring_wait_end(napi_env env, struct ring *ring);
struct ring *take_ring(napi_env env, napi_value value);

#endif
