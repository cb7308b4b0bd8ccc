import { DelayLine } from './delay-line.ts'
import { type LaboratoryDescription, type LinkDescription, parseRate } from './description.ts'
import { ipBatch, runOrThrow } from './processes.ts'
import type { RunState } from './run-state.ts'
import { UnderlayFaults } from './underlay-faults.ts'
import {
  type Addresses,
  firstLinks,
  firstNodeHost,
  linkAddresses,
  routerHost,
  siteAddresses,
  siteSubnet,
} from './underlay-plan.ts'

export type Attachment = { site: string; namespace: string; port: string; addresses: Addresses }

type Site = { index: number; name: string; router: string; nextHost: number }
type Link = { index: number; a: Site; b: Site; description: LinkDescription; delayLine: DelayLine | undefined }

/**
 * What the nodes are plugged into: a router and an Ethernet segment for each site, each a network namespace's; links between
 * the routers, shaped and delayed as described.
 */
export class Underlay {
  readonly faults: UnderlayFaults
  readonly #state: RunState
  readonly #mtuBytes: number
  readonly #sites: Site[]
  readonly #links: Link[]
  readonly #attachments = new Map<string, Attachment>()
  #nextPort = 0

  constructor(state: RunState, { sites, links = [], mtuBytes = 1500 }: LaboratoryDescription) {
    this.#state = state
    this.#mtuBytes = mtuBytes
    this.#sites = sites.map(({ name }, index) => ({
      index,
      name,
      router: state.namespace(`r-${name}`),
      nextHost: firstNodeHost,
    }))
    this.#links = links.map((description, index) => ({
      index,
      description,
      a: this.#site(description.a),
      b: this.#site(description.b),
      delayLine: undefined,
    }))
    this.faults = new UnderlayFaults({
      attachments: this.#attachments,
      routerOf: (site) => this.#site(site).router,
      linkBetween: (a, b) => this.#endsBetween(a, b),
    })
  }

  async create(): Promise<void> {
    await Promise.all(this.#sites.map((site) => this.#createRouter(site)))
    for (const link of this.#links) await this.#createLink(link)
    await this.#setRoutes()
  }

  /** Plugs a namespace into its site: an interface `eth0` with addresses and default routes. */
  async attach(key: string, { site: name, namespace }: { site: string; namespace: string }): Promise<Attachment> {
    const site = this.#site(name)
    const port = `n${this.#nextPort++}`
    const addresses = siteAddresses(site.index, site.nextHost++)
    const attachment = { site: name, namespace, port, addresses }
    this.#attachments.set(key, attachment)
    const router = siteAddresses(site.index, routerHost)
    const { prefixV4, prefixV6 } = siteSubnet(site.index)
    await ipBatch(site.router, [
      `link add name ${port} mtu ${this.#mtuBytes} type veth peer name eth0 mtu ${this.#mtuBytes} netns ${namespace}`,
      `link set dev ${port} master lan up`,
    ])
    await ipBatch(namespace, [
      `address add ${addresses.ipv4}/${prefixV4} dev eth0`,
      `address add ${addresses.ipv6}/${prefixV6} dev eth0 nodad`,
      'link set dev eth0 up',
      `route add default via ${router.ipv4}`,
      `route add default via ${router.ipv6}`,
    ])
    return attachment
  }

  async detach(key: string): Promise<void> {
    const attachment = this.#attachments.get(key)
    if (!attachment) return
    this.#attachments.delete(key)
    await runOrThrow(['ip', '-n', this.#site(attachment.site).router, 'link', 'delete', attachment.port])
  }

  attachment(key: string): Attachment {
    const attachment = this.#attachments.get(key)
    if (attachment) return attachment
    throw new Error(`${key} is not in the underlay; there are: ${[...this.#attachments.keys()].join(', ')}`)
  }

  /** Changes the rate of a link that has one, in both directions, while it is in use; bits per second. */
  async setRate(a: string, b: string, rateBps: number): Promise<void> {
    for (const end of this.#endsBetween(a, b)) await setShape(end.router, end.port, rateBps)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.delayLine?.stop()))
  }

  async #createRouter({ index, router }: Site): Promise<void> {
    await createNamespace(router)
    await runOrThrow(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'], {
      namespace: router,
    })
    const own = siteAddresses(index, routerHost)
    const { prefixV4, prefixV6 } = siteSubnet(index)
    await ipBatch(router, [
      // No snooping: it would delay multicast by its queries, and a plain switch has none.
      `link add name lan mtu ${this.#mtuBytes} type bridge mcast_snooping 0 forward_delay 0`,
      `address add ${own.ipv4}/${prefixV4} dev lan`,
      `address add ${own.ipv6}/${prefixV6} dev lan nodad`,
      'link set dev lan up',
    ])
  }

  async #createLink(link: Link): Promise<void> {
    const port = `l${link.index}`
    const { rate, delayMilliseconds = 0 } = link.description
    const [near, far] = [link.a.router, link.b.router]
    if (delayMilliseconds > 0) {
      link.delayLine = await DelayLine.start(this.#state, {
        name: port,
        delayMs: delayMilliseconds,
        ends: [near, far],
        mtuBytes: this.#mtuBytes,
      })
    } else {
      await ipBatch(near, [
        `link add name ${port} mtu ${this.#mtuBytes} type veth peer name ${port} mtu ${this.#mtuBytes} netns ${far}`,
      ])
    }
    const addresses = linkAddresses(link.index)
    for (const [router, own] of [
      [near, addresses.a],
      [far, addresses.b],
    ] as const) {
      await ipBatch(router, [
        `address add ${own.ipv4}/31 dev ${port}`,
        `address add ${own.ipv6}/127 dev ${port} nodad`,
        `link set dev ${port} up`,
      ])
      if (rate !== undefined) await shape(router, port, parseRate(rate))
    }
  }

  async #setRoutes(): Promise<void> {
    const edges = this.#links.map(({ a, b, description }) => ({
      a: a.index,
      b: b.index,
      delayMs: description.delayMilliseconds ?? 0,
    }))
    for (const [from, firsts] of firstLinks(this.#sites.length, edges).entries()) {
      const commands = [...firsts].flatMap(([to, index]) => {
        const ends = linkAddresses(index)
        const gateway = edges[index]!.a === from ? ends.b : ends.a
        const { ipv4, ipv6, prefixV4, prefixV6 } = siteSubnet(to)
        return [
          `route add ${ipv4}/${prefixV4} via ${gateway.ipv4}`,
          `route add ${ipv6}/${prefixV6} via ${gateway.ipv6}`,
        ]
      })
      await ipBatch(this.#sites[from]!.router, commands)
    }
  }

  #site(name: string): Site {
    const site = this.#sites.find((each) => each.name === name)
    if (site) return site
    throw new Error(`there is no site ${name}; sites are: ${this.#sites.map((each) => each.name).join(', ')}`)
  }

  #endsBetween(a: string, b: string): { router: string; port: string }[] {
    const link = this.#links.find(
      (each) => (each.a.name === a && each.b.name === b) || (each.a.name === b && each.b.name === a),
    )
    if (!link) throw new Error(`no link joins the sites ${a} and ${b}`)
    return [link.a.router, link.b.router].map((router) => ({ router, port: `l${link.index}` }))
  }
}

/** A namespace with its loopback up, and addresses usable at once: duplicate address detection takes two seconds. */
export const createNamespace = async (name: string): Promise<void> => {
  await runOrThrow(['ip', 'netns', 'add', name])
  await runOrThrow(['sysctl', '-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0'], {
    namespace: name,
  })
  await ipBatch(name, ['link set dev lo up'])
}

const shape = async (router: string, port: string, rateBps: number): Promise<void> => {
  await runOrThrow(['tc', '-n', router, 'qdisc', 'add', 'dev', port, 'root', 'handle', '1:', 'htb', 'default', '1'])
  await setShape(router, port, rateBps)
}

// A queue of 25 ms, as a router of that rate would have, but no less than a few large segments.
const setShape = async (router: string, port: string, rateBps: number): Promise<void> => {
  const queueBytes = Math.max(200_000, Math.round((rateBps / 8) * 0.025))
  const commands = [
    `class replace dev ${port} parent 1: classid 1:1 htb rate ${rateBps}bit burst 64kb cburst 64kb quantum 60000`,
    `qdisc replace dev ${port} parent 1:1 handle 10: bfifo limit ${queueBytes}`,
  ]
  await runOrThrow(['tc', '-n', router, '-batch', '-'], { input: `${commands.join('\n')}\n` })
}
