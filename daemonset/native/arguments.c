/* Checked arguments in, copies out. Nothing here keeps a pointer into JavaScript's memory. */
#include "syscall.h"

#include <errno.h>
#include <string.h>

bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) == napi_ok) return true;
  throw_errno(env, EINVAL, "reading the arguments of a native call");
  return false;
}

bool is_absent(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

bool take_bytes(napi_env env, napi_value value, const char *what, const char *label, struct bytes *out) {
  bool typed = false;
  napi_typedarray_type type;
  void *data = NULL;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed ||
      napi_get_typedarray_info(env, value, &type, &out->length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    throw_errno(env, EINVAL, "%s for %s must be a Uint8Array", what, label);
    return false;
  }
  out->data = data;
  return true;
}

bool take_exact(napi_env env, napi_value value, size_t length, const char *what, const char *label,
                struct bytes *out) {
  if (!take_bytes(env, value, what, label, out)) return false;
  if (out->length == length) return true;
  throw_errno(env, EINVAL, "%s for %s must be %zu bytes, given %zu", what, label, length, out->length);
  return false;
}

bool take_uint32(napi_env env, napi_value value, const char *what, uint32_t *out) {
  double number = -1;
  if (napi_get_value_double(env, value, &number) == napi_ok && number >= 0 && number <= UINT32_MAX) {
    *out = (uint32_t)number;
    if ((double)*out == number) return true;
  }
  throw_errno(env, EINVAL, "%s must be an integer from 0 to 4294967295, given %g", what, number);
  return false;
}

bool take_string(napi_env env, napi_value value, const char *what, char *out, size_t capacity) {
  size_t whole = 0, copied = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &whole) != napi_ok) {
    throw_errno(env, EINVAL, "%s must be a string", what);
    return false;
  }
  if (whole >= capacity) {
    throw_errno(env, ENAMETOOLONG, "%s must be shorter than %zu bytes, given %zu", what, capacity, whole);
    return false;
  }
  if (napi_get_value_string_utf8(env, value, out, capacity, &copied) != napi_ok || strlen(out) != whole) {
    throw_errno(env, EINVAL, "%s must not contain a NUL character", what);
    return false;
  }
  return true;
}

napi_value copy_bytes(napi_env env, const void *data, size_t length) {
  void *memory = NULL;
  napi_value buffer, array;
  if (napi_create_arraybuffer(env, length, &memory, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, &array) != napi_ok) {
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    return pending ? NULL : throw_errno(env, ENOMEM, "making a Uint8Array of %zu bytes", length);
  }
  if (length > 0) memcpy(memory, data, length);
  return array;
}

bool set_uint32(napi_env env, napi_value object, const char *name, uint32_t value) {
  napi_value number;
  return napi_create_uint32(env, value, &number) == napi_ok &&
         napi_set_named_property(env, object, name, number) == napi_ok;
}

bool set_string(napi_env env, napi_value object, const char *name, const char *value) {
  napi_value text;
  return napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &text) == napi_ok &&
         napi_set_named_property(env, object, name, text) == napi_ok;
}

napi_value undefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}
