/* Counting: drops by reason, flows at the port, traffic of a link. All per CPU, so no atomics. */
#ifndef VNET_ACCOUNT_H
#define VNET_ACCOUNT_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include "maps.h"

/* The benchmark builds the programs without accounting as well, to see what it costs. */
#ifndef VNET_ACCOUNTING
#define VNET_ACCOUNTING 1
#endif

#define SMALLEST_HEADERS 42 /* Ethernet, IPv4, UDP */
#define SHORTEST_WORDS 5 /* of an IPv4 or TCP header */
#define IPV6_BYTES 40

/* Counts a dropped frame and returns the verdict. `vni` is 0 where no network is known. */
static __attribute__((noinline)) int drop(__u32 vni, __u32 reason)
{
	__u64 *total = bpf_map_lookup_elem(&drops, &reason);
	if (total)
		++*total;
	struct network_drop_key key = {.vni = vni, .reason = reason};
	__u64 *count = bpf_map_lookup_elem(&network_drops, &key);
	if (count) {
		++*count;
	} else {
		__u64 one = 1;
		bpf_map_update_elem(&network_drops, &key, &one, BPF_ANY);
	}
	return TC_ACT_SHOT;
}

static __always_inline __u32 header_words(__u32 said)
{
	return said < SHORTEST_WORDS ? SHORTEST_WORDS : said;
}

/* Headers that each segment of a super-frame repeats: Ethernet, IP without extension headers, TCP or UDP. */
static __attribute__((noinline)) __u32 repeated_headers(struct __sk_buff *skb, __u32 offset)
{
	__u8 version_length, protocol, data_offset;
	offset += ETH_HLEN;
	if (bpf_skb_load_bytes(skb, offset, &version_length, 1))
		return SMALLEST_HEADERS;
	bool ipv6 = version_length >> 4 == 6;
	__u32 bytes = ETH_HLEN + (ipv6 ? IPV6_BYTES : header_words(version_length & 15) * 4);
	if (bpf_skb_load_bytes(skb, offset + (ipv6 ? 6 : 9), &protocol, 1) || protocol != IPPROTO_TCP)
		return bytes + 8;
	if (bpf_skb_load_bytes(skb, offset - ETH_HLEN + bytes + 12, &data_offset, 1))
		return bytes + 20;
	return bytes + header_words(data_offset >> 4) * 4;
}

/* Guests, and encapsulation in eBPF, leave the count of segments to us. */
static __attribute__((noinline)) __u32 count_segments(struct __sk_buff *skb, __u32 offset, __u32 bytes)
{
	__u32 size = skb->gso_size, headers = repeated_headers(skb, offset);
	if (!size || bytes <= headers)
		return 1;
	return (bytes - headers + size - 1) / size;
}

/* Frames that a super-frame of `bytes` from `offset` on stands for; else 1. */
static __always_inline __u32 packets_of(struct __sk_buff *skb, __u32 offset, __u32 bytes)
{
	if (!skb->gso_size)
		return 1;
	__u32 segments = skb->gso_segs;
	return segments ? segments : count_segments(skb, offset, bytes);
}

/* The entry of a pair of MACs; NULL only where the map has no room at all. */
static __always_inline struct flow *flow_of(const struct flow_key *key)
{
	struct flow *flow = bpf_map_lookup_elem(&flows, key);
	if (flow)
		return flow;
	struct flow none = {};
	bpf_map_update_elem(&flows, key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&flows, key);
}

static __always_inline void account_flow(struct flow *flow, __u64 packets, __u32 bytes)
{
	if (!VNET_ACCOUNTING)
		return;
	flow->packets += packets;
	flow->bytes += bytes;
}

static __always_inline void account_port(__u32 vni, __u32 ifindex, __u64 packets, __u32 bytes)
{
	if (!VNET_ACCOUNTING)
		return;
	struct port_key key = {.vni = vni, .ifindex = ifindex};
	struct port_count *count = bpf_map_lookup_elem(&port_stats, &key);
	if (count) {
		count->packets += packets;
		count->bytes += bytes;
		return;
	}
	struct port_count first = {.packets = packets, .bytes = bytes};
	bpf_map_update_elem(&port_stats, &key, &first, BPF_ANY);
}

static __always_inline void count_path(__u32 stat)
{
	if (!VNET_ACCOUNTING)
		return;
	__u64 *count = bpf_map_lookup_elem(&path_stats, &stat);
	if (count)
		++*count;
}

static __always_inline struct link_count *link_counter(__u32 link)
{
	struct link_count *count = bpf_map_lookup_elem(&link_stats, &link);
	if (count)
		return count;
	struct link_count none = {};
	bpf_map_update_elem(&link_stats, &link, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&link_stats, &link);
}

/* `bytes`: the inner frame. */
static __always_inline void account_sent(__u32 link, __u64 packets, __u32 bytes)
{
	struct link_count *count = VNET_ACCOUNTING ? link_counter(link) : NULL;
	if (!count)
		return;
	count->tx_packets += packets;
	count->tx_bytes += bytes;
}

static __always_inline void account_received(__u32 link, __u64 packets, __u32 bytes)
{
	struct link_count *count = VNET_ACCOUNTING ? link_counter(link) : NULL;
	if (!count)
		return;
	count->rx_packets += packets;
	count->rx_bytes += bytes;
}

#endif
