// What is measured: overlays, each over wires and a relay.
import type { Options } from './options.ts'
import { isPeer, PEERS, type PeerName } from './peers/index.ts'
import type { Wire } from './world.ts'

/** `vnet-uncounted`: the fast path without accounting, which nobody ships. */
export type VnetOverlay = 'vnet-slow' | 'vnet-fast' | 'vnet-uncounted'
/** `bridge`: no overlay at all. `kernel`: bridge and VXLAN device of the kernel. */
export type Overlay = 'bridge' | 'kernel' | VnetOverlay | PeerName
export type Role = 'link' | 'relay'
export type Case = { readonly role: Role; readonly overlay: Overlay; readonly wire: Wire }

export const nameOf = ({ role, overlay, wire }: Case): string =>
  [role, overlay, ...(wire === 'ideal' ? [] : [wire])].join(' ')

/** Programs that run all the time are there only while they are measured. */
export const isShortLived = ({ overlay }: Case): boolean => isPeer(overlay)

/** The cases that were asked for, in the order in which a round visits them: what is compared is close together. */
export const chooseCases = ({ paths, peers, only }: Pick<Options, 'paths' | 'peers' | 'only'>): Case[] => {
  const ours = paths.map((path): VnetOverlay => `vnet-${path}`)
  const link = (overlay: Overlay, wire: Wire = 'ideal'): Case => ({ role: 'link', overlay, wire })
  const compared: Overlay[] = ['kernel', ...ours]
  const all: Case[] = [
    ...(['bridge', ...compared] as const).map((overlay) => link(overlay)),
    ...(paths.includes('fast') ? [link('vnet-uncounted')] : []),
    ...compared.map((overlay): Case => ({ role: 'relay', overlay, wire: 'ideal' })),
    ...(['wire', 'wire-gro'] as const).flatMap((wire) => compared.map((overlay) => link(overlay, wire))),
    ...(peers ? (Object.keys(PEERS) as PeerName[]).map((overlay) => link(overlay)) : []),
  ]
  return only.length === 0 ? all : all.filter((it) => only.some((part) => nameOf(it).includes(part)))
}
