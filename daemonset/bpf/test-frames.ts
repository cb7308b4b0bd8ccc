import { ethernetHeader } from '#daemonset/wire/ethernet-header.ts'
import { isFailure } from '#daemonset/wire/failure.ts'
import { type IpAddress, parseIpAddress } from '#daemonset/wire/ip-address.ts'
import { type Mac, parseMac } from '#daemonset/wire/mac.ts'

/** A MAC address written in a test. */
export const mac = (text: string): Mac => {
  const parsed = parseMac(text)
  if (isFailure(parsed)) throw new Error(parsed.failure)
  return parsed
}

/** An IP address written in a test. */
export const ip = (text: string): IpAddress => {
  const parsed = parseIpAddress(text)
  if (isFailure(parsed)) throw new Error(parsed.failure)
  return parsed
}

export const broadcast = mac('ff:ff:ff:ff:ff:ff')

/** An Ethernet frame with `payload` (46 zero bytes by default) of an EtherType for local experiments. */
export const frame = (
  source: Mac,
  destination: Mac,
  { etherType = 0x88b5, payload = new Uint8Array(46) }: { etherType?: number; payload?: Uint8Array } = {},
): Uint8Array => ethernetHeader.emit({ source, destination, etherType }, payload)
