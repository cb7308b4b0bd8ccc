/** Remembers answers about pairs of objects that are never changed: networks over the same bridges ask the same questions again and again. */
export const rememberPairs = <Left extends object, Right extends object>(
  ask: (left: Left, right: Right) => boolean,
): ((left: Left, right: Right) => boolean) => {
  const answers = new WeakMap<Left, WeakMap<Right, boolean>>()
  return (left, right) => {
    let known = answers.get(left)
    if (!known) {
      known = new WeakMap()
      answers.set(left, known)
    }
    const answer = known.get(right) ?? ask(left, right)
    known.set(right, answer)
    return answer
  }
}
