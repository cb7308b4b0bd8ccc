/* Waiting for a ring buffer through Node's own event loop (epoll on the map's descriptor): no thread, no polling. */
#include "ring-buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The few libuv functions used, with opaque types: its header is not part of node-api-headers, its ABI is stable
 * through 1.x, and the size of a handle is asked for at run time. */
typedef struct uv_loop_s uv_loop_t;
typedef void (*uv_poll_cb)(void *poll, int status, int events);
extern size_t uv_handle_size(int type);
extern const char *uv_handle_type_name(int type);
extern void uv_handle_set_data(void *handle, void *data);
extern void *uv_handle_get_data(const void *handle);
extern int uv_poll_init(uv_loop_t *loop, void *poll, int fd);
extern int uv_poll_start(void *poll, int events, uv_poll_cb callback);
extern int uv_poll_stop(void *poll);
extern void uv_close(void *handle, void (*closed)(void *handle));
#define UV_POLL 8
#define UV_READABLE 1

/* Lives until libuv has let go of its handle, which can be after the ring is gone. */
struct ring_wait {
  napi_env env;
  struct ring *ring; /* NULL once ended */
  napi_ref callback; /* NULL while nobody waits */
  napi_async_context async;
  napi_async_cleanup_hook_handle hook;
  void *poll;
};

static void forget_callback(struct ring_wait *wait) {
  if (wait->callback) napi_delete_reference(wait->env, wait->callback);
  wait->callback = NULL;
}

static void closed(void *poll) {
  struct ring_wait *wait = uv_handle_get_data(poll);
  /* The environment may end only now: libuv no longer refers to our memory. */
  napi_remove_async_cleanup_hook(wait->hook);
  free(wait->poll);
  free(wait);
}

void ring_wait_end(napi_env env, struct ring *ring) {
  struct ring_wait *wait = ring->wait;
  if (!wait) return;
  ring->wait = NULL;
  wait->ring = NULL;
  forget_callback(wait);
  napi_async_destroy(env, wait->async);
  uv_close(wait->poll, closed);
}

/* The environment ends (a worker stops, the process exits) while the ring is open. */
static void environment_ends(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  struct ring_wait *wait = data;
  if (wait->ring) ring_wait_end(wait->env, wait->ring);
}

static void readable(void *poll, int status, int events) {
  (void)events;
  struct ring_wait *wait = uv_handle_get_data(poll);
  napi_env env = wait->env;
  napi_handle_scope scope;
  /* One event per wait: the descriptor stays readable until it is drained, and would call again and again. */
  uv_poll_stop(poll);
  if (!wait->callback || napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value callback = NULL, receiver, argument;
  napi_get_reference_value(env, wait->callback, &callback);
  forget_callback(wait);
  if (callback && napi_get_global(env, &receiver) == napi_ok && napi_create_int32(env, status, &argument) == napi_ok) {
    /* From here `wait` may be gone: the callback may close the ring. */
    napi_make_callback(env, wait->async, receiver, callback, 1, &argument, NULL);
    bool pending = false;
    napi_value error;
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env, &error) == napi_ok)
      napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

static struct ring_wait *begin(napi_env env, struct ring *ring) {
  const char *label = ring->map->label;
  const char *type = uv_handle_type_name(UV_POLL);
  if (!type || strcmp(type, "poll") != 0) {
    throw_errno(env, ENOTSUP, "waiting for %s: this Node.js has an unknown libuv", label);
    return NULL;
  }
  uv_loop_t *loop;
  napi_value name;
  struct ring_wait *wait = calloc(1, sizeof *wait);
  void *poll = calloc(1, uv_handle_size(UV_POLL));
  if (!wait || !poll || napi_get_uv_event_loop(env, (void *)&loop) != napi_ok ||
      napi_create_string_utf8(env, "vnet.ringBuffer", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_async_init(env, NULL, name, &wait->async) != napi_ok) {
    free(wait);
    free(poll);
    throw_errno(env, ENOMEM, "waiting for ring buffer %s", label);
    return NULL;
  }
  wait->env = env;
  wait->ring = ring;
  wait->poll = poll;
  int error = uv_poll_init(loop, poll, ring->map->fd);
  if (error != 0) {
    napi_async_destroy(env, wait->async);
    free(wait);
    free(poll);
    throw_errno(env, -error, "waiting for ring buffer %s (epoll)", label);
    return NULL;
  }
  uv_handle_set_data(poll, wait);
  ring->wait = wait;
  if (napi_add_async_cleanup_hook(env, environment_ends, wait, &wait->hook) != napi_ok) {
    ring_wait_end(env, ring); /* removing the absent hook is refused, and harmless */
    throw_errno(env, ENOMEM, "waiting for ring buffer %s", label);
    return NULL;
  }
  return wait;
}

/* wait(ring, callback): calls callback(status) once, when there is something to read (0) or waiting failed (-errno) */
napi_value ring_wait(napi_env env, napi_callback_info info) {
  napi_value args[2];
  napi_valuetype type;
  if (!arguments(env, info, 2, args)) return NULL;
  struct ring *ring = take_ring(env, args[0]);
  if (!ring) return NULL;
  const char *label = ring->map->label;
  if (napi_typeof(env, args[1], &type) != napi_ok || type != napi_function)
    return throw_errno(env, EINVAL, "waiting for ring buffer %s needs a callback", label);
  if (ring->wait && ring->wait->callback) return throw_errno(env, EBUSY, "waiting twice for ring buffer %s", label);
  struct ring_wait *wait = ring->wait ? ring->wait : begin(env, ring);
  if (!wait) return NULL;
  if (napi_create_reference(env, args[1], 1, &wait->callback) != napi_ok)
    return throw_errno(env, ENOMEM, "waiting for ring buffer %s", label);
  int error = uv_poll_start(wait->poll, UV_READABLE, readable);
  if (error == 0) return undefined(env);
  forget_callback(wait);
  return throw_errno(env, -error, "waiting for ring buffer %s (epoll)", label);
}

/* cancel(ring): the callback of a wait is not called any more; nothing happens when nobody waits */
napi_value ring_cancel(napi_env env, napi_callback_info info) {
  napi_value args[1];
  if (!arguments(env, info, 1, args)) return NULL;
  struct ring *ring = take_ring(env, args[0]);
  if (!ring) return NULL;
  if (ring->wait) {
    uv_poll_stop(ring->wait->poll);
    forget_callback(ring->wait);
  }
  return undefined(env);
}
