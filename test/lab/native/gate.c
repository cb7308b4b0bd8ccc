// gate: lets processes in other network namespaces reach servers on this namespace's loopback, without any interface between them.
//
// A socket stays in the namespace it was made in. So gate enters a namespace, listens there on 127.0.0.1, comes back, and
// copies bytes between what it accepts and a connection that it makes here. One process serves all namespaces.
//
// Commands, one a line on standard input; each is answered by a line `ok` or `error TEXT` on standard output:
//   listen NAME GROUP FILE PORT   listen in the namespace FILE on 127.0.0.1:PORT, connect to 127.0.0.1:PORT here
//   unlisten NAME                 undo; ends its connections
//   silence GROUP                 connections stay and new ones are accepted, but no byte passes
//   refuse GROUP                  connections are reset, new ones too
//   restore GROUP                 as at first
// It ends with its standard input.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gate.h"

static struct group *groups;
static struct listener *listeners;
static int home;

static struct group *group_of(const char *name) {
  struct group *group = groups;
  while (group && strcmp(group->name, name)) group = group->next;
  if (group) return group;
  group = calloc(1, sizeof *group);
  snprintf(group->name, NAME_BYTES, "%s", name);
  group->next = groups;
  return groups = group;
}

static const char *listen_in(const char *name, const char *group, const char *path, int port) {
  int space = open(path, O_RDONLY | O_CLOEXEC), file = -1, on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const char *problem = NULL;
  if (space < 0 || setns(space, CLONE_NEWNET)) problem = "enter the namespace";
  else {
    file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (file < 0 || bind(file, (void *)&address, sizeof address) || listen(file, 128)) problem = "listen";
    if (setns(home, CLONE_NEWNET)) abort();
  }
  if (space >= 0) close(space);
  if (problem) return file >= 0 ? close(file), problem : problem;
  struct listener *listener = calloc(1, sizeof *listener);
  listener->kind = LISTENER, listener->file = file, listener->port = port, listener->group = group_of(group);
  snprintf(listener->name, NAME_BYTES, "%s", name);
  listener->next = listeners, listeners = listener;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = listener};
  epoll_ctl(poll_file, EPOLL_CTL_ADD, file, &event);
  return NULL;
}

// The struct of an ended listener is kept: connections of this round of events may still name it.
static void unlisten(const char *name) {
  for (struct listener **link = &listeners; *link;) {
    struct listener *listener = *link;
    if (strcmp(listener->name, name)) { link = &listener->next; continue; }
    *link = listener->next;
    close(listener->file), listener->file = -1;
    for (struct connection *each = connections; each; each = each->next)
      if (each->listener == listener) close_connection(each, 1);
  }
}

static void set_mode(const char *name, enum mode mode) {
  struct group *group = group_of(name);
  group->mode = mode;
  for (struct connection *each = connections; each; each = each->next) {
    if (each->listener->group != group || each->closing) continue;
    if (mode == REFUSING) close_connection(each, 1);
    else watch(&each->ends[0]), watch(&each->ends[1]);
  }
}

static void obey(char *line) {
  char name[NAME_BYTES], group[NAME_BYTES], path[256];
  int port;
  const char *problem = NULL;
  if (sscanf(line, "listen %63s %63s %255s %d", name, group, path, &port) == 4) problem = listen_in(name, group, path, port);
  else if (sscanf(line, "unlisten %63s", name) == 1) unlisten(name);
  else if (sscanf(line, "silence %63s", group) == 1) set_mode(group, SILENT);
  else if (sscanf(line, "refuse %63s", group) == 1) set_mode(group, REFUSING);
  else if (sscanf(line, "restore %63s", group) == 1) set_mode(group, OPEN);
  else problem = "understand", errno = EINVAL;
  if (problem) printf("error %s: %s (%s)\n", problem, strerror(errno), line);
  else puts("ok");
  fflush(stdout);
}

static void read_commands(void) {
  static char text[8192];
  static size_t length;
  ssize_t got = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
  if (got <= 0) exit(0);
  text[length += got] = 0;
  char *start = text;
  for (char *end; (end = strchr(start, '\n')); start = end + 1) *end = 0, obey(start);
  length -= start - text;
  memmove(text, start, length);
}

int main(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  poll_file = epoll_create1(EPOLL_CLOEXEC);
  enum kind commands = COMMANDS;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &commands};
  if (home < 0 || poll_file < 0 || epoll_ctl(poll_file, EPOLL_CTL_ADD, STDIN_FILENO, &event)) return perror("gate"), 1;
  for (;;) {
    struct epoll_event events[64];
    int count = epoll_wait(poll_file, events, 64, -1);
    for (int i = 0; i < count; i++) {
      enum kind kind = *(enum kind *)events[i].data.ptr;
      if (kind == COMMANDS) read_commands();
      else if (kind == LISTENER) accept_one(events[i].data.ptr);
      else serve(events[i].data.ptr, events[i].events);
    }
    free_closed();
  }
}
