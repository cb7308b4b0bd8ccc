/* Open objects of the kernel as JavaScript externals: tagged, closed once, released when collected. */
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const napi_type_tag map_tag = {0x766e65742d6d6170, 0x9c1d5a0e63b84f21};
const napi_type_tag program_tag = {0x766e65742d707267, 0xb4f7e2196a0d3c85};
const napi_type_tag ring_tag = {0x766e65742d726e67, 0x51e08b7d94cf6a32};

void close_handle(struct handle *handle) {
  if (handle->fd >= 0) close(handle->fd);
  handle->fd = -1;
}

void release_handle(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  struct handle *handle = data;
  close_handle(handle);
  free(handle->label);
  free(handle);
}

struct handle *new_handle(napi_env env, int fd) {
  struct handle *handle = calloc(1, sizeof *handle);
  if (!handle) {
    close(fd);
    throw_errno(env, ENOMEM, "allocating a handle");
    return NULL;
  }
  handle->fd = fd;
  return handle;
}

napi_value give_handle(napi_env env, struct handle *handle, const napi_type_tag *tag, napi_finalize finalize) {
  napi_value external;
  if (napi_create_external(env, handle, finalize, NULL, &external) != napi_ok) {
    finalize(env, handle, NULL);
    return throw_errno(env, ENOMEM, "making a handle for JavaScript");
  }
  /* From here the external owns the handle: its finalizer releases it. */
  if (napi_type_tag_object(env, external, tag) != napi_ok)
    return throw_errno(env, ENOTSUP, "tagging a handle (Node.js 20 or newer is needed)");
  return external;
}

void *take_external(napi_env env, napi_value value, const napi_type_tag *tag, const char *kind) {
  napi_valuetype type;
  bool tagged = false;
  void *data = NULL;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_external &&
      napi_check_object_type_tag(env, value, tag, &tagged) == napi_ok && tagged &&
      napi_get_value_external(env, value, &data) == napi_ok && data)
    return data;
  throw_errno(env, EINVAL, "a native call needs a %s handle", kind);
  return NULL;
}

struct handle *take_handle(napi_env env, napi_value value, const napi_type_tag *tag, const char *kind) {
  struct handle *handle = take_external(env, value, tag, kind);
  if (!handle || handle->fd >= 0) return handle;
  throw_errno(env, EBADF, "using %s after close(): open it again", handle->label ? handle->label : kind);
  return NULL;
}

/* close(map | program): nothing happens the second time. */
napi_value handle_close(napi_env env, napi_callback_info info) {
  napi_value args[1];
  bool is_map = false;
  if (!arguments(env, info, 1, args)) return NULL;
  napi_valuetype type;
  if (napi_typeof(env, args[0], &type) == napi_ok && type == napi_external)
    napi_check_object_type_tag(env, args[0], &map_tag, &is_map);
  struct handle *handle = take_external(env, args[0], is_map ? &map_tag : &program_tag, "map or program");
  if (!handle) return NULL;
  close_handle(handle);
  return undefined(env);
}

/* BPF_OBJ_GET opens whatever is pinned, and the information of a program read as that of a map is nonsense. Only the name
 * of the descriptor tells them apart. */
static bool is_kind(int fd, const char *link) {
  char name[32], target[64], wanted[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  snprintf(wanted, sizeof wanted, "anon_inode:%s", link);
  ssize_t length = readlink(name, target, sizeof target - 1);
  if (length < 0) return false;
  target[length] = '\0';
  return strcmp(target, wanted) == 0;
}

int open_pin(napi_env env, napi_value path_value, const char *link, char *path) {
  if (!take_string(env, path_value, "the path of a pin", path, PATH_MAX)) return -1;
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.pathname = (uintptr_t)path;
  int fd = bpf_call(BPF_OBJ_GET, &attributes);
  if (fd < 0) {
    throw_errno(env, -fd, "opening the %s pinned at '%s' (BPF_OBJ_GET)%s", link, path,
                fd == -ENOENT ? "; is its program loaded, and is bpffs mounted there?" : "");
    return -1;
  }
  if (!is_kind(fd, link)) {
    close(fd);
    throw_errno(env, EINVAL, "opening '%s': the object pinned there is not a %s", path, link);
    return -1;
  }
  return fd;
}

/* pin(map, path): the path's folder must be on a bpffs, and nothing may be there yet. */
napi_value handle_pin(napi_env env, napi_callback_info info) {
  napi_value args[2];
  char path[PATH_MAX];
  if (!arguments(env, info, 2, args)) return NULL;
  struct handle *handle = take_handle(env, args[0], &map_tag, "map");
  if (!handle || !take_string(env, args[1], "the path of a pin", path, sizeof path)) return NULL;
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.bpf_fd = (uint32_t)handle->fd;
  attributes.pathname = (uintptr_t)path;
  int result = bpf_call(BPF_OBJ_PIN, &attributes);
  if (result < 0)
    return throw_errno(env, -result, "pinning %s at '%s' (BPF_OBJ_PIN)%s", handle->label, path,
                       result == -EPERM ? "; is that folder on a bpffs?" : "");
  return undefined(env);
}
