/* Copies of one frame: to the local ports of a network, and to the links of a tree. */
#ifndef VNET_FLOOD_H
#define VNET_FLOOD_H

#include "deliver.h"

/* The agent may replace a list at any moment, and the memory of the old one may be that of another list at once: what was read of it
 * counts only if the stamp is still the same afterwards. So look a list up just before it is walked. */
static __always_inline bool is_same_list(const __u32 *stamp, __u32 expected)
{
	return *(const volatile __u32 *)stamp == expected;
}

struct port_copies {
	struct __sk_buff *skb;
	const struct network_ports *list;
	__u32 vni;
	__u32 stamp;
	__u32 except; /* ifindex the frame came from, or 0 */
};

static long copy_to_next_port(__u32 index, void *data)
{
	struct port_copies *copies = data;
	const struct network_ports *list = copies->list;
	if (index >= MAX_NETWORK_PORTS)
		return 1;
	__u32 ifindex = *(const volatile __u32 *)&list->ifindexes[index];
	if (!is_same_list(&list->stamp, copies->stamp))
		return 1;
	if (ifindex == copies->except)
		return 0;
	__u32 reason = port_refusal(bpf_map_lookup_elem(&ports, &ifindex), copies->vni);
	if (reason)
		drop(copies->vni, reason);
	else if (copy_to_port(copies->skb, ifindex))
		drop(copies->vni, DROP_COPY);
	return 0;
}

/* A network without local ports has no list. */
static __always_inline void flood_ports(struct __sk_buff *skb, __u32 vni, __u32 except)
{
	const struct network_ports *list = bpf_map_lookup_elem(&network_ports, &vni);
	if (!list)
		return;
	struct port_copies copies = {.skb = skb, .list = list, .vni = vni, .stamp = list->stamp, .except = except};
	bpf_loop(list->count, copy_to_next_port, &copies, 0);
}

struct link_copies {
	struct __sk_buff *skb;
	const struct tree *tree;
	struct wrapping wrapping;
	__u32 stamp;
	__u32 except; /* link the frame came from, or 0 */
};

static long copy_to_next_link(__u32 index, void *data)
{
	struct link_copies *copies = data;
	const struct tree *tree = copies->tree;
	if (index >= MAX_TREE_LINKS)
		return 1;
	__u32 id = *(const volatile __u16 *)&tree->links[index];
	if (!is_same_list(&tree->stamp, copies->stamp))
		return 1;
	if (id == copies->except)
		return 0;
	const struct link *link = bpf_map_lookup_elem(&links, &id);
	__u32 reason = link_refusal(copies->skb, copies->skb->len, link);
	if (reason || !link) {
		drop(copies->wrapping.vni, reason);
		return 0;
	}
	/* A positive code is a loss as well (NET_XMIT_DROP, a device that is down). */
	if (copy_to_link(copies->skb, id, link, &copies->wrapping))
		drop(copies->wrapping.vni, DROP_COPY);
	else
		account_sent(id, packets_of(copies->skb, 0, copies->skb->len), copies->skb->len);
	return 0;
}

static __always_inline void flood_links(struct __sk_buff *skb, const struct tree *tree, const struct wrapping *wrapping, __u32 except)
{
	struct link_copies copies = {.skb = skb, .tree = tree, .wrapping = *wrapping, .stamp = tree->stamp, .except = except};
	bpf_loop(tree->count, copy_to_next_link, &copies, 0);
}

static __always_inline const struct tree *tree_of(__u32 vni, __u32 id)
{
	struct tree_key key = {.vni = vni, .tree = id};
	return bpf_map_lookup_elem(&trees, &key);
}

struct neighbour_search {
	const struct tree *tree;
	__u32 link;
	__u32 found;
};

static long compare_next_link(__u32 index, void *data)
{
	struct neighbour_search *search = data;
	if (index >= MAX_TREE_LINKS)
		return 1;
	search->found = search->tree->links[index] == search->link;
	return search->found;
}

/* A tree is entered only over its own links: so a frame never takes it up twice. */
static __always_inline bool is_tree_neighbour(const struct tree *tree, __u32 link)
{
	struct neighbour_search search = {.tree = tree, .link = link};
	bpf_loop(tree->count, compare_next_link, &search, 0);
	return search.found;
}

#endif
