/* Ring buffers: pages shared with the kernel, records copied out of them. */
#include "ring-buffer.h"
#include "ring-records.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void unmap(struct ring *ring) {
  if (ring->consumer) munmap(ring->consumer, ring->page);
  if (ring->producer) munmap(ring->producer, ring->page + 2 * ring->size);
  ring->consumer = NULL;
  ring->producer = NULL;
}

static void release_ring(napi_env env, void *data, void *hint) {
  struct ring *ring = data;
  ring_wait_end(env, ring);
  unmap(ring);
  release_handle(env, ring->map, hint);
  free(ring);
}

static bool map_pages(napi_env env, struct ring *ring, uint32_t size, const char *path) {
  long page = sysconf(_SC_PAGESIZE);
  if (ring->map->type != BPF_MAP_TYPE_RINGBUF || page <= 0 || size < (uint64_t)page || (size & (size - 1)) != 0) {
    throw_errno(env, EINVAL, "opening '%s' as a ring buffer: its type is %u and its size %u", path, ring->map->type,
                size);
    return false;
  }
  ring->page = (size_t)page;
  ring->size = size;
  int fd = ring->map->fd;
  void *consumer = mmap(NULL, ring->page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (consumer != MAP_FAILED) ring->consumer = consumer;
  void *producer = MAP_FAILED;
  if (ring->consumer) producer = mmap(NULL, ring->page + 2 * ring->size, PROT_READ, MAP_SHARED, fd, page);
  if (producer != MAP_FAILED) ring->producer = producer;
  if (ring->producer) return true;
  throw_errno(env, errno, "mapping the pages of ring buffer '%s' (mmap, %u bytes)", path, size);
  return false;
}

/* openRing(path) */
napi_value ring_open(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char path[PATH_MAX];
  struct bpf_map_info description;
  if (!arguments(env, info, 1, args)) return NULL;
  int fd = open_pin(env, args[0], "bpf-map", path);
  struct handle *map = fd < 0 ? NULL : new_handle(env, fd);
  if (!map) return NULL;
  struct ring *ring = calloc(1, sizeof *ring);
  if (!ring) {
    release_handle(env, map, NULL);
    return throw_errno(env, ENOMEM, "opening ring buffer '%s'", path);
  }
  ring->map = map;
  if (!describe_map(env, map, path, &description) || !map_pages(env, ring, description.max_entries, path)) {
    release_ring(env, ring, NULL);
    return NULL;
  }
  napi_value external;
  if (napi_create_external(env, ring, release_ring, NULL, &external) != napi_ok) {
    release_ring(env, ring, NULL);
    return throw_errno(env, ENOMEM, "making a handle for ring buffer '%s'", path);
  }
  if (napi_type_tag_object(env, external, &ring_tag) != napi_ok)
    return throw_errno(env, ENOTSUP, "tagging a handle (Node.js 20 or newer is needed)");
  return map_info_object(env, map, &description, external);
}

struct ring *take_ring(napi_env env, napi_value value) {
  struct ring *ring = take_external(env, value, &ring_tag, "ring buffer");
  if (!ring || ring->map->fd >= 0) return ring;
  throw_errno(env, EBADF, "using ring buffer %s after close(): open it again", ring->map->label);
  return NULL;
}

static uint64_t position(const uint8_t *page) {
  return __atomic_load_n((const uint64_t *)(const void *)page, __ATOMIC_ACQUIRE);
}

static void consume(struct ring *ring, uint64_t next) {
  __atomic_store_n((uint64_t *)(void *)ring->consumer, next, __ATOMIC_RELEASE);
}

/* Copies the record into records[count] and only then gives its room back to the kernel. */
static bool append(napi_env env, struct ring *ring, napi_value records, uint32_t count,
                   const struct ring_record *record) {
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  napi_value bytes = copy_bytes(env, record->bytes, record->length);
  bool appended = bytes && napi_set_element(env, records, count, bytes) == napi_ok;
  napi_close_handle_scope(env, scope);
  if (appended) consume(ring, record->next);
  return appended;
}

/* drain(ring, max): at most max records. The producer's position is read once, so a busy producer cannot hold us here. */
napi_value ring_drain(napi_env env, napi_callback_info info) {
  napi_value args[2], records;
  uint32_t max, count = 0;
  if (!arguments(env, info, 2, args)) return NULL;
  struct ring *ring = take_ring(env, args[0]);
  if (!ring || !take_uint32(env, args[1], "max", &max)) return NULL;
  if (napi_create_array(env, &records) != napi_ok) return throw_errno(env, ENOMEM, "draining %s", ring->map->label);
  const uint64_t producer = position(ring->producer);
  uint64_t consumer = position(ring->consumer);
  while (count < max) {
    struct ring_record record;
    enum ring_state state = ring_record_at(ring->producer + ring->page, ring->size, consumer, producer, &record);
    if (state == RING_CORRUPT && count == 0) {
      consume(ring, producer); /* the only place that is known to begin a record */
      return throw_errno(env, EBADMSG, "draining ring buffer %s: a broken record at position %llu; all unread records "
                         "are dropped", ring->map->label, (unsigned long long)consumer);
    }
    if (state != RING_RECORD && state != RING_DISCARDED) break;
    if (state == RING_DISCARDED) consume(ring, record.next);
    else if (append(env, ring, records, count, &record)) count++;
    else return throw_errno(env, ENOMEM, "draining ring buffer %s", ring->map->label);
    consumer = record.next;
  }
  return records;
}

/* close(ring) */
napi_value ring_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct ring *ring = take_external(env, args[0], &ring_tag, "ring buffer");
  if (!ring) return NULL;
  ring_wait_end(env, ring);
  unmap(ring);
  close_handle(ring->map);
  return undefined(env);
}
