/* Loaded programs: what they are, and running one on a frame that never touches a device. */
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DATA (1u << 20)
/* Room for a program to lengthen the frame: more than any encapsulation adds. */
#define DATA_GROWTH 65536u
/* Newer kernels may have a longer __sk_buff (192 bytes in Linux 6.18) than the header that this was compiled with. */
#define CONTEXT_ROOM 1024u

/* Programs whose context is a __sk_buff: the kernel gives it back even where none was passed in. */
static bool has_skb_context(uint32_t type) {
  return type == BPF_PROG_TYPE_SCHED_CLS || type == BPF_PROG_TYPE_SCHED_ACT || type == BPF_PROG_TYPE_SOCKET_FILTER ||
         type == BPF_PROG_TYPE_CGROUP_SKB || type == BPF_PROG_TYPE_LWT_IN || type == BPF_PROG_TYPE_LWT_OUT ||
         type == BPF_PROG_TYPE_LWT_XMIT || type == BPF_PROG_TYPE_LWT_SEG6LOCAL;
}

static napi_value info_object(napi_env env, const struct bpf_prog_info *info, napi_value external, const char *label) {
  napi_value object;
  char tag[2 * BPF_TAG_SIZE + 1], name[BPF_OBJ_NAME_LEN + 1] = {0};
  for (size_t i = 0; i < BPF_TAG_SIZE; i++) snprintf(tag + 2 * i, 3, "%02x", info->tag[i]);
  memcpy(name, info->name, BPF_OBJ_NAME_LEN);
  if (napi_create_object(env, &object) != napi_ok || !set_uint32(env, object, "type", info->type) ||
      !set_uint32(env, object, "id", info->id) || !set_string(env, object, "tag", tag) ||
      !set_string(env, object, "name", name) ||
      napi_set_named_property(env, object, "handle", external) != napi_ok)
    return throw_errno(env, ENOMEM, "describing %s to JavaScript", label);
  return object;
}

static bool describe_program(napi_env env, struct handle *handle, const char *path, struct bpf_prog_info *info) {
  int result = object_info(handle->fd, info, sizeof *info);
  if (result < 0) {
    throw_errno(env, -result, "reading what program '%s' is (BPF_OBJ_GET_INFO_BY_FD)", path);
    return false;
  }
  handle->type = info->type;
  size_t capacity = strlen(path) + 32;
  handle->label = malloc(capacity);
  if (!handle->label) {
    throw_errno(env, ENOMEM, "describing program '%s'", path);
    return false;
  }
  snprintf(handle->label, capacity, "program '%s'", path);
  return true;
}

/* openProgram(path) */
napi_value program_open(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char path[PATH_MAX];
  struct bpf_prog_info description;
  if (!arguments(env, info, 1, args)) return NULL;
  int fd = open_pin(env, args[0], "bpf-prog", path);
  struct handle *handle = fd < 0 ? NULL : new_handle(env, fd);
  if (!handle) return NULL;
  if (!describe_program(env, handle, path, &description)) {
    release_handle(env, handle, NULL);
    return NULL;
  }
  napi_value external = give_handle(env, handle, &program_tag, release_handle);
  return external ? info_object(env, &description, external, handle->label) : NULL;
}

struct run {
  struct bytes data;
  struct bytes context;
  uint32_t repeat;
  uint8_t *data_out;
  uint32_t data_room;
  uint8_t *context_out;
  uint32_t context_room; /* 0 where the kernel gives no context back */
};

static napi_value run_program(napi_env env, const struct handle *program, const struct run *run) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.test.prog_fd = (uint32_t)program->fd;
  attributes.test.repeat = run->repeat;
  attributes.test.data_in = (uintptr_t)run->data.data;
  attributes.test.data_size_in = (uint32_t)run->data.length;
  attributes.test.data_out = (uintptr_t)run->data_out;
  attributes.test.data_size_out = run->data_room;
  if (run->context.length > 0) {
    attributes.test.ctx_in = (uintptr_t)run->context.data;
    attributes.test.ctx_size_in = (uint32_t)run->context.length;
  }
  if (run->context_room > 0) {
    attributes.test.ctx_out = (uintptr_t)run->context_out;
    attributes.test.ctx_size_out = run->context_room;
  }
  int result = bpf_call(BPF_PROG_TEST_RUN, &attributes);
  uint32_t data_length = attributes.test.data_size_out, context_length = attributes.test.ctx_size_out;
  if (result < 0 || data_length > run->data_room || context_length > run->context_room)
    return throw_errno(env, result < 0 ? -result : ENOSPC,
                       "running %s on %zu bytes with a context of %zu bytes (BPF_PROG_TEST_RUN)", program->label,
                       run->data.length, run->context.length);
  napi_value object;
  napi_value data = copy_bytes(env, run->data_out, data_length);
  napi_value context = !data                   ? NULL
                       : run->context_room > 0 ? copy_bytes(env, run->context_out, context_length)
                                               : undefined(env);
  if (!context) return NULL;
  if (napi_create_object(env, &object) != napi_ok ||
      !set_uint32(env, object, "returnValue", attributes.test.retval) ||
      !set_uint32(env, object, "durationNs", attributes.test.duration) ||
      napi_set_named_property(env, object, "data", data) != napi_ok ||
      napi_set_named_property(env, object, "context", context) != napi_ok)
    return throw_errno(env, ENOMEM, "describing a run of %s to JavaScript", program->label);
  return object;
}

/* testRun(program, data, context | undefined, repeat) */
napi_value program_test_run(napi_env env, napi_callback_info info) {
  napi_value args[4];
  struct run run;
  memset(&run, 0, sizeof run);
  if (!arguments(env, info, 4, args)) return NULL;
  struct handle *program = take_handle(env, args[0], &program_tag, "program");
  if (!program || !take_bytes(env, args[1], "the data", program->label, &run.data)) return NULL;
  if (!is_absent(env, args[2]) && !take_bytes(env, args[2], "the context", program->label, &run.context)) return NULL;
  if (!take_uint32(env, args[3], "repeat", &run.repeat)) return NULL;
  if (run.data.length > MAX_DATA || run.context.length > CONTEXT_ROOM)
    return throw_errno(env, E2BIG, "running %s on %zu bytes with a context of %zu bytes; the most is %u and %u",
                       program->label, run.data.length, run.context.length, MAX_DATA, CONTEXT_ROOM);
  run.data_room = (uint32_t)run.data.length + DATA_GROWTH;
  if (run.context.length > 0 || has_skb_context(program->type)) run.context_room = CONTEXT_ROOM;
  run.data_out = take_room(1, run.data_room);
  run.context_out = take_room(1, CONTEXT_ROOM);
  napi_value outcome = run.data_out && run.context_out
                           ? run_program(env, program, &run)
                           : throw_errno(env, ENOMEM, "running %s", program->label);
  give_room_back(run.data_out, 1, run.data_room);
  give_room_back(run.context_out, 1, CONTEXT_ROOM);
  return outcome;
}
