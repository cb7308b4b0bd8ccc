/* Zeroed memory for the kernel to write into. The sanitizers do not see what the kernel writes; so in their build the room
 * ends where a page without access begins, and a size that is too small is EFAULT in a test instead of corrupted memory. */
#include "syscall.h"

#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sys/mman.h>
#include <unistd.h>

static size_t readable_bytes(size_t bytes, size_t page) { return (bytes + page - 1) / page * page; }

void *take_room(size_t count, size_t size) {
  size_t bytes, page = (size_t)sysconf(_SC_PAGESIZE);
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) return NULL;
  size_t readable = readable_bytes(bytes, page);
  uint8_t *start = mmap(NULL, readable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return NULL;
  if (mprotect(start + readable, page, PROT_NONE) != 0) abort();
  return start + readable - bytes;
}

void give_room_back(void *room, size_t count, size_t size) {
  if (!room) return;
  size_t page = (size_t)sysconf(_SC_PAGESIZE), readable = readable_bytes(count * size, page);
  munmap((uint8_t *)room + count * size - readable, readable + page);
}
#else
void *take_room(size_t count, size_t size) { return calloc(count ? count : 1, size ? size : 1); }

void give_room_back(void *room, size_t count, size_t size) {
  (void)count, (void)size;
  free(room);
}
#endif
