// delay-line: joins two network namespaces by a link that delays each frame.
//
//   delay-line INTERFACE MICROSECONDS NAMESPACE-FILE NAMESPACE-FILE
//
// It makes a TAP named INTERFACE in each namespace and hands each frame read from one to the other, MICROSECONDS later. Order
// is kept. A full queue drops the newest frame, as a router would.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES 65600
#define QUEUE_FRAMES 65536 // power of two
#define QUEUE_BYTES (64 << 20)

struct frame {
  uint64_t due_ns;
  char *bytes;
  int length;
};

// Frames on their way to `file`.
struct line {
  int file;
  unsigned head, tail;
  size_t bytes;
  struct frame frames[QUEUE_FRAMES];
};

static struct line lines[2];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static int open_tap(const char *name, const char *namespace) {
  int space = open(namespace, O_RDONLY | O_CLOEXEC);
  if (space < 0 || setns(space, CLONE_NEWNET)) fail(namespace);
  close(space);
  int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (file < 0 || ioctl(file, TUNSETIFF, &request)) fail(name);
  return file;
}

static void take(int file, struct line *line, uint64_t delay_ns) {
  static char buffer[FRAME_BYTES];
  // Bounded, so that frames that are due on the other side do not wait for a flood on this one.
  for (int i = 0; i < 64; i++) {
    ssize_t length = read(file, buffer, sizeof buffer);
    if (length <= 0) return;
    if (line->tail - line->head == QUEUE_FRAMES || line->bytes + length > QUEUE_BYTES) continue;
    struct frame *frame = &line->frames[line->tail % QUEUE_FRAMES];
    frame->bytes = malloc(length);
    if (!frame->bytes) continue;
    memcpy(frame->bytes, buffer, length);
    frame->length = length, frame->due_ns = now_ns() + delay_ns;
    line->tail++, line->bytes += length;
  }
}

static void deliver(struct line *line, uint64_t now) {
  while (line->head != line->tail) {
    struct frame *frame = &line->frames[line->head % QUEUE_FRAMES];
    if (frame->due_ns > now) return;
    // A TAP that is down refuses (EIO): that frame is lost, as on a cable that is out.
    if (write(line->file, frame->bytes, frame->length) < 0 && errno == EAGAIN) return;
    free(frame->bytes);
    line->head++, line->bytes -= frame->length;
  }
}

int main(int count, char **words) {
  if (count != 5) return fputs("usage: delay-line INTERFACE MICROSECONDS NAMESPACE-FILE NAMESPACE-FILE\n", stderr), 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The default slack of 50 µs would be a fifth of a short delay.
  prctl(PR_SET_TIMERSLACK, 1000);
  uint64_t delay_ns = strtoull(words[2], NULL, 10) * 1000;
  for (int i = 0; i < 2; i++) lines[i].file = open_tap(words[1], words[3 + i]);
  for (;;) {
    uint64_t now = now_ns(), due = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
      deliver(&lines[i], now);
      if (lines[i].head != lines[i].tail && lines[i].frames[lines[i].head % QUEUE_FRAMES].due_ns < due)
        due = lines[i].frames[lines[i].head % QUEUE_FRAMES].due_ns;
    }
    uint64_t wait_ns = due <= now ? 100000 : due - now;
    struct timespec wait = {wait_ns / 1000000000, wait_ns % 1000000000};
    struct pollfd files[2] = {{.fd = lines[0].file, .events = POLLIN}, {.fd = lines[1].file, .events = POLLIN}};
    if (ppoll(files, 2, due == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR) fail("poll");
    for (int i = 0; i < 2; i++)
      if (files[i].revents & POLLIN) take(lines[i].file, &lines[!i], delay_ns);
      else if (files[i].revents & (POLLERR | POLLNVAL)) usleep(100000);
  }
}
