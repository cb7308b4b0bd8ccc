/* What every file of the addon shares: the bpf(2) call, JavaScript errors, checked arguments, and open handles. */
#ifndef VNET_SYSCALL_H
#define VNET_SYSCALL_H

#define NAPI_VERSION 9
#include <node_api.h>

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(sizeof(void *) == 8 && sizeof(long) == 8, "the ring buffer's positions are 64-bit longs");

/* An open file descriptor of the kernel and what the kernel told of it. JavaScript holds it as a tagged external. */
struct handle {
  int fd; /* -1 once closed */
  char *label; /* for messages: hash map '/sys/fs/bpf/x' (key 8 bytes, value 12 bytes) */
  uint32_t type;
  uint32_t key_size;
  uint32_t value_size;
  uint32_t cpus; /* possible CPUs for a per-CPU map, else 0 */
  size_t value_bytes; /* what one lookup or update copies: value_size, or the padded values of all possible CPUs */
  bool holds_objects; /* values are file descriptors of maps or programs */
};

/* Borrowed view of a Uint8Array's bytes: valid until control returns to JavaScript, never kept. */
struct bytes {
  uint8_t *data;
  size_t length;
};

extern const napi_type_tag map_tag;
extern const napi_type_tag program_tag;
extern const napi_type_tag ring_tag;

/* bpf(2): 0 or a file descriptor, or a negative errno. */
int bpf_call(int command, union bpf_attr *attributes);
/* BPF_OBJ_GET_INFO_BY_FD into `info`, which is cleared first: 0, or a negative errno. */
int object_info(int fd, void *info, size_t size);

/* Throws Error {code, errno, syscall: 'bpf', message}; `error` is a positive errno. Returns NULL, so callers can return it. */
napi_value throw_errno(napi_env env, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Collects exactly `count` arguments; the absent ones are undefined. */
bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);

/* Each returns false with a pending exception when the argument is not what it has to be. */
bool take_bytes(napi_env env, napi_value value, const char *what, const char *label, struct bytes *out);
bool take_exact(napi_env env, napi_value value, size_t length, const char *what, const char *label, struct bytes *out);
bool take_uint32(napi_env env, napi_value value, const char *what, uint32_t *out);
/* Copies a string without NUL characters into `out` (`capacity` includes the end). */
bool take_string(napi_env env, napi_value value, const char *what, char *out, size_t capacity);
bool is_absent(napi_env env, napi_value value);

/* A new Uint8Array with a copy of the bytes; NULL with a pending exception when it cannot be made. */
napi_value copy_bytes(napi_env env, const void *data, size_t length);
bool set_uint32(napi_env env, napi_value object, const char *name, uint32_t value);
bool set_string(napi_env env, napi_value object, const char *name, const char *value);
napi_value undefined(napi_env env);

/* The open handle in an external with this tag, or NULL with a pending exception (EBADF once closed). */
struct handle *take_handle(napi_env env, napi_value value, const napi_type_tag *tag, const char *kind);
/* Gives a handle to JavaScript; `finalize` runs when it is collected. NULL with a pending exception, the handle released. */
napi_value give_handle(napi_env env, struct handle *handle, const napi_type_tag *tag, napi_finalize finalize);
/* The external's data whether closed or not, or NULL with a pending exception. */
void *take_external(napi_env env, napi_value value, const napi_type_tag *tag, const char *kind);
struct handle *new_handle(napi_env env, int fd);
/* A finalizer for map and program handles. */
void release_handle(napi_env env, void *data, void *hint);
void close_handle(struct handle *handle);

/* Zeroed memory of count * size bytes, or NULL; give it back with the same numbers. */
void *take_room(size_t count, size_t size);
void give_room_back(void *room, size_t count, size_t size);

/* Number of possible CPUs, or a negative errno (EPROTO when the kernel's list is not understood). */
int possible_cpus(void);

/* BPF_OBJ_GET of args[0] for an object of the kind `link` ("bpf-map", "bpf-prog", "bpf-link"): a descriptor, or -1 with a pending
 * exception. `path` has PATH_MAX bytes. */
int open_pin(napi_env env, napi_value path_value, const char *link, char *path);
/* Fills a map handle from BPF_OBJ_GET_INFO_BY_FD; false with a pending exception. */
bool describe_map(napi_env env, struct handle *handle, const char *origin, struct bpf_map_info *info);
napi_value map_info_object(napi_env env, const struct handle *handle, const struct bpf_map_info *info,
                           napi_value external);

napi_value cpus_count(napi_env env, napi_callback_info info);
napi_value handle_close(napi_env env, napi_callback_info info);
napi_value handle_pin(napi_env env, napi_callback_info info);
napi_value map_open(napi_env env, napi_callback_info info);
napi_value map_create(napi_env env, napi_callback_info info);
napi_value map_lookup(napi_env env, napi_callback_info info);
napi_value map_update(napi_env env, napi_callback_info info);
napi_value map_update_object(napi_env env, napi_callback_info info);
napi_value map_delete(napi_env env, napi_callback_info info);
napi_value map_next_key(napi_env env, napi_callback_info info);
napi_value map_batch(napi_env env, napi_callback_info info);
napi_value program_open(napi_env env, napi_callback_info info);
napi_value program_test_run(napi_env env, napi_callback_info info);
napi_value tcx_attach(napi_env env, napi_callback_info info);
napi_value tcx_update(napi_env env, napi_callback_info info);
napi_value tcx_detach(napi_env env, napi_callback_info info);
napi_value tcx_link(napi_env env, napi_callback_info info);
napi_value tcx_programs(napi_env env, napi_callback_info info);
napi_value ring_open(napi_env env, napi_callback_info info);
napi_value ring_drain(napi_env env, napi_callback_info info);
napi_value ring_wait(napi_env env, napi_callback_info info);
napi_value ring_cancel(napi_env env, napi_callback_info info);
napi_value ring_close(napi_env env, napi_callback_info info);

#endif
