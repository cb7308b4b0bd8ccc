/* Nobody but us may send datagrams to the tunnel's port: a pod's masqueraded UDP would enter a neighbour as this bridge. */
#ifndef VNET_UNDERLAY_GUARD_H
#define VNET_UNDERLAY_GUARD_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include "account.h"
#include "configuration.h"
#include "fast-send.h"
#include "frame.h"

#define MAX_IPV6_EXTENSIONS 8
#define FRAGMENT_OFFSET_IPV4 0x1fff
#define FRAGMENT_OFFSET_IPV6 0xfff8

/* Relative to the network header, so that devices without a link-layer header work too. */
static __always_inline bool load_network(struct __sk_buff *skb, __u32 offset, void *to, __u32 bytes)
{
	return !bpf_skb_load_bytes_relative(skb, offset, to, bytes, BPF_HDR_START_NET);
}

/* Offset of the UDP header, or 0: another protocol, or a later fragment (it is lost without its first one). */
static __always_inline __u32 udp_offset_ipv4(struct __sk_buff *skb)
{
	struct iphdr header;
	if (!load_network(skb, 0, &header, sizeof(header)) || header.protocol != IPPROTO_UDP)
		return 0;
	return header.frag_off & bpf_htons(FRAGMENT_OFFSET_IPV4) ? 0 : header.ihl * 4;
}

struct extension_walk {
	struct __sk_buff *skb;
	__u32 offset;
	__u32 next_header;
};

static __always_inline bool is_extension(__u32 kind)
{
	return kind == IPPROTO_HOPOPTS || kind == IPPROTO_ROUTING || kind == IPPROTO_DSTOPTS || kind == IPPROTO_FRAGMENT;
}

/* Ends the walk (1) at what is no extension header; one that cannot be read, or a later fragment, ends it as "no next header". */
static long skip_extension(__u32 index, void *data)
{
	struct extension_walk *walk = data;
	__u8 header[4];
	__u32 kind = walk->next_header;
	if (!is_extension(kind))
		return 1;
	if (!load_network(walk->skb, walk->offset, header, sizeof(header)))
		goto none;
	if (kind == IPPROTO_FRAGMENT && (((header[2] << 8) | header[3]) & FRAGMENT_OFFSET_IPV6))
		goto none;
	walk->offset += kind == IPPROTO_FRAGMENT ? 8 : (header[1] + 1) * 8;
	walk->next_header = header[0];
	return 0;
none:
	walk->next_header = IPPROTO_NONE;
	return 1;
}

#define TOO_DEEP 0xffffffff

/* TOO_DEEP: more extension headers than we look through. Linux takes any number, nobody sends so many, and behind them may be our port. */
static __always_inline __u32 udp_offset_ipv6(struct __sk_buff *skb)
{
	struct ipv6hdr header;
	if (!load_network(skb, 0, &header, sizeof(header)))
		return 0;
	struct extension_walk walk = {.skb = skb, .offset = sizeof(header), .next_header = header.nexthdr};
	bpf_loop(MAX_IPV6_EXTENSIONS, skip_extension, &walk, 0);
	if (is_extension(walk.next_header))
		return TOO_DEEP;
	return walk.next_header == IPPROTO_UDP ? walk.offset : 0;
}

/* What the VXLAN device sends teaches the fast path. */
static __always_inline int observe_own(struct __sk_buff *skb, const struct meta *settings)
{
	if (!(settings->flags & META_FAST_PATH) || skb->vlan_present)
		return TC_ACT_UNSPEC;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		learn_hop(skb, settings, now_ns(), false);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		learn_hop(skb, settings, now_ns(), true);
	return TC_ACT_UNSPEC;
}

static __always_inline int to_underlay(struct __sk_buff *skb)
{
	const struct meta *settings = configuration();
	if (!settings || skb->mark == (settings->mark | MARK_FAST))
		return TC_ACT_UNSPEC;
	if (skb->mark == settings->mark)
		return observe_own(skb, settings);
	__u32 offset = 0;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		offset = udp_offset_ipv4(skb);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		offset = udp_offset_ipv6(skb);
	if (offset == TOO_DEEP)
		return drop(0, DROP_UNDERLAY_GUARD);
	struct udphdr udp;
	if (!offset || !load_network(skb, offset, &udp, sizeof(udp)) || bpf_ntohs(udp.dest) != settings->udp_port)
		return TC_ACT_UNSPEC;
	return drop(0, DROP_UNDERLAY_GUARD);
}

#endif
