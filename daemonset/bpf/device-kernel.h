/* The door to the devices, real side: where frames come from and how they leave. device-record.h is the same door for tests. */
#ifndef VNET_DEVICE_H
#define VNET_DEVICE_H

#include <linux/errno.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "arrival.h"
#include "labels.h"

/* Options of the VXLAN device: the kernel's struct vxlan_metadata. */
struct group_policy {
	__u32 gbp;
};

/* The verdict for a frame whose copies are on their way. Not TC_ACT_STOLEN: a tcx hook knows pass, drop and redirect, and takes all else for
 * "next" (tcx_action_code), so that the frame itself would reach the host. */
#define COPIED TC_ACT_SHOT

static __always_inline __u32 ingress_port(const struct __sk_buff *skb)
{
	return skb->ifindex;
}

/* bpf_tunnel_key holds IPv4 in host order, but IPv6 in wire order. */
static __always_inline int read_arrival(struct __sk_buff *skb, struct arrival *arrival)
{
	struct bpf_tunnel_key key = {};
	__u32 *words = (__u32 *)arrival->peer.address;
	int error = bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0);
	if (!error) {
		words[0] = 0;
		words[1] = 0;
		words[2] = bpf_htonl(0xffff);
		words[3] = bpf_htonl(key.remote_ipv4);
	} else if (error == -EPROTO) {
		error = bpf_skb_get_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6);
		__builtin_memcpy(words, key.remote_ipv6, sizeof(key.remote_ipv6));
	}
	if (error)
		return error;
	arrival->vni = key.tunnel_id;
	arrival->ttl = key.tunnel_ttl;
	/* A header without the extension is how the kernel sends label 0. */
	struct group_policy policy = {};
	bpf_skb_get_tunnel_opt(skb, &policy, sizeof(policy));
	arrival->gbp = policy.gbp;
	return 0;
}

/* To within a tick of the kernel's timer, and cheap. */
static __always_inline __u64 now_ns(void)
{
	return bpf_ktime_get_coarse_ns();
}

/* A datagram with all its headers. */
static __always_inline int output_underlay(struct __sk_buff *skb, __u32 ifindex, __u32 mark)
{
	skb->mark = mark;
	/* The receive queue of the guest's device says nothing about ours. */
	skb->queue_mapping = 0;
	return bpf_redirect(ifindex, 0);
}

/* A datagram whose Ethernet addresses the kernel's neighbour table has to give. */
static __always_inline int output_neighbour(struct __sk_buff *skb, __u32 ifindex, __u32 mark)
{
	skb->mark = mark;
	skb->queue_mapping = 0;
	return bpf_redirect_neigh(ifindex, NULL, 0, 0);
}

/* The kernel gives the datagram to the wildcard socket of this UDP port, whatever port it is for, after the host's firewall has seen it as
 * it is. The socket belongs to a device of ours, or the agent does not say that there is one. */
static __always_inline long assign_socket(struct __sk_buff *skb, __u32 port)
{
	struct bpf_sock_tuple wildcard = {};
	wildcard.ipv4.dport = bpf_htons(port);
	struct bpf_sock *socket = bpf_sk_lookup_udp(skb, &wildcard, sizeof(wildcard.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return -ENOENT;
	long error = bpf_sk_assign(skb, socket, 0);
	bpf_sk_release(socket);
	return error;
}

/* What goes with a datagram through the kernel to the inlet. Only frames with the same `key` are put together there. */
static __always_inline void set_inlet_key(struct __sk_buff *skb, __u32 key, __u32 link)
{
	bpf_set_hash(skb, key);
	skb->tc_index = link;
}

static __always_inline __u32 inlet_key(const struct __sk_buff *skb)
{
	return skb->hash;
}

static __always_inline __u32 inlet_link(const struct __sk_buff *skb)
{
	return skb->tc_index;
}

static __always_inline void clear_inlet_key(struct __sk_buff *skb)
{
	bpf_set_hash_invalid(skb);
	skb->tc_index = 0;
}

static __always_inline int output_port(struct __sk_buff *skb, __u32 ifindex, __u32 flags)
{
	skb->mark = 0;
	if (!(flags & PORT_PEER))
		return bpf_redirect(ifindex, 0);
	/* The receiver's stack does not look at the destination address again: it was compared with our device's. */
	if (skb->pkt_type == PACKET_OTHERHOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(ifindex, 0);
}

static __always_inline long copy_to_port(struct __sk_buff *skb, __u32 ifindex)
{
	skb->mark = 0;
	return bpf_clone_redirect(skb, ifindex, 0);
}

static __always_inline long wrap(struct __sk_buff *skb, const struct link *link, const struct wrapping *wrapping)
{
	struct bpf_tunnel_key key = {.tunnel_id = wrapping->vni, .tunnel_ttl = wrapping->ttl};
	/* No outer checksum, as RFC 6935 allows: the guest's own covers its data. */
	__u64 flags = BPF_F_DONT_FRAGMENT | BPF_F_ZERO_CSUM_TX;
	if (link->flags & LINK_IPV6) {
		__builtin_memcpy(key.remote_ipv6, link->remote, sizeof(key.remote_ipv6));
		__builtin_memcpy(key.local_ipv6, link->local, sizeof(key.local_ipv6));
		flags |= BPF_F_TUNINFO_IPV6;
	} else {
		key.remote_ipv4 = bpf_ntohl(*(__u32 *)(link->remote + 12));
		key.local_ipv4 = bpf_ntohl(*(__u32 *)(link->local + 12));
	}
	long error = bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags);
	if (error)
		return error;
	/* Always, also for label 0: the metadata is per CPU, and would keep what another program left there. */
	struct group_policy policy = {.gbp = wrapping->gbp};
	error = bpf_skb_set_tunnel_opt(skb, &policy, sizeof(policy));
	if (!error)
		skb->mark = wrapping->mark;
	return error;
}

static __always_inline int output_link(struct __sk_buff *skb, __u32 id, const struct link *link, const struct wrapping *wrapping)
{
	return wrap(skb, link, wrapping) ? -1 : bpf_redirect(link->tunnel_ifindex, 0);
}

static __always_inline long copy_to_link(struct __sk_buff *skb, __u32 id, const struct link *link, const struct wrapping *wrapping)
{
	long error = wrap(skb, link, wrapping);
	return error ? error : bpf_clone_redirect(skb, link->tunnel_ifindex, 0);
}

#endif
