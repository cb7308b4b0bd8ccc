/* The system call itself and the JavaScript error that reports its failure. */
#define _GNU_SOURCE
#include "syscall.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Internal to the kernel, but bpf(2) lets it escape for an operation that a map type does not have. */
#define KERNEL_ENOTSUPP 524

int bpf_call(int command, union bpf_attr *attributes) {
  long result = syscall(__NR_bpf, command, attributes, sizeof *attributes);
  return result < 0 ? -errno : (int)result;
}

int object_info(int fd, void *info, size_t size) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  memset(info, 0, size);
  attributes.info.bpf_fd = (uint32_t)fd;
  attributes.info.info_len = (uint32_t)size;
  attributes.info.info = (uintptr_t)info;
  return bpf_call(BPF_OBJ_GET_INFO_BY_FD, &attributes);
}

static const char *name_of(int error) {
  const char *name = error == KERNEL_ENOTSUPP ? "ENOTSUPP" : strerrorname_np(error);
  return name ? name : "EUNKNOWN";
}

static const char *text_of(int error) {
  const char *text = error == KERNEL_ENOTSUPP ? "the kernel does not support this operation" : strerrordesc_np(error);
  return text ? text : "unknown error";
}

static const char *advice_for(int error) {
  switch (error) {
    case EPERM: return "; run with CAP_BPF and CAP_NET_ADMIN (or CAP_SYS_ADMIN)";
    case E2BIG: return "; the map is full: raise its maxEntries";
    default: return "";
  }
}

napi_value throw_errno(napi_env env, int error, const char *format, ...) {
  char attempt[5120];
  va_list list;
  va_start(list, format);
  vsnprintf(attempt, sizeof attempt, format, list);
  va_end(list);

  char message[5376];
  snprintf(message, sizeof message, "%s: %s (%s)%s", attempt, name_of(error), text_of(error), advice_for(error));

  napi_value code, text, object, number;
  if (napi_create_string_utf8(env, name_of(error), NAPI_AUTO_LENGTH, &code) != napi_ok ||
      napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text) != napi_ok ||
      napi_create_error(env, code, text, &object) != napi_ok || !set_string(env, object, "syscall", "bpf") ||
      napi_create_int32(env, -error, &number) != napi_ok ||
      napi_set_named_property(env, object, "errno", number) != napi_ok) {
    napi_throw_error(env, name_of(error), message);
    return NULL;
  }
  napi_throw(env, object);
  return NULL;
}
