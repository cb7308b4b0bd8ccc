/* The maps, by name as they are pinned. Sizes are limits, not allocations, where BPF_F_NO_PREALLOC is set. */
#ifndef VNET_MAPS_H
#define VNET_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "drop-reasons.h"
#include "layout.h"

#define HASH_MAP(NAME, KEY, VALUE, ENTRIES)                                                                                    \
	struct {                                                                                                               \
		__uint(type, BPF_MAP_TYPE_HASH);                                                                               \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                                                          \
		__uint(max_entries, ENTRIES);                                                                                  \
		__type(key, KEY);                                                                                              \
		__type(value, VALUE);                                                                                          \
	} NAME SEC(".maps")

#define COUNTER_MAP(NAME, TYPE, KEY, VALUE, ENTRIES)                                                                           \
	struct {                                                                                                               \
		__uint(type, TYPE);                                                                                            \
		__uint(max_entries, ENTRIES);                                                                                  \
		__type(key, KEY);                                                                                              \
		__type(value, VALUE);                                                                                          \
	} NAME SEC(".maps")

HASH_MAP(ports, __u32, struct port, 4096);
HASH_MAP(macs, struct mac_key, struct mac_owner, 262144);
HASH_MAP(paths, struct path_key, struct path, 262144);
HASH_MAP(labels, __u32, struct label_entry, 32768);
HASH_MAP(links, __u32, struct link, 4096);
HASH_MAP(peers, struct peer_key, __u32, 8192);
HASH_MAP(peer_networks, struct peer_network_key, __u32, 262144);
HASH_MAP(networks, __u32, struct network, 4096);
HASH_MAP(trees, struct tree_key, struct tree, 16384);
HASH_MAP(network_ports, __u32, struct network_ports, 4096);

COUNTER_MAP(meta, BPF_MAP_TYPE_ARRAY, __u32, struct meta, 1);
COUNTER_MAP(generations, BPF_MAP_TYPE_ARRAY, __u32, __u32, GENERATIONS);
COUNTER_MAP(flows, BPF_MAP_TYPE_LRU_PERCPU_HASH, struct flow_key, struct flow, 65536);
COUNTER_MAP(hops, BPF_MAP_TYPE_PERCPU_HASH, __u32, struct hop, 4096);
COUNTER_MAP(arrivals, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct known_arrival, ARRIVALS);
COUNTER_MAP(port_stats, BPF_MAP_TYPE_PERCPU_HASH, struct port_key, struct port_count, 8192);
COUNTER_MAP(path_stats, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, PATH_STATS);
COUNTER_MAP(link_stats, BPF_MAP_TYPE_PERCPU_HASH, __u32, struct link_count, 4096);
COUNTER_MAP(drops, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u64, DROP_REASONS);
COUNTER_MAP(network_drops, BPF_MAP_TYPE_LRU_PERCPU_HASH, struct network_drop_key, __u64, 4096);

#endif
