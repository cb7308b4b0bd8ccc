/* Programs at the tcx hooks of a device (Linux 6.6): links that are pinned, so that they outlive us, and what else is there. */
#include "syscall.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* Not in the headers of Linux 6.1. */
#define BEFORE_ALL_OTHERS (1u << 3) /* BPF_F_BEFORE, relative to nothing */
#define TCX_LINK 11u                /* BPF_LINK_TYPE_TCX */
#define MAX_PROGRAMS 64u            /* of one hook: the kernel's own limit */

/* The part of struct bpf_link_info that a tcx link has. */
struct tcx_info {
  uint32_t type, id, program, padding, ifindex, attach_type;
};

static napi_value close_after(int fd, napi_value result) {
  close(fd);
  return result;
}

/* attachTcx(program, ifindex, attachType, path): before all programs that are there; pinned at `path`, where nothing may be yet. */
napi_value tcx_attach(napi_env env, napi_callback_info info) {
  napi_value args[4];
  uint32_t ifindex, attach_type;
  char path[PATH_MAX];
  union bpf_attr attributes;
  if (!arguments(env, info, 4, args)) return NULL;
  struct handle *program = take_handle(env, args[0], &program_tag, "program");
  if (!program || !take_uint32(env, args[1], "the ifindex", &ifindex) ||
      !take_uint32(env, args[2], "the attach type", &attach_type) ||
      !take_string(env, args[3], "the path of a pin", path, sizeof path))
    return NULL;
  memset(&attributes, 0, sizeof attributes);
  attributes.link_create.prog_fd = (uint32_t)program->fd;
  attributes.link_create.target_ifindex = ifindex;
  attributes.link_create.attach_type = attach_type;
  attributes.link_create.flags = BEFORE_ALL_OTHERS;
  int link = bpf_call(BPF_LINK_CREATE, &attributes);
  if (link < 0)
    return throw_errno(env, -link, "attaching %s to interface %u (BPF_LINK_CREATE)", program->label, ifindex);
  memset(&attributes, 0, sizeof attributes);
  attributes.bpf_fd = (uint32_t)link;
  attributes.pathname = (uintptr_t)path;
  int result = bpf_call(BPF_OBJ_PIN, &attributes);
  /* Without its pin the link ends with the descriptor. */
  return close_after(link, result < 0 ? throw_errno(env, -result, "pinning a link at '%s' (BPF_OBJ_PIN)", path)
                                      : undefined(env));
}

/* updateTcx(path, program): the link's program is another one from the next frame on. */
napi_value tcx_update(napi_env env, napi_callback_info info) {
  napi_value args[2];
  char path[PATH_MAX];
  union bpf_attr attributes;
  if (!arguments(env, info, 2, args)) return NULL;
  struct handle *program = take_handle(env, args[1], &program_tag, "program");
  int link = program ? open_pin(env, args[0], "bpf-link", path) : -1;
  if (link < 0) return NULL;
  memset(&attributes, 0, sizeof attributes);
  attributes.link_update.link_fd = (uint32_t)link;
  attributes.link_update.new_prog_fd = (uint32_t)program->fd;
  int result = bpf_call(BPF_LINK_UPDATE, &attributes);
  return close_after(link, result < 0 ? throw_errno(env, -result, "putting %s into the link '%s' (BPF_LINK_UPDATE)",
                                                    program->label, path)
                                      : undefined(env));
}

/* detachTcx(path): the program sees no frame any more; the pin stays, and can be removed. Without this the kernel takes its time. */
napi_value tcx_detach(napi_env env, napi_callback_info info) {
  napi_value args[1];
  char path[PATH_MAX];
  union bpf_attr attributes;
  if (!arguments(env, info, 1, args)) return NULL;
  int link = open_pin(env, args[0], "bpf-link", path);
  if (link < 0) return NULL;
  memset(&attributes, 0, sizeof attributes);
  attributes.link_detach.link_fd = (uint32_t)link;
  int result = bpf_call(BPF_LINK_DETACH, &attributes);
  return close_after(link, result < 0 ? throw_errno(env, -result, "detaching the link '%s' (BPF_LINK_DETACH)", path)
                                      : undefined(env));
}

/* Copies the name of a loaded program. False when it is gone. */
static bool name_of_program(uint32_t id, char *name) {
  union bpf_attr attributes;
  struct bpf_prog_info program_info;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_id = id;
  int program = bpf_call(BPF_PROG_GET_FD_BY_ID, &attributes);
  if (program < 0) return false;
  int result = object_info(program, &program_info, sizeof program_info);
  close(program);
  memcpy(name, program_info.name, BPF_OBJ_NAME_LEN);
  name[BPF_OBJ_NAME_LEN - 1] = 0;
  return result >= 0;
}

/* tcxLink(path): {ifindex, attachType, program, name}; ifindex 0: its device is gone, or somebody has taken it off. */
napi_value tcx_link(napi_env env, napi_callback_info info) {
  napi_value args[1], object;
  char path[PATH_MAX], name[BPF_OBJ_NAME_LEN] = "";
  struct tcx_info link_info;
  if (!arguments(env, info, 1, args)) return NULL;
  int link = open_pin(env, args[0], "bpf-link", path);
  if (link < 0) return NULL;
  int result = object_info(link, &link_info, sizeof link_info);
  close(link);
  if (result < 0) return throw_errno(env, -result, "reading what the link '%s' is (BPF_OBJ_GET_INFO_BY_FD)", path);
  if (link_info.type != TCX_LINK) return throw_errno(env, EINVAL, "the link '%s' is no tcx link", path);
  /* Without a name it is none of ours. */
  if (!name_of_program(link_info.program, name)) name[0] = 0;
  if (napi_create_object(env, &object) != napi_ok || !set_uint32(env, object, "ifindex", link_info.ifindex) ||
      !set_string(env, object, "name", name) ||
      !set_uint32(env, object, "attachType", link_info.attach_type) ||
      !set_uint32(env, object, "program", link_info.program))
    return throw_errno(env, ENOMEM, "describing the link '%s' to JavaScript", path);
  return object;
}

/* tcxPrograms(ifindex, attachType): ids in the order in which they run. */
napi_value tcx_programs(napi_env env, napi_callback_info info) {
  napi_value args[2], list, number;
  uint32_t ifindex, attach_type, ids[MAX_PROGRAMS] = {0};
  union bpf_attr attributes;
  if (!arguments(env, info, 2, args) || !take_uint32(env, args[0], "the ifindex", &ifindex) ||
      !take_uint32(env, args[1], "the attach type", &attach_type))
    return NULL;
  memset(&attributes, 0, sizeof attributes);
  attributes.query.target_fd = ifindex;
  attributes.query.attach_type = attach_type;
  attributes.query.prog_ids = (uintptr_t)ids;
  attributes.query.prog_cnt = MAX_PROGRAMS;
  int result = bpf_call(BPF_PROG_QUERY, &attributes);
  if (result < 0)
    return throw_errno(env, -result, "asking for the tcx programs of interface %u (BPF_PROG_QUERY)", ifindex);
  if (napi_create_array(env, &list) != napi_ok) return throw_errno(env, ENOMEM, "listing programs");
  for (uint32_t i = 0; i < attributes.query.prog_cnt && i < MAX_PROGRAMS; i++)
    if (napi_create_uint32(env, ids[i], &number) != napi_ok || napi_set_element(env, list, i, number) != napi_ok)
      return throw_errno(env, ENOMEM, "listing programs");
  return list;
}
