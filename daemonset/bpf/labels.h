/* The 16-bit label of the VXLAN group-policy field, and the one flag beside it that we use. */
#ifndef VNET_LABELS_H
#define VNET_LABELS_H

#define LABEL_DELIVER 0u      /* deliver here by network and destination MAC */
#define LABEL_DELIVER_ONLY 1u /* deliver here, never send on */
#define LABEL_PATH_FIRST 16u  /* 2 to 15: probe, reply, control, trace */
#define LABEL_TREE_FIRST 32768u
#define LABEL_LAST 65535u

/* The "policy applied" bit: a former owner of the MAC has sent this frame on. Transit keeps it; with it, LABEL_DELIVER means
 * LABEL_DELIVER_ONLY. So a moved MAC is followed once also over several hops, where label 1 alone would end at the first. */
#define GBP_FORWARDED (1u << 19)

#define TTL_AT_INGRESS 255u

#endif
