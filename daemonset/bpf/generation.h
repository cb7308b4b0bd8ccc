/* Whether what was made from the maps earlier is still what they say. The number is read before the maps: a write that comes in between
 * then makes the result look old at once, never new for ever. */
#ifndef VNET_GENERATION_H
#define VNET_GENERATION_H

#include "maps.h"

static __always_inline __u32 generation_at(__u32 index)
{
	const volatile __u32 *generation = bpf_map_lookup_elem(&generations, &index);
	return generation ? *generation : 0;
}

/* Of the underlay and the links. */
static __always_inline __u32 underlay_generation(void)
{
	return generation_at(0);
}

/* Of all that a frame of the network depends on, where the first part was read before the maps were asked which network it is. Both parts
 * only rise, so the sum is the same only when both are. */
static __always_inline __u32 generation_since(__u32 underlay, __u32 vni)
{
	return underlay + generation_at(1 + vni % (GENERATIONS - 1));
}

static __always_inline __u32 network_generation(__u32 vni)
{
	return generation_since(underlay_generation(), vni);
}

#endif
