import type { Vm } from '#test/lab/vm.ts'
import { waitUntil } from '#test/lab/wait-until.ts'

const nameOf = ({ pod }: Vm): string => pod.slice(pod.indexOf('/') + 1)
const addressOf = (number: number): string => `10.20.0.${number + 1}`

/** Pings between all VMs and one TCP stream across the clusters. Returns whether everything arrived. */
export const showTraffic = async (vms: Vm[], say: (line: string) => void): Promise<boolean> => {
  const [alice, , carol] = vms as [Vm, Vm, Vm]
  // A port opens a moment after its pod runs, when the cluster has said whose MAC address it is.
  await waitUntil(async () => (await carol.ping(addressOf(0))) > 0, { what: 'carol reaches alice', timeoutMs: 60_000 })
  let lost = 0
  for (const [index, vm] of vms.entries()) {
    const others = vms.flatMap((_, other) => (other === index ? [] : [other]))
    const answers = await Promise.all(others.map((other) => vm.ping(addressOf(other), 5)))
    lost += answers.reduce((sum, count) => sum + 5 - count, 0)
    say(
      `${nameOf(vm)} pings ${others.map((other, position) => `${nameOf(vms[other]!)} ${answers[position]}/5`).join(', ')}`,
    )
  }
  const server = new AbortController()
  alice.spawn(['iperf3', '-s'], server.signal)
  const rate = await waitUntil(() => carol.iperf3(addressOf(0), ['-t', '2']).catch(() => undefined), {
    what: 'iperf3 from carol to alice',
    timeoutMs: 30_000,
  })
  server.abort()
  say(
    `TCP from carol (west) to alice (east): ${(rate / 1e6).toFixed(0)} Mbit/s over a link of 1 Gbit/s between the sites`,
  )
  return lost === 0
}
