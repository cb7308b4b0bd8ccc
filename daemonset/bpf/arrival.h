/* What the tunnel says of a received frame, in the terms of the maps. */
#ifndef VNET_ARRIVAL_H
#define VNET_ARRIVAL_H

#include "layout.h"

struct arrival {
	struct peer_key peer; /* outer source */
	__u32 vni;
	__u32 gbp; /* label and flags */
	__u32 ttl; /* outer, as received */
};

/* The wrapping that a frame leaves with. */
struct wrapping {
	__u32 vni;
	__u32 gbp;
	__u32 ttl;
	__u32 mark;
};

#endif
