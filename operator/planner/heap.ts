/** Binary heap of small integer ids by a numeric key; ids may be pushed again with a lower key, stale ones are skipped by the caller. */
export class MinHeap {
  private keys: Float64Array
  private ids: Int32Array
  size = 0

  constructor(capacity: number) {
    this.keys = new Float64Array(capacity)
    this.ids = new Int32Array(capacity)
  }

  clear(): void {
    this.size = 0
  }

  push(key: number, id: number): void {
    if (this.size === this.keys.length) this.grow()
    let hole = this.size++
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (this.precedes(this.keys[parent]!, this.ids[parent]!, key, id)) break
      this.keys[hole] = this.keys[parent]!
      this.ids[hole] = this.ids[parent]!
      hole = parent
    }
    this.keys[hole] = key
    this.ids[hole] = id
  }

  topKey(): number {
    return this.keys[0]!
  }

  /** Removes and returns the id with the lowest key (the lowest id among equals); the heap must not be empty. */
  pop(): number {
    const top = this.ids[0]!
    const key = this.keys[--this.size]!
    const id = this.ids[this.size]!
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= this.size) break
      const right = child + 1
      if (right < this.size && this.precedes(this.keys[right]!, this.ids[right]!, this.keys[child]!, this.ids[child]!))
        child = right
      if (this.precedes(key, id, this.keys[child]!, this.ids[child]!)) break
      this.keys[hole] = this.keys[child]!
      this.ids[hole] = this.ids[child]!
      hole = child
    }
    this.keys[hole] = key
    this.ids[hole] = id
    return top
  }

  private precedes(keyA: number, idA: number, keyB: number, idB: number): boolean {
    return keyA < keyB || (keyA === keyB && idA <= idB)
  }

  private grow(): void {
    const keys = new Float64Array(2 * this.keys.length + 16)
    keys.set(this.keys)
    const ids = new Int32Array(2 * this.ids.length + 16)
    ids.set(this.ids)
    this.keys = keys
    this.ids = ids
  }
}
