// Attaches programs as the agent does on a kernel with tcx. In a process of its own, since interfaces have numbers in their namespace only.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { attachTcx, openProgram } from '#daemonset/native/index.ts'

/** A program by its pin, a hook of an interface, and where the link is to be pinned. */
export type Attachment = { pin: string; ifindex: number; direction: 'ingress' | 'egress'; link: string }

const [list] = process.argv.slice(2) as [string]
for (const { pin, ifindex, direction, link } of JSON.parse(list) as Attachment[]) {
  mkdirSync(dirname(link), { recursive: true })
  const program = openProgram(pin)
  attachTcx(program, { ifindex, direction, pin: link })
  program.close()
}
