/* The outer headers of a tunnelled frame: read in one place, and made from what the kernel itself sent over the link. */
#ifndef VNET_OUTER_HEADER_H
#define VNET_OUTER_HEADER_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>

#include "arrival.h"
#include "labels.h"

struct vxlan_header {
	__be32 flags;
	__be32 vni;
};

#define VXLAN_VALID 0x08000000u
#define VXLAN_GROUP_POLICY 0x80000000u
#define VXLAN_DONT_LEARN (1u << 22)
#define VXLAN_POLICY_BITS (LABEL_LAST | GBP_FORWARDED | VXLAN_DONT_LEARN)

#define ECN_MASK 3u
#define ECN_ECT0 2u
#define ECN_CE 3u
#define IPV4_VERSION_LENGTH 0x45
#define IPV4_FRAGMENT_BITS 0x3fff /* more fragments, offset */
#define IPV4_DONT_FRAGMENT 0x4000

/* The range of outer source ports, of which a flow has one: the same on both paths, so that neither receive queues nor equal-cost routes
 * part its frames. The VXLAN device is made with it. */
#define SOURCE_PORT_FIRST 32768u
#define SOURCE_PORT_END 61000u

struct outer {
	struct arrival arrival;
	struct peer_key destination;
	__u32 ecn;
	bool has_checksum;
};

static __always_inline void map_ipv4(struct peer_key *key, __be32 address)
{
	__u32 *words = (__u32 *)key->address;
	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = address;
}

static __always_inline void copy_address(__u8 *to, const void *from)
{
	for (int i = 0; i < 4; i++)
		((__u32 *)to)[i] = ((const __u32 *)from)[i];
}

static __always_inline bool address_equal(const __u8 *a, const __u8 *b)
{
	const __u64 *left = (const __u64 *)a, *right = (const __u64 *)b;
	return left[0] == right[0] && left[1] == right[1];
}

static __always_inline __u32 header_bytes(const bool ipv6)
{
	return ipv6 ? OUTER_IPV6_BYTES : OUTER_IPV4_BYTES;
}

static __always_inline struct udphdr *udp_header(void *data, const bool ipv6)
{
	return data + header_bytes(ipv6) - sizeof(struct vxlan_header) - sizeof(struct udphdr);
}

/* As strict as the VXLAN device: it drops a header with any bit that it does not know. */
static __always_inline bool parse_vxlan(const struct vxlan_header *header, struct arrival *arrival)
{
	__u32 flags = bpf_ntohl(header->flags), vni = bpf_ntohl(header->vni);
	__u32 policy = flags & VXLAN_GROUP_POLICY ? VXLAN_GROUP_POLICY | VXLAN_POLICY_BITS : 0;
	if ((flags & ~policy) != VXLAN_VALID || (vni & 0xff))
		return false;
	arrival->vni = vni >> 8;
	arrival->gbp = flags & policy & ~VXLAN_GROUP_POLICY;
	return true;
}

/* A whole datagram for the tunnel's port whose headers are linear. Options, fragments and extension headers: not read, so not fast. */
static __always_inline bool parse_outer(void *data, void *end, __u32 port, const bool ipv6, struct outer *outer)
{
	struct iphdr *ip = data + ETH_HLEN;
	struct ipv6hdr *ip6 = data + ETH_HLEN;
	struct udphdr *udp = udp_header(data, ipv6);
	if (data + header_bytes(ipv6) > end || udp->dest != bpf_htons(port))
		return false;
	if (ipv6) {
		if (ip6->version != 6 || ip6->nexthdr != IPPROTO_UDP)
			return false;
		copy_address(outer->arrival.peer.address, &ip6->saddr);
		copy_address(outer->destination.address, &ip6->daddr);
		outer->arrival.ttl = ip6->hop_limit;
		outer->ecn = (ip6->flow_lbl[0] >> 4) & ECN_MASK;
	} else {
		if (*(__u8 *)ip != IPV4_VERSION_LENGTH || ip->protocol != IPPROTO_UDP || (ip->frag_off & bpf_htons(IPV4_FRAGMENT_BITS)))
			return false;
		map_ipv4(&outer->arrival.peer, ip->saddr);
		map_ipv4(&outer->destination, ip->daddr);
		outer->arrival.ttl = ip->ttl;
		outer->ecn = ip->tos & ECN_MASK;
	}
	outer->has_checksum = udp->check != 0;
	return parse_vxlan((void *)(udp + 1), &outer->arrival);
}

static __always_inline __u32 add_words(const __u8 *header, __u32 bytes)
{
	__u32 sum = 0;
	for (__u32 i = 0; i < bytes; i += 2)
		sum += *(const __u16 *)(header + i);
	return sum;
}

static __always_inline __u16 fold_checksum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Lengths say what there is, and IPv4's own checksum is right; the kernel trims or drops what is otherwise. parse_outer() was true. */
static __always_inline bool is_intact(const void *data, __u32 bytes, const bool ipv6)
{
	const struct iphdr *ip = data + ETH_HLEN;
	const struct udphdr *udp = udp_header((void *)data, ipv6);
	__u32 udp_bytes = bytes - header_bytes(ipv6) + sizeof(struct vxlan_header) + sizeof(struct udphdr);
	if (bpf_ntohs(udp->len) != udp_bytes)
		return false;
	if (ipv6)
		return bpf_ntohs(((const struct ipv6hdr *)ip)->payload_len) == udp_bytes;
	return bpf_ntohs(ip->tot_len) == udp_bytes + sizeof(*ip) && !fold_checksum(add_words((const __u8 *)ip, sizeof(*ip)));
}

/* Flags and VNI as the VXLAN device writes them: without a label there is no extension. */
static __always_inline void emit_vxlan(struct vxlan_header *header, __u32 vni, __u32 gbp)
{
	header->flags = bpf_htonl(gbp ? VXLAN_VALID | VXLAN_GROUP_POLICY | (gbp & VXLAN_POLICY_BITS) : VXLAN_VALID);
	header->vni = bpf_htonl(vni << 8);
}

/* What all datagrams of a flow have in common. Length, ECN, checksum and source port stay 0. */
static __always_inline void emit_outer(struct flow *flow, const struct hop *hop, const __u8 *remote, __u16 port, const struct wrapping *wrapping,
				       const bool ipv6)
{
	__u8 *header = flow->header;
	struct udphdr *udp = udp_header(header, ipv6);
	__builtin_memset(header, 0, sizeof(flow->header));
	__builtin_memcpy(header, hop->ethernet, sizeof(hop->ethernet));
	((struct ethhdr *)header)->h_proto = bpf_htons(ipv6 ? ETH_P_IPV6 : ETH_P_IP);
	if (ipv6) {
		struct ipv6hdr *ip6 = (void *)header + ETH_HLEN;
		ip6->version = 6;
		ip6->nexthdr = IPPROTO_UDP;
		ip6->hop_limit = wrapping->ttl;
		__builtin_memcpy(&ip6->saddr, hop->source, ADDRESS_BYTES);
		__builtin_memcpy(&ip6->daddr, remote, ADDRESS_BYTES);
	} else {
		struct iphdr *ip = (void *)header + ETH_HLEN;
		*(__u8 *)ip = IPV4_VERSION_LENGTH;
		ip->frag_off = bpf_htons(IPV4_DONT_FRAGMENT);
		ip->ttl = wrapping->ttl;
		ip->protocol = IPPROTO_UDP;
		__builtin_memcpy(&ip->saddr, hop->source + 12, 4);
		__builtin_memcpy(&ip->daddr, remote + 12, 4);
		flow->sum = add_words(header + ETH_HLEN, sizeof(*ip));
	}
	udp->dest = bpf_htons(port);
	emit_vxlan((void *)(udp + 1), wrapping->vni, wrapping->gbp);
	flow->header_bytes = header_bytes(ipv6);
}

/* For the next hop of a frame in transit. Length, source port and ECN stay; the rest of the traffic class does not travel on. */
static __always_inline void rewrite_outer(void *data, const struct hop *hop, const __u8 *remote, const struct outer *outer, __u32 gbp,
					  const bool ipv6)
{
	__builtin_memcpy(data, hop->ethernet, sizeof(hop->ethernet));
	if (ipv6) {
		struct ipv6hdr *ip6 = data + ETH_HLEN;
		ip6->hop_limit = outer->arrival.ttl - 1;
		ip6->priority = 0;
		ip6->flow_lbl[0] = outer->ecn << 4;
		copy_address((__u8 *)&ip6->saddr, hop->source);
		copy_address((__u8 *)&ip6->daddr, remote);
	} else {
		struct iphdr *ip = data + ETH_HLEN;
		ip->tos = outer->ecn;
		ip->ttl = outer->arrival.ttl - 1;
		ip->saddr = *(const __u32 *)(hop->source + 12);
		ip->daddr = *(const __u32 *)(remote + 12);
		ip->check = 0;
		ip->check = fold_checksum(add_words((const __u8 *)ip, sizeof(*ip)));
	}
	emit_vxlan(data + header_bytes(ipv6) - sizeof(struct vxlan_header), outer->arrival.vni, gbp);
}

#endif
