// What the two halves of gate share; gate.c says what it is.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define NAME_BYTES 64
#define BUFFER_BYTES 32768
enum kind { COMMANDS, LISTENER, ENDPOINT };
enum mode { OPEN, SILENT, REFUSING };

struct group {
  struct group *next;
  char name[NAME_BYTES];
  enum mode mode;
};

struct listener {
  enum kind kind;
  struct listener *next;
  struct group *group;
  int file, port;
  char name[NAME_BYTES];
};

// One end of a connection. `buffer` holds bytes read here that the other end has not taken yet.
struct endpoint {
  enum kind kind;
  int file, ended, connecting;
  uint32_t watched;
  struct endpoint *other;
  struct connection *connection;
  size_t start, length;
  char buffer[BUFFER_BYTES];
};

struct connection {
  struct connection *next;
  struct listener *listener;
  int closing;
  struct endpoint ends[2];
};

extern struct connection *connections;
extern int poll_file;

// Tells the kernel which events of this end matter now.
void watch(struct endpoint *end);
void accept_one(struct listener *listener);
void serve(struct endpoint *end, uint32_t events);
void close_connection(struct connection *connection, int reset);
void free_closed(void);
