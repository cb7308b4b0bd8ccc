/** Meanings of the 16-bit label in the VXLAN group-policy field; the same numbers are in ../bpf/labels.h. */
export const LABEL_DELIVER = 0
export const LABEL_DELIVER_ONLY = 1
export const LABEL_PATH_FIRST = 16
export const LABEL_TREE_FIRST = 32768
export const LABEL_LAST = 65535

/** Beside the label: a former owner of the destination MAC has sent this frame on, nobody may do so again. */
export const GBP_FORWARDED = 1 << 19

/** Outer TTL of a frame that enters the overlay; each bridge on the way sends one less. */
export const TTL_AT_INGRESS = 255

export type LabelKind = 'deliver' | 'deliver-only' | 'reserved' | 'path' | 'tree'

/** What a bridge does with a frame that carries this label (0…65535). */
export const labelKind = (label: number): LabelKind => {
  if (label === LABEL_DELIVER) return 'deliver'
  if (label === LABEL_DELIVER_ONLY) return 'deliver-only'
  if (label < LABEL_PATH_FIRST) return 'reserved'
  return label < LABEL_TREE_FIRST ? 'path' : 'tree'
}
