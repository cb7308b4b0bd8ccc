/* The kernel copies one padded value per *possible* CPU. A smaller number here would let it write past our buffer, so a
 * list that is not understood to the last character is an error, never a guess. */
#include "syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LIST "/sys/devices/system/cpu/possible"
#define MAX_CPU 65535u

/* Reads digits at *text; false when there is none, or the number is too large. */
static bool read_number(const char **text, unsigned *out) {
  unsigned number = 0;
  const char *at = *text;
  for (; *at >= '0' && *at <= '9'; at++) {
    number = number * 10 + (unsigned)(*at - '0');
    if (number > MAX_CPU) return false;
  }
  if (at == *text) return false;
  *text = at;
  *out = number;
  return true;
}

/* Counts the CPUs of an ascending list such as "0-3,6\n"; -EPROTO when it is anything else. */
static int count_list(const char *text) {
  unsigned count = 0, lowest = 0;
  for (;;) {
    unsigned first, last;
    if (!read_number(&text, &first)) return -EPROTO;
    last = first;
    if (*text == '-') {
      text++;
      if (!read_number(&text, &last)) return -EPROTO;
    }
    if (first < lowest || last < first) return -EPROTO;
    count += last - first + 1;
    lowest = last + 1;
    if (*text == ',') {
      text++;
      continue;
    }
    if (*text == '\n' && text[1] == '\0') return (int)count;
    return -EPROTO;
  }
}

int possible_cpus(void) {
  char text[4096];
  int fd = open(LIST, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  size_t filled = 0;
  ssize_t got;
  while (filled < sizeof text - 1 && (got = read(fd, text + filled, sizeof text - 1 - filled)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      int error = errno;
      close(fd);
      return -error;
    }
    filled += (size_t)got;
  }
  close(fd);
  text[filled] = '\0';
  return count_list(text);
}

napi_value cpus_count(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value number;
  int count = possible_cpus();
  if (count < 0) return throw_errno(env, -count, "counting the possible CPUs from " LIST);
  return napi_create_int32(env, count, &number) == napi_ok ? number : NULL;
}
