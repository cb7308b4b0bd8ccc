import { constants } from 'node:os'

/** An Error of the same shape as the addon's own: `code` (`EINVAL`), `errno` (negative) and `syscall: 'bpf'`. */
export const bpfError = (code: keyof typeof constants.errno, message: string): Error =>
  Object.assign(new Error(`${message}: ${code}`), { code, errno: -constants.errno[code], syscall: 'bpf' })
