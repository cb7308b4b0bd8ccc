/* Many elements in one call. */
#include "syscall.h"

#include <errno.h>
#include <string.h>

#define KERNEL_ENOTSUPP 524
#define MAX_COUNT 65536u

/* The place to go on from is a key, or for hash maps the 32-bit number of a bucket, even where keys are shorter. */
static size_t cursor_size(const struct handle *map) { return map->key_size > 8 ? map->key_size : 8; }

/* {done, grow, count, keys, values, cursor}: `grow` asks for a larger count (a bucket had more entries than that); the
 * cursor is undefined at the start. */
static napi_value describe(napi_env env, const struct handle *map, int result, uint32_t count, const uint8_t *keys,
                           const uint8_t *values, const uint8_t *cursor) {
  napi_value object, done, grow;
  if (napi_create_object(env, &object) != napi_ok || napi_get_boolean(env, result == -ENOENT, &done) != napi_ok ||
      napi_get_boolean(env, result == -ENOSPC, &grow) != napi_ok ||
      napi_set_named_property(env, object, "done", done) != napi_ok ||
      napi_set_named_property(env, object, "grow", grow) != napi_ok || !set_uint32(env, object, "count", count))
    return throw_errno(env, ENOMEM, "reading %s", map->label);
  napi_value key_bytes = copy_bytes(env, keys, (size_t)count * map->key_size);
  napi_value value_bytes = key_bytes ? copy_bytes(env, values, (size_t)count * map->value_bytes) : NULL;
  napi_value next = !value_bytes ? NULL : cursor ? copy_bytes(env, cursor, cursor_size(map)) : undefined(env);
  if (!next) return NULL;
  if (napi_set_named_property(env, object, "keys", key_bytes) != napi_ok ||
      napi_set_named_property(env, object, "values", value_bytes) != napi_ok ||
      napi_set_named_property(env, object, "cursor", next) != napi_ok)
    return throw_errno(env, ENOMEM, "reading %s", map->label);
  return object;
}

static napi_value read_batch(napi_env env, const struct handle *map, const uint8_t *from, uint32_t wanted,
                             uint8_t *keys, uint8_t *values, uint8_t *cursor) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.batch.map_fd = (uint32_t)map->fd;
  attributes.batch.in_batch = (uintptr_t)from;
  attributes.batch.out_batch = (uintptr_t)cursor;
  attributes.batch.keys = (uintptr_t)keys;
  attributes.batch.values = (uintptr_t)values;
  attributes.batch.count = wanted;
  int result = bpf_call(BPF_MAP_LOOKUP_BATCH, &attributes);
  uint32_t count = attributes.batch.count;
  switch (result) {
    case 0:
    case -ENOENT: /* the end, with the last elements */
    case -EINTR: /* elements went away under the kernel's feet: what was read so far is good */
      break;
    case -ENOSPC:
      count = 0;
      break;
    case -KERNEL_ENOTSUPP:
    case -EOPNOTSUPP:
    case -EINVAL:
      return undefined(env);
    default:
      return throw_errno(env, -result, "reading %s (BPF_MAP_LOOKUP_BATCH)", map->label);
  }
  if (count > wanted) return throw_errno(env, EPROTO, "reading %s: the kernel claims %u of %u", map->label, count, wanted);
  /* Where nothing was read the kernel may have left its answer unwritten: go on from where this call began. */
  return describe(env, map, result, count, keys, values, count == 0 ? from : cursor);
}

/* batch(map, cursor | undefined, count): undefined where the kernel cannot do it for this map */
napi_value map_batch(napi_env env, napi_callback_info info) {
  napi_value args[3];
  struct bytes from = {NULL, 0};
  uint32_t count;
  if (!arguments(env, info, 3, args)) return NULL;
  struct handle *map = take_handle(env, args[0], &map_tag, "map");
  if (!map || !take_uint32(env, args[2], "the batch's count", &count)) return NULL;
  if (!is_absent(env, args[1]) && !take_exact(env, args[1], cursor_size(map), "the cursor", map->label, &from))
    return NULL;
  if (map->key_size == 0) return undefined(env);
  if (count == 0 || count > MAX_COUNT)
    return throw_errno(env, EINVAL, "the batch's count must be 1 to %u, given %u", MAX_COUNT, count);
  uint8_t *keys = take_room(count, map->key_size);
  uint8_t *values = take_room(count, map->value_bytes);
  uint8_t *cursor = take_room(1, cursor_size(map));
  napi_value batch = keys && values && cursor
                         ? read_batch(env, map, from.data, count, keys, values, cursor)
                         : throw_errno(env, ENOMEM, "reading %s: %u elements at once", map->label, count);
  give_room_back(keys, count, map->key_size);
  give_room_back(values, count, map->value_bytes);
  give_room_back(cursor, 1, cursor_size(map));
  return batch;
}
