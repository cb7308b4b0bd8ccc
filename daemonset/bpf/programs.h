/* The program entries. vnet.bpf.c and test.bpf.c differ only in the door to the devices that they include before this. */
#ifndef VNET_PROGRAMS_H
#define VNET_PROGRAMS_H

#include "fast-receive.h"
#include "port-ingress.h"
#include "tunnel-ingress.h"
#include "underlay-guard.h"

/* clsact ingress of a guest's port (host veth or TAP). */
SEC("tc")
int port_ingress(struct __sk_buff *skb)
{
	return from_port(skb);
}

/* clsact ingress of the VXLAN device. */
SEC("tc")
int tunnel_ingress(struct __sk_buff *skb)
{
	return from_tunnel(skb);
}

/* clsact ingress of the inlet, a second VXLAN device that only the fast path gives frames to. */
SEC("tc")
int inlet_ingress(struct __sk_buff *skb)
{
	return from_inlet(skb);
}

/* clsact ingress and egress of a network's Linux bridge: it is a socket for CNI and forwards nothing. */
SEC("tc")
int bridge_guard(struct __sk_buff *skb)
{
	return drop(0, DROP_BRIDGE_GUARD);
}

/* clsact ingress of the underlay devices: the fast path's way in. What it leaves alone comes out of the VXLAN device, or
 * of the inlet. */
SEC("tc")
int underlay_entry(struct __sk_buff *skb)
{
	return from_underlay(skb);
}

/* clsact egress of the underlay devices. */
SEC("tc")
int underlay_egress(struct __sk_buff *skb)
{
	return to_underlay(skb);
}

char program_license[] SEC("license") = "GPL";

#endif
