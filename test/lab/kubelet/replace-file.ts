import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A reader sees the old content or the new, never a part. */
export const replaceFile = async (path: string, content: Buffer | string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, content, { mode: 0o644 })
  await rename(`${path}.new`, path)
}
