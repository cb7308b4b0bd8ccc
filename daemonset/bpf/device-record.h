/* The door to the devices, test side: tunnel metadata comes from skb->cb, and outputs are written to a map instead of sent.
 * cb[0] ingress ifindex (port) or VNI (tunnel) · cb[1] gbp · cb[2] outer source (IPv4 in host order, or the last word of fd00::) ·
 * cb[3] outer TTL · cb[4] 0: IPv4, 1: IPv6, 2: no metadata. At the inlet: cb[0] key · cb[1] link. The time is what test_clock says. */
#ifndef VNET_DEVICE_H
#define VNET_DEVICE_H

#include <linux/errno.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "arrival.h"
#include "labels.h"

/* Tells a frame that was copied from one that was lost. */
#define COPIED TC_ACT_STOLEN

#define MAX_OUTPUTS 2048
#define OUTPUT_PORT 1u
#define OUTPUT_PEER 2u
#define OUTPUT_LINK 3u
#define OUTPUT_UNDERLAY 4u
#define OUTPUT_NEIGHBOUR 5u
#define OUTPUT_SOCKET 6u

struct output {
	__u32 kind;
	__u32 target; /* ifindex or link id */
	__u32 vni;
	__u32 gbp;
	__u32 ttl;
	__u32 mark;
	__u32 bytes;
	__u32 device;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_OUTPUTS);
	__type(key, __u32);
	__type(value, struct output);
} outputs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} output_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} test_clock SEC(".maps");

static __always_inline __u64 now_ns(void)
{
	__u32 zero = 0;
	const __u64 *now = bpf_map_lookup_elem(&test_clock, &zero);
	return now ? *now : 0;
}

static __always_inline int record(struct __sk_buff *skb, struct output *output)
{
	__u32 zero = 0;
	__u32 *count = bpf_map_lookup_elem(&output_count, &zero);
	if (!count)
		return -1;
	output->bytes = skb->len;
	bpf_map_update_elem(&outputs, count, output, BPF_ANY);
	++*count;
	return 0;
}

static __always_inline __u32 ingress_port(const struct __sk_buff *skb)
{
	return skb->cb[0];
}

static __always_inline int read_arrival(struct __sk_buff *skb, struct arrival *arrival)
{
	__u32 *words = (__u32 *)arrival->peer.address;
	if (skb->cb[4] > 1)
		return -EINVAL;
	words[0] = skb->cb[4] ? bpf_htonl(0xfd000000) : 0;
	words[1] = 0;
	words[2] = skb->cb[4] ? 0 : bpf_htonl(0xffff);
	words[3] = bpf_htonl(skb->cb[2]);
	arrival->vni = skb->cb[0];
	arrival->gbp = skb->cb[1];
	arrival->ttl = skb->cb[3];
	return 0;
}

static __always_inline long copy_to_port(struct __sk_buff *skb, __u32 ifindex)
{
	struct output output = {.kind = OUTPUT_PORT, .target = ifindex};
	return record(skb, &output);
}

static __always_inline int output_underlay(struct __sk_buff *skb, __u32 ifindex, __u32 mark)
{
	struct output output = {.kind = OUTPUT_UNDERLAY, .target = ifindex, .mark = mark};
	return record(skb, &output) ? -1 : TC_ACT_REDIRECT;
}

static __always_inline int output_neighbour(struct __sk_buff *skb, __u32 ifindex, __u32 mark)
{
	struct output output = {.kind = OUTPUT_NEIGHBOUR, .target = ifindex, .mark = mark};
	return record(skb, &output) ? -1 : TC_ACT_REDIRECT;
}

static __always_inline long assign_socket(struct __sk_buff *skb, __u32 port)
{
	struct output output = {.kind = OUTPUT_SOCKET, .target = port};
	return record(skb, &output);
}

static __always_inline void set_inlet_key(struct __sk_buff *skb, __u32 key, __u32 link)
{
	skb->cb[0] = key;
	skb->cb[1] = link;
}

static __always_inline __u32 inlet_key(const struct __sk_buff *skb)
{
	return skb->cb[0];
}

static __always_inline __u32 inlet_link(const struct __sk_buff *skb)
{
	return skb->cb[1];
}

static __always_inline void clear_inlet_key(struct __sk_buff *skb)
{
}

static __always_inline int output_port(struct __sk_buff *skb, __u32 ifindex, __u32 flags)
{
	struct output output = {.kind = flags & PORT_PEER ? OUTPUT_PEER : OUTPUT_PORT, .target = ifindex};
	return record(skb, &output) ? -1 : TC_ACT_REDIRECT;
}

static __always_inline long copy_to_link(struct __sk_buff *skb, __u32 id, const struct link *link, const struct wrapping *wrapping)
{
	/* Device 0 stands for a device that is gone, as the kernel would refuse it. */
	if (!link->tunnel_ifindex)
		return -ENODEV;
	struct output output = {
		.kind = OUTPUT_LINK,
		.target = id,
		.vni = wrapping->vni,
		.gbp = wrapping->gbp,
		.ttl = wrapping->ttl,
		.mark = wrapping->mark,
		.device = link->tunnel_ifindex,
	};
	return record(skb, &output);
}

static __always_inline int output_link(struct __sk_buff *skb, __u32 id, const struct link *link, const struct wrapping *wrapping)
{
	return copy_to_link(skb, id, link, wrapping) ? -1 : TC_ACT_REDIRECT;
}

#endif
