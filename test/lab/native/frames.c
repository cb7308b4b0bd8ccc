// frames: numbered Ethernet frames, to see what a network loses, repeats or reorders.
//
//   frames send INTERFACE [--to MAC] [--period MICROSECONDS] [--count N] [--type HEX] [--stream N] [--length BYTES]
//   frames receive INTERFACE [--type HEX] [--stream N]
//
// Both run until SIGTERM (or COUNT frames), then print one line of JSON. `send`: how many it sent. `receive`: how many
// came, which were repeated, out of order or missing between the first and the last, and the longest gap between two of
// them. They say "ready" on standard output once they run. A frame carries: stream (4 bytes), number (8 bytes, from 1).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES 14
#define MAX_NUMBERS (1u << 24)

static volatile sig_atomic_t stopping;
static unsigned type = 0x88b5, stream = 1, period_us = 1000, length = 60;
static unsigned long count;
static unsigned char to[6] = {255, 255, 255, 255, 255, 255};

static void stop(int signal) { (void)signal, stopping = 1; }

static void fail(const char *what) {
  fprintf(stderr, "frames: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static int open_socket(const char *interface, unsigned protocol, struct sockaddr_ll *address) {
  int file = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (file < 0) fail("open a packet socket");
  *address = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_halen = 6};
  address->sll_ifindex = if_nametoindex(interface);
  if (!address->sll_ifindex) fail(interface);
  if (bind(file, (void *)address, sizeof *address)) fail("bind");
  return file;
}

static void send_frames(const char *interface) {
  struct sockaddr_ll address;
  int file = open_socket(interface, 0, &address);
  struct ifreq request = {0};
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  if (ioctl(file, SIOCGIFHWADDR, &request)) fail("read the interface's address");
  unsigned char frame[1500] = {0};
  memcpy(frame, to, 6), memcpy(frame + 6, request.ifr_hwaddr.sa_data, 6);
  frame[12] = type >> 8, frame[13] = type;
  memcpy(frame + HEADER_BYTES, &stream, 4);
  memcpy(address.sll_addr, to, 6);
  uint64_t number = 0, sent = 0, refused = 0, next_ns = now_ns();
  puts("ready"), fflush(stdout);
  while (!stopping && (count == 0 || number < count)) {
    number++;
    memcpy(frame + HEADER_BYTES + 4, &number, 8);
    if (sendto(file, frame, length, 0, (void *)&address, sizeof address) < 0) refused++;
    else sent++;
    next_ns += period_us * 1000ull;
    // A machine that was busy elsewhere for long: go on from now, rather than send all that was missed in one burst.
    if (now_ns() > next_ns + 20000000) next_ns = now_ns();
    struct timespec wake = {next_ns / 1000000000, next_ns % 1000000000};
    while (!stopping && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL) == EINTR) continue;
  }
  printf("{\"sent\": %lu, \"refused\": %lu}\n", sent, refused);
}

static void receive_frames(const char *interface) {
  static unsigned char seen[MAX_NUMBERS];
  struct sockaddr_ll address;
  int file = open_socket(interface, type, &address), bytes = 16 << 20;
  setsockopt(file, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  uint64_t received = 0, repeated = 0, reordered = 0, first = 0, last = 0, previous_ns = 0, gap_ns = 0;
  puts("ready"), fflush(stdout);
  while (!stopping) {
    unsigned char frame[2048];
    struct sockaddr_ll from;
    socklen_t size = sizeof from;
    ssize_t got = recvfrom(file, frame, sizeof frame, 0, (void *)&from, &size);
    if (got < HEADER_BYTES + 12 || from.sll_pkttype == PACKET_OUTGOING) continue;
    unsigned its_stream;
    uint64_t number, now = now_ns();
    memcpy(&its_stream, frame + HEADER_BYTES, 4), memcpy(&number, frame + HEADER_BYTES + 4, 8);
    if (its_stream != stream || number >= MAX_NUMBERS) continue;
    received++;
    if (seen[number]) repeated++;
    else seen[number] = 1;
    if (number < last) reordered++;
    if (!first || number < first) first = number;
    if (number > last) last = number;
    if (previous_ns && now - previous_ns > gap_ns) gap_ns = now - previous_ns;
    previous_ns = now;
  }
  uint64_t lost = 0;
  for (uint64_t number = first; first && number <= last; number++) lost += !seen[number];
  // Frames that found the socket's queue full were lost by the measurement, not by the network.
  struct tpacket_stats stats = {0};
  socklen_t size = sizeof stats;
  getsockopt(file, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
  printf("{\"received\": %lu, \"first\": %lu, \"last\": %lu, \"lost\": %lu, \"duplicated\": %lu, \"reordered\": %lu, "
         "\"longestGapMicroseconds\": %lu, \"overruns\": %u}\n",
         received, first, last, lost, repeated, reordered, gap_ns / 1000, stats.tp_drops);
}

static void parse(int words, char **word) {
  for (int i = 3; i + 1 < words; i += 2) {
    const char *value = word[i + 1];
    if (!strcmp(word[i], "--to")) {
      if (sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", to, to + 1, to + 2, to + 3, to + 4, to + 5) != 6) errno = EINVAL, fail(value);
    } else if (!strcmp(word[i], "--period")) period_us = strtoul(value, NULL, 10);
    else if (!strcmp(word[i], "--count")) count = strtoul(value, NULL, 10);
    else if (!strcmp(word[i], "--type")) type = strtoul(value, NULL, 16);
    else if (!strcmp(word[i], "--stream")) stream = strtoul(value, NULL, 10);
    else if (!strcmp(word[i], "--length")) length = strtoul(value, NULL, 10);
    else errno = EINVAL, fail(word[i]);
  }
  if (length < 60 || length > 1500) errno = EINVAL, fail("--length must be 60 to 1500");
}

int main(int words, char **word) {
  if (words < 3) return fputs("usage: frames send|receive INTERFACE [OPTION VALUE]...\n", stderr), 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1000);
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL), sigaction(SIGINT, &action, NULL);
  parse(words, word);
  if (!strcmp(word[1], "send")) send_frames(word[2]);
  else if (!strcmp(word[1], "receive")) receive_frames(word[2]);
  else return fputs("frames: send or receive\n", stderr), 2;
}
