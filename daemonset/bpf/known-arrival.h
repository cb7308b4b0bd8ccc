/* What the rules say of a datagram, remembered for the next one like it: one look instead of one into each table. Only what they let pass
 * is kept, and only while no table has changed. */
#ifndef VNET_KNOWN_ARRIVAL_H
#define VNET_KNOWN_ARRIVAL_H

#include "generation.h"
#include "outer-header.h"
#include "tunnel-rules.h"

#define GOLDEN_RATIO 0x9e3779b1u
#define ARRIVAL_BITS 10

/* Of a datagram that a label leads on, the MAC says nothing. */
static __always_inline void copy_key_mac(__u8 *to, const void *inner, bool by_label)
{
	*(__u32 *)to = by_label ? 0 : *(const __u32 *)inner;
	*(__u16 *)(to + 4) = by_label ? 0 : *(const __u16 *)(inner + 4);
}

static __always_inline struct known_arrival *place_of(const struct outer *outer, const __u8 *mac)
{
	__u32 low_mac = *(const __u16 *)(mac + 4) | *(const __u16 *)(mac + 2) << 16;
	__u32 mixed = *(const __u32 *)(outer->arrival.peer.address + 12) ^ low_mac ^ outer->arrival.vni << 7 ^ outer->arrival.gbp << 13;
	__u32 index = mixed * GOLDEN_RATIO >> (32 - ARRIVAL_BITS);
	_Static_assert(ARRIVALS == 1 << ARRIVAL_BITS, "every index has its place");
	return bpf_map_lookup_elem(&arrivals, &index);
}

static __always_inline bool is_known(const struct known_arrival *known, const struct outer *outer, const __u8 *mac, __u32 generation)
{
	return known->action && known->generation == generation && known->vni == outer->arrival.vni && known->gbp == outer->arrival.gbp &&
	       mac_equal(known->mac, mac) && address_equal(known->source, outer->arrival.peer.address) &&
	       address_equal(known->destination, outer->destination.address);
}

/* Asks the tables. False: the slow path is to judge. */
static __always_inline bool find_out(struct __sk_buff *skb, const struct outer *outer, const __u32 offset, struct known_arrival *known)
{
	struct passage passage = {.arrival = outer->arrival};
	if (!recognise(&passage))
		return false;
	const struct link *link = bpf_map_lookup_elem(&links, &passage.link);
	if (!link || !address_equal(link->local, outer->destination.address))
		return false;
	struct decision decision = decide(skb, &passage, offset);
	known->from = passage.link;
	if (decision.action == ACTION_SEND_ON) {
		known->target = decision.link;
		known->detail = decision.gbp;
	} else if (decision.action == ACTION_DELIVER) {
		const struct port *port = bpf_map_lookup_elem(&ports, &decision.ifindex);
		if (port_refusal(port, outer->arrival.vni) || !port)
			return false;
		known->target = decision.ifindex;
		known->detail = port->flags;
	} else {
		return false;
	}
	known->action = decision.action;
	return true;
}

/* NULL: the slow path is to judge. `offset`: of the inner frame, which begins with `mac` unless a label leads on. */
static __always_inline const struct known_arrival *known_arrival(struct __sk_buff *skb, const struct outer *outer, const __u32 offset,
								 const __u8 *mac)
{
	__u32 generation = network_generation(outer->arrival.vni);
	struct known_arrival *known = place_of(outer, mac);
	if (!known)
		return NULL;
	if (is_known(known, outer, mac, generation))
		return known;
	known->action = ACTION_DROP;
	copy_address(known->source, outer->arrival.peer.address);
	copy_address(known->destination, outer->destination.address);
	known->vni = outer->arrival.vni;
	known->gbp = outer->arrival.gbp;
	__builtin_memcpy(known->mac, mac, MAC_BYTES);
	known->generation = generation;
	return find_out(skb, outer, offset, known) ? known : NULL;
}

#endif
