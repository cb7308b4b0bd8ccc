/* Counting: drops by reason, flows at the port, traffic of a link. All per CPU, so no atomics. */
#ifndef VNET_ACCOUNT_H
#define VNET_ACCOUNT_H

#include <linux/pkt_cls.h>

#include "maps.h"

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

static __always_inline __u64 packets_of(const struct __sk_buff *skb)
{
	__u32 segments = skb->gso_segs;
	return segments ? segments : 1;
}

static __always_inline void account_flow(const struct __sk_buff *skb, const struct flow_key *key)
{
	struct flow_count *count = bpf_map_lookup_elem(&flows, key);
	if (count) {
		count->packets += packets_of(skb);
		count->bytes += skb->len;
		return;
	}
	struct flow_count first = {.packets = packets_of(skb), .bytes = skb->len};
	bpf_map_update_elem(&flows, key, &first, BPF_ANY);
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

static __always_inline void account_sent(const struct __sk_buff *skb, __u32 link)
{
	struct link_count *count = link_counter(link);
	if (!count)
		return;
	count->tx_packets += packets_of(skb);
	count->tx_bytes += skb->len;
}

static __always_inline void account_received(const struct __sk_buff *skb, __u32 link)
{
	struct link_count *count = link_counter(link);
	if (!count)
		return;
	count->rx_packets += packets_of(skb);
	count->rx_bytes += skb->len;
}

#endif
