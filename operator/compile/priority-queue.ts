export type QueueItem = { cost: number; hops: number; bridge: string }

export type PriorityQueue = { push(item: QueueItem): void; pop(): QueueItem | undefined }

const isBefore = (left: QueueItem, right: QueueItem): boolean =>
  left.cost < right.cost || (left.cost === right.cost && left.hops < right.hops)

/** A binary heap: the item of least cost, then fewest hops, comes out first. */
export const createQueue = (): PriorityQueue => {
  const heap: QueueItem[] = []
  const at = (index: number): QueueItem => heap[index] as QueueItem

  const swap = (left: number, right: number): void => {
    const item = at(left)
    heap[left] = at(right)
    heap[right] = item
  }

  const sinkFrom = (start: number): void => {
    for (let parent = start; ; ) {
      let least = parent
      for (const child of [2 * parent + 1, 2 * parent + 2])
        if (child < heap.length && isBefore(at(child), at(least))) least = child
      if (least === parent) return
      swap(parent, least)
      parent = least
    }
  }

  return {
    push(item) {
      heap.push(item)
      for (let child = heap.length - 1; child > 0; ) {
        const parent = (child - 1) >> 1
        if (!isBefore(at(child), at(parent))) return
        swap(child, parent)
        child = parent
      }
    },
    pop() {
      const first = heap[0]
      const last = heap.pop()
      if (first && last && heap.length > 0) {
        heap[0] = last
        sinkFrom(0)
      }
      return first
    },
  }
}
