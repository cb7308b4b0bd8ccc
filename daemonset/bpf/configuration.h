/* The agent's settings, or nothing while the maps are not filled by an agent of this layout. */
#ifndef VNET_CONFIGURATION_H
#define VNET_CONFIGURATION_H

#include "maps.h"

static __always_inline const struct meta *configuration(void)
{
	__u32 zero = 0;
	const struct meta *found = bpf_map_lookup_elem(&meta, &zero);
	return found && found->layout == LAYOUT_VERSION ? found : NULL;
}

#endif
