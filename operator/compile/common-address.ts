// IPv4 and IPv6 beside each other: over which of them two bridges talk. Addresses are well formed here.
export type Family = 'IPv4' | 'IPv6'
const FAMILIES: readonly Family[] = ['IPv4', 'IPv6']

const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4')
const ofFamily = (addresses: readonly string[], family: Family): string | undefined =>
  addresses.find((address) => familyOf(address) === family)

/** The families of a bridge's addresses. */
export const familiesOf = (addresses: readonly string[]): Family[] =>
  FAMILIES.filter((family) => ofFamily(addresses, family) !== undefined)

/**
 * Where a bridge with the addresses `own` sends to reach one with `theirs`: both ends choose the same family, else each would drop what the other
 * sends. The one that both prefer (their first), else IPv4, else IPv6; undefined if they have none in common.
 */
export const commonAddress = (own: readonly string[], theirs: readonly string[]): string | undefined => {
  const [mine, other] = [own[0], theirs[0]]
  if (mine === undefined || other === undefined) return undefined
  if (familyOf(mine) === familyOf(other)) return other
  const family = familiesOf(own).find((each) => ofFamily(theirs, each) !== undefined)
  return family && ofFamily(theirs, family)
}
