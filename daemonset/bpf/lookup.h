/* Who owns a MAC, and how a bridge is reached. */
#ifndef VNET_LOOKUP_H
#define VNET_LOOKUP_H

#include "maps.h"

static __always_inline const struct mac_owner *owner_of(__u32 vni, const __u8 *mac)
{
	struct mac_key key = {.vni = vni};
	__builtin_memcpy(key.mac, mac, MAC_BYTES);
	return bpf_map_lookup_elem(&macs, &key);
}

static __always_inline const struct path *path_to(__u32 vni, __u64 bridge)
{
	struct path_key key = {.bridge = bridge, .vni = vni};
	return bpf_map_lookup_elem(&paths, &key);
}

static __always_inline bool may_send(__u32 link, __u32 vni)
{
	struct peer_network_key key = {.link = link, .vni = vni};
	return bpf_map_lookup_elem(&peer_networks, &key) != NULL;
}

#endif
