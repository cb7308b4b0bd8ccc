/* The data path of a node bridge (slow path, the semantic master). Loaded and pinned by the agent. */
#include <stdbool.h>
#include <stddef.h>

#include "device-kernel.h"

#include "programs.h"
