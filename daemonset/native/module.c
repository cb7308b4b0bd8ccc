/* The addon's face towards JavaScript: addon.ts has the types. */
#include "syscall.h"

#include <errno.h>

NAPI_MODULE_INIT() {
  const napi_property_descriptor functions[] = {
#define FUNCTION(name, function) {name, NULL, function, NULL, NULL, NULL, napi_enumerable, NULL}
      FUNCTION("possibleCpus", cpus_count),
      FUNCTION("openMap", map_open),
      FUNCTION("createMap", map_create),
      FUNCTION("pin", handle_pin),
      FUNCTION("close", handle_close),
      FUNCTION("lookup", map_lookup),
      FUNCTION("update", map_update),
      FUNCTION("updateObject", map_update_object),
      FUNCTION("delete", map_delete),
      FUNCTION("nextKey", map_next_key),
      FUNCTION("batch", map_batch),
      FUNCTION("openProgram", program_open),
      FUNCTION("testRun", program_test_run),
      FUNCTION("attachTcx", tcx_attach),
      FUNCTION("updateTcx", tcx_update),
      FUNCTION("detachTcx", tcx_detach),
      FUNCTION("tcxLink", tcx_link),
      FUNCTION("tcxPrograms", tcx_programs),
      FUNCTION("openRing", ring_open),
      FUNCTION("drain", ring_drain),
      FUNCTION("wait", ring_wait),
      FUNCTION("cancel", ring_cancel),
      FUNCTION("closeRing", ring_close),
#undef FUNCTION
  };
  if (napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions) != napi_ok)
    return throw_errno(env, ENOMEM, "defining the addon's functions");
  return exports;
}
