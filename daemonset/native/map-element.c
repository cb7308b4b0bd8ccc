/* One element of a map: lookup, update, delete, and the key after a key. */
#include "syscall.h"

#include <errno.h>
#include <string.h>

/* Queues and the like have no key, and the kernel refuses a pointer to one. */
static uint64_t key_pointer(const struct handle *map, const struct bytes *key) {
  return map->key_size ? (uintptr_t)key->data : 0;
}

/* lookup(map, key): the value's bytes (all CPUs, padded), or undefined */
napi_value map_lookup(napi_env env, napi_callback_info info) {
  napi_value args[2];
  struct bytes key;
  if (!arguments(env, info, 2, args)) return NULL;
  struct handle *map = take_handle(env, args[0], &map_tag, "map");
  if (!map || !take_exact(env, args[1], map->key_size, "the key", map->label, &key)) return NULL;
  uint8_t *value = take_room(1, map->value_bytes);
  if (!value) return throw_errno(env, ENOMEM, "looking up in %s: %zu bytes", map->label, map->value_bytes);
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_fd = (uint32_t)map->fd;
  attributes.key = key_pointer(map, &key);
  attributes.value = (uintptr_t)value;
  int result = bpf_call(BPF_MAP_LOOKUP_ELEM, &attributes);
  napi_value found = NULL;
  if (result == 0) found = copy_bytes(env, value, map->value_bytes);
  else if (result == -ENOENT) found = undefined(env);
  else throw_errno(env, -result, "looking up in %s (BPF_MAP_LOOKUP_ELEM)", map->label);
  give_room_back(value, 1, map->value_bytes);
  return found;
}

static napi_value update(napi_env env, struct handle *map, const struct bytes *key, const void *value,
                         uint32_t flags) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_fd = (uint32_t)map->fd;
  attributes.key = key_pointer(map, key);
  attributes.value = (uintptr_t)value;
  attributes.flags = flags;
  int result = bpf_call(BPF_MAP_UPDATE_ELEM, &attributes);
  if (result < 0)
    return throw_errno(env, -result, "updating %s (BPF_MAP_UPDATE_ELEM, %s)", map->label,
                       flags == BPF_NOEXIST ? "create" : flags == BPF_EXIST ? "exist" : "any");
  return undefined(env);
}

static bool take_flags(napi_env env, napi_value value, uint32_t *flags) {
  if (!take_uint32(env, value, "the update mode", flags)) return false;
  if (*flags <= BPF_EXIST) return true;
  throw_errno(env, EINVAL, "the update mode must be any (0), create (1) or exist (2), given %u", *flags);
  return false;
}

/* update(map, key, value, mode): a per-CPU map takes the padded values of all CPUs */
napi_value map_update(napi_env env, napi_callback_info info) {
  napi_value args[4];
  struct bytes key, value;
  uint32_t flags;
  if (!arguments(env, info, 4, args)) return NULL;
  struct handle *map = take_handle(env, args[0], &map_tag, "map");
  if (!map) return NULL;
  /* A number chosen by the caller would be taken for one of this process's descriptors. */
  if (map->holds_objects) return throw_errno(env, EINVAL, "updating %s, which holds maps or programs: use updateObject", map->label);
  if (!take_exact(env, args[1], map->key_size, "the key", map->label, &key) ||
      !take_exact(env, args[2], map->value_bytes, "the value", map->label, &value) ||
      !take_flags(env, args[3], &flags))
    return NULL;
  return update(env, map, &key, value.data, flags);
}

/* updateObject(map, key, map | program, mode) */
napi_value map_update_object(napi_env env, napi_callback_info info) {
  napi_value args[4];
  struct bytes key;
  uint32_t flags;
  if (!arguments(env, info, 4, args)) return NULL;
  struct handle *map = take_handle(env, args[0], &map_tag, "map");
  if (!map) return NULL;
  if (!map->holds_objects || map->value_size != sizeof(uint32_t))
    return throw_errno(env, EINVAL, "putting an object into %s, which does not hold maps or programs", map->label);
  bool programs = map->type == BPF_MAP_TYPE_PROG_ARRAY;
  struct handle *object =
      take_handle(env, args[2], programs ? &program_tag : &map_tag, programs ? "program" : "map");
  if (!object || !take_exact(env, args[1], map->key_size, "the key", map->label, &key) ||
      !take_flags(env, args[3], &flags))
    return NULL;
  uint32_t fd = (uint32_t)object->fd;
  return update(env, map, &key, &fd, flags);
}

/* delete(map, key): whether it was there */
napi_value map_delete(napi_env env, napi_callback_info info) {
  napi_value args[2], deleted;
  struct bytes key;
  if (!arguments(env, info, 2, args)) return NULL;
  struct handle *map = take_handle(env, args[0], &map_tag, "map");
  if (!map || !take_exact(env, args[1], map->key_size, "the key", map->label, &key)) return NULL;
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_fd = (uint32_t)map->fd;
  attributes.key = key_pointer(map, &key);
  int result = bpf_call(BPF_MAP_DELETE_ELEM, &attributes);
  if (result < 0 && result != -ENOENT)
    return throw_errno(env, -result, "deleting from %s (BPF_MAP_DELETE_ELEM)", map->label);
  return napi_get_boolean(env, result == 0, &deleted) == napi_ok ? deleted : NULL;
}

/* nextKey(map, key | undefined): the key after this one (the first for undefined or a key that is gone), or undefined */
napi_value map_next_key(napi_env env, napi_callback_info info) {
  napi_value args[2];
  struct bytes key = {NULL, 0};
  if (!arguments(env, info, 2, args)) return NULL;
  struct handle *map = take_handle(env, args[0], &map_tag, "map");
  if (!map) return NULL;
  if (!is_absent(env, args[1]) && !take_exact(env, args[1], map->key_size, "the key", map->label, &key)) return NULL;
  uint8_t *next = take_room(1, map->key_size);
  if (!next) return throw_errno(env, ENOMEM, "walking %s", map->label);
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_fd = (uint32_t)map->fd;
  attributes.key = key_pointer(map, &key);
  attributes.next_key = (uintptr_t)next;
  int result = bpf_call(BPF_MAP_GET_NEXT_KEY, &attributes);
  napi_value found = NULL;
  if (result == 0) found = copy_bytes(env, next, map->key_size);
  else if (result == -ENOENT) found = undefined(env);
  else throw_errno(env, -result, "walking %s (BPF_MAP_GET_NEXT_KEY)", map->label);
  give_room_back(next, 1, map->key_size);
  return found;
}
