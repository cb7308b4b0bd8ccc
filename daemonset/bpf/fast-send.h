/* The fast way out: what the slow path did with the last frame between two MACs is done again, without asking the maps. */
#ifndef VNET_FAST_SEND_H
#define VNET_FAST_SEND_H

#include "deliver.h"
#include "frame.h"
#include "hop.h"

#define NOT_FAST (-2) /* no verdict: the frame is untouched and takes the slow path */
#define MARK_FAST (1u << 31) /* beside our mark: this datagram did not come by the VXLAN device */

#define LONGEST_PACKET 65535u

/* Inner headers as far as the way out depends on them. */
struct inner {
	struct frame frame;
	__u8 ip[2]; /* where IPv4 and IPv6 have version and traffic class */
};

static __always_inline bool is_ip(__u16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_IP) || ethertype == bpf_htons(ETH_P_IPV6);
}

/* RFC 6040 in the mode of the kernel's tunnels: CE is sent as ECT(0), so that only marks of the underlay come back as such. */
static __always_inline __u32 outer_ecn(const struct inner *inner)
{
	__u32 ecn = (inner->frame.ethertype == bpf_htons(ETH_P_IP) ? inner->ip[1] : inner->ip[1] >> 4) & ECN_MASK;
	return ecn == ECN_CE ? ECN_ECT0 : ecn;
}

/* The kernel's udp_flow_src_port(). */
static __always_inline __u16 source_port(__u32 hash)
{
	hash ^= hash << 16;
	return bpf_htons((((__u64)hash * (SOURCE_PORT_END - SOURCE_PORT_FIRST)) >> 32) + SOURCE_PORT_FIRST);
}

static __always_inline void copy_words(void *to, const void *from, const __u32 bytes)
{
	__u32 i = 0;
#pragma unroll
	for (; i + 8 <= bytes; i += 8)
		*(volatile __u64 *)(to + i) = *(const __u64 *)(from + i);
	if (i + 4 <= bytes) {
		*(volatile __u32 *)(to + i) = *(const __u32 *)(from + i);
		i += 4;
	}
	if (i + 2 <= bytes)
		*(volatile __u16 *)(to + i) = *(const __u16 *)(from + i);
}

static __always_inline void complete_outer(void *data, const struct flow *flow, __u32 bytes, __u32 ecn, const bool ipv6)
{
	struct udphdr *udp = udp_header(data, ipv6);
	__u32 udp_bytes = bytes + sizeof(*udp) + sizeof(struct vxlan_header);
	udp->len = bpf_htons(udp_bytes);
	if (ipv6) {
		struct ipv6hdr *ip6 = data + ETH_HLEN;
		ip6->payload_len = bpf_htons(udp_bytes);
		ip6->flow_lbl[0] = ecn << 4;
		return;
	}
	struct iphdr *ip = data + ETH_HLEN;
	ip->tos = ecn;
	ip->tot_len = bpf_htons(udp_bytes + sizeof(*ip));
	ip->check = fold_checksum(flow->sum + ip->tot_len + bpf_htons(ecn));
}

#define ADD_ROOM (BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L4_UDP | BPF_F_ADJ_ROOM_ENCAP_L2(ETH_HLEN) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH)

/* 0, or NOT_FAST where the helper refuses (another encapsulation inside, no memory), or the verdict for a frame that is lost. */
static __always_inline int encapsulate(struct __sk_buff *skb, const struct flow *flow, const struct inner *inner, const bool ipv6)
{
	const __u32 added = header_bytes(ipv6);
	__u32 bytes = skb->len;
	__u16 port = source_port(bpf_get_hash_recalc(skb));
	__u64 layer3 = ipv6 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV4;
	if (bpf_skb_adjust_room(skb, added, BPF_ADJ_ROOM_MAC, ADD_ROOM | layer3))
		return NOT_FAST;
	void *data = (void *)(long)skb->data;
	if (data + added + ETH_HLEN > (void *)(long)skb->data_end)
		return drop(flow->vni, DROP_ENCAPSULATION);
	copy_words(data, flow->header, added);
	copy_words(data + added, &inner->frame, ETH_HLEN);
	complete_outer(data, flow, bytes, outer_ecn(inner), ipv6);
	udp_header(data, ipv6)->source = port;
	return 0;
}

static __always_inline bool is_current(const struct flow *flow, __u64 now)
{
	return flow->expires > now && flow->generation == network_generation(flow->vni);
}

static __always_inline bool read_inner(struct __sk_buff *skb, struct inner *inner)
{
	void *data = (void *)(long)skb->data;
	if (skb->vlan_present || data + sizeof(*inner) > (void *)(long)skb->data_end)
		return false;
	copy_words(inner, data, sizeof(*inner));
	return is_ip(inner->frame.ethertype) && !mac_is_group(inner->frame.destination);
}

/* Verdict, or NOT_FAST. */
static __always_inline int repeat_flow(struct __sk_buff *skb, const struct meta *settings, __u32 port)
{
	struct inner inner;
	if (!read_inner(skb, &inner))
		return NOT_FAST;
	struct flow_key key = {.ifindex = port};
	__builtin_memcpy(key.source, inner.frame.source, MAC_BYTES);
	__builtin_memcpy(key.destination, inner.frame.destination, MAC_BYTES);
	struct flow *flow = bpf_map_lookup_elem(&flows, &key);
	if (!flow || !is_current(flow, now_ns()))
		return NOT_FAST;
	__u32 bytes = skb->len;
	if (!fits(skb, bytes, flow->frame_bytes) || bytes + OUTER_IPV6_BYTES > LONGEST_PACKET)
		return NOT_FAST;
	__u32 packets = packets_of(skb, 0, bytes);
	int failure = flow->header_bytes == OUTER_IPV6_BYTES ? encapsulate(skb, flow, &inner, true) : encapsulate(skb, flow, &inner, false);
	if (failure)
		return failure;
	account_flow(flow, packets, bytes);
	account_port(flow->vni, port, packets, bytes);
	account_sent(flow->link, packets, bytes);
	count_path(SENT_FAST);
	return output_underlay(skb, flow->ifindex, settings->mark | MARK_FAST);
}

/* Notes how a frame of the flow leaves, so that the next one is fast. `generation` was read before the maps were asked. */
static __always_inline void remember_flow(struct flow *flow, const struct meta *settings, const struct link *link, __u32 id,
					  const struct wrapping *wrapping, __u32 generation)
{
	__u64 now = now_ns();
	flow->expires = 0;
	const struct hop *hop = hop_over(id, now, HOP_AGE_NS);
	if (!hop)
		return;
	flow->generation = generation;
	flow->link = id;
	flow->ifindex = hop->ifindex;
	flow->frame_bytes = link->frame_bytes;
	if (link->flags & LINK_IPV6)
		emit_outer(flow, hop, link->remote, settings->udp_port, wrapping, true);
	else
		emit_outer(flow, hop, link->remote, settings->udp_port, wrapping, false);
	flow->expires = hop->learned + HOP_AGE_NS;
}

#endif
