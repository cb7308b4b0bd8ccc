// Attaches programs as the agent does. In a process of its own, since interfaces have numbers in their namespace only.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { attachTcx, hasTcx, openProgram } from '#daemonset/native/index.ts'

/** A program by its pin, a hook of an interface, and where the link is to be pinned. */
export type Attachment = { pin: string; device: string; ifindex: number; direction: 'ingress' | 'egress'; link: string }

const byTc = ({ pin, device, direction }: Attachment): void => {
  execFileSync('tc', ['qdisc', 'replace', 'dev', device, 'clsact'])
  const place = ['dev', device, direction, 'prio', '1', 'handle', '1', 'protocol', 'all']
  execFileSync('tc', ['filter', 'replace', ...place, 'bpf', 'da', 'pinned', pin])
}

const byTcx = ({ pin, ifindex, direction, link }: Attachment): void => {
  mkdirSync(dirname(link), { recursive: true })
  const program = openProgram(pin)
  attachTcx(program, { ifindex, direction, pin: link })
  program.close()
}

const [list] = process.argv.slice(2) as [string]
for (const attachment of JSON.parse(list) as Attachment[])
  if (hasTcx()) byTcx(attachment)
  else byTc(attachment)
