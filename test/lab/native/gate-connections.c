// Connections of gate: accepting, connecting, copying bytes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gate.h"

struct connection *connections;
int poll_file;

void watch(struct endpoint *end) {
  enum mode mode = end->connection->listener->group->mode;
  uint32_t wanted = 0;
  if (end->connecting) wanted = EPOLLOUT;
  else if (mode == OPEN) {
    if (!end->ended && end->length == 0 && !end->other->connecting) wanted |= EPOLLIN;
    if (end->other->length > 0) wanted |= EPOLLOUT;
  }
  if (wanted == end->watched) return;
  struct epoll_event event = {.events = wanted, .data.ptr = end};
  // Without interest in anything the kernel still reports hang-ups again and again, hence removal.
  int operation = !wanted ? EPOLL_CTL_DEL : end->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  epoll_ctl(poll_file, operation, end->file, &event);
  end->watched = wanted;
}

void close_connection(struct connection *connection, int reset) {
  if (connection->closing) return;
  connection->closing = 1;
  for (int i = 0; i < 2; i++) {
    struct linger now = {1, 0};
    if (reset) setsockopt(connection->ends[i].file, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(connection->ends[i].file);
  }
}

// Freed only between rounds of events: a round may hold events of both ends.
void free_closed(void) {
  for (struct connection **link = &connections; *link;) {
    struct connection *connection = *link;
    if (connection->closing) *link = connection->next, free(connection);
    else link = &connection->next;
  }
}

static int connect_home(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int file = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (file < 0) return -1;
  if (connect(file, (void *)&address, sizeof address) && errno != EINPROGRESS) return close(file), -1;
  return file;
}

void accept_one(struct listener *listener) {
  int file = accept4(listener->file, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (file < 0) return;
  int server = listener->group->mode == REFUSING ? -1 : connect_home(listener->port);
  if (server < 0) {
    struct linger now = {1, 0};
    setsockopt(file, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(file);
    return;
  }
  struct connection *connection = calloc(1, sizeof *connection);
  if (!connection) abort();
  connection->listener = listener;
  connection->next = connections;
  connections = connection;
  for (int i = 0; i < 2; i++) {
    struct endpoint *end = &connection->ends[i];
    end->kind = ENDPOINT, end->file = i ? server : file, end->connecting = i;
    end->other = &connection->ends[!i], end->connection = connection;
  }
  watch(&connection->ends[0]), watch(&connection->ends[1]);
}

// Returns 0 when the connection broke.
static int pump_out(struct endpoint *end) {
  struct endpoint *source = end->other;
  while (source->length > 0) {
    ssize_t sent = send(end->file, source->buffer + source->start, source->length, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    source->start += sent, source->length -= sent;
  }
  source->start = 0;
  if (source->ended) shutdown(end->file, SHUT_WR);
  return 1;
}

static int pump_in(struct endpoint *end) {
  ssize_t got = recv(end->file, end->buffer, BUFFER_BYTES, 0);
  if (got < 0) return errno == EAGAIN;
  end->start = 0, end->length = got;
  if (got == 0) end->ended = 1;
  return pump_out(end->other);
}

void serve(struct endpoint *end, uint32_t events) {
  struct connection *connection = end->connection;
  if (connection->closing || !end->watched) return;
  int alive = 1;
  if (end->connecting && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(end->file, SOL_SOCKET, SO_ERROR, &error, &size);
    alive = !error, end->connecting = 0;
  } else if (connection->listener->group->mode == OPEN) {
    if (events & EPOLLOUT) alive = pump_out(end);
    if (alive && events & (EPOLLIN | EPOLLHUP | EPOLLERR) && end->length == 0 && !end->ended) alive = pump_in(end);
    else if (events & EPOLLERR) alive = 0;
  }
  if (!alive || (end->ended && end->other->ended && !end->length && !end->other->length)) close_connection(connection, !alive);
  else watch(end), watch(end->other);
}
