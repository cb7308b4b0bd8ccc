/* Opening and making maps. */
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_per_cpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
         type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

static bool holds_objects(uint32_t type) {
  return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS || type == BPF_MAP_TYPE_PROG_ARRAY ||
         type == BPF_MAP_TYPE_PERF_EVENT_ARRAY || type == BPF_MAP_TYPE_CGROUP_ARRAY;
}

bool describe_map(napi_env env, struct handle *handle, const char *origin, struct bpf_map_info *info) {
  int result = object_info(handle->fd, info, sizeof *info);
  if (result < 0) {
    throw_errno(env, -result, "reading what map '%s' is (BPF_OBJ_GET_INFO_BY_FD)", origin);
    return false;
  }
  handle->type = info->type;
  handle->key_size = info->key_size;
  handle->value_size = info->value_size;
  handle->value_bytes = info->value_size;
  handle->holds_objects = holds_objects(info->type);
  if (is_per_cpu(info->type)) {
    int cpus = possible_cpus();
    if (cpus < 0) {
      throw_errno(env, -cpus, "counting the possible CPUs for map '%s'", origin);
      return false;
    }
    handle->cpus = (uint32_t)cpus;
    handle->value_bytes = (((size_t)info->value_size + 7) & ~(size_t)7) * handle->cpus;
  }
  size_t capacity = strlen(origin) + 96;
  handle->label = malloc(capacity);
  if (!handle->label) {
    throw_errno(env, ENOMEM, "describing map '%s'", origin);
    return false;
  }
  snprintf(handle->label, capacity, "map '%s' (key %u bytes, value %u bytes%s)", origin, info->key_size,
           info->value_size, handle->cpus ? " per CPU" : "");
  return true;
}

napi_value map_info_object(napi_env env, const struct handle *handle, const struct bpf_map_info *info,
                           napi_value external) {
  napi_value object;
  char name[BPF_OBJ_NAME_LEN + 1] = {0};
  memcpy(name, info->name, BPF_OBJ_NAME_LEN);
  if (napi_create_object(env, &object) != napi_ok || !set_uint32(env, object, "type", info->type) ||
      !set_uint32(env, object, "keySize", info->key_size) || !set_uint32(env, object, "valueSize", info->value_size) ||
      !set_uint32(env, object, "maxEntries", info->max_entries) || !set_uint32(env, object, "id", info->id) ||
      !set_uint32(env, object, "flags", info->map_flags) || !set_uint32(env, object, "cpus", handle->cpus) ||
      !set_string(env, object, "name", name) ||
      napi_set_named_property(env, object, "handle", external) != napi_ok)
    return throw_errno(env, ENOMEM, "describing %s to JavaScript", handle->label);
  return object;
}

static napi_value give_map(napi_env env, int fd, const char *origin) {
  struct bpf_map_info info;
  struct handle *handle = new_handle(env, fd);
  if (!handle) return NULL;
  if (!describe_map(env, handle, origin, &info)) {
    release_handle(env, handle, NULL);
    return NULL;
  }
  napi_value external = give_handle(env, handle, &map_tag, release_handle);
  return external ? map_info_object(env, handle, &info, external) : NULL;
}

/* openMap(path) */
napi_value map_open(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char path[PATH_MAX];
  if (!arguments(env, info, 1, args)) return NULL;
  int fd = open_pin(env, args[0], "bpf-map", path);
  return fd < 0 ? NULL : give_map(env, fd, path);
}

/* createMap(type, keySize, valueSize, maxEntries, flags, name, innerMap | undefined) */
napi_value map_create(napi_env env, napi_callback_info info) {
  napi_value args[7];
  char name[BPF_OBJ_NAME_LEN];
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  if (!arguments(env, info, 7, args) || !take_uint32(env, args[0], "a map's type", &attributes.map_type) ||
      !take_uint32(env, args[1], "keySize", &attributes.key_size) ||
      !take_uint32(env, args[2], "valueSize", &attributes.value_size) ||
      !take_uint32(env, args[3], "maxEntries", &attributes.max_entries) ||
      !take_uint32(env, args[4], "flags", &attributes.map_flags) ||
      !take_string(env, args[5], "a map's name", name, sizeof name))
    return NULL;
  if (!is_absent(env, args[6])) {
    struct handle *inner = take_handle(env, args[6], &map_tag, "map");
    if (!inner) return NULL;
    attributes.inner_map_fd = (uint32_t)inner->fd;
  }
  memcpy(attributes.map_name, name, strlen(name));
  int fd = bpf_call(BPF_MAP_CREATE, &attributes);
  if (fd < 0)
    return throw_errno(env, -fd, "making map '%s' (BPF_MAP_CREATE, type %u, key %u bytes, value %u bytes, %u entries)",
                       name, attributes.map_type, attributes.key_size, attributes.value_size, attributes.max_entries);
  return give_map(env, fd, name);
}
