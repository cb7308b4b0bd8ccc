/** Whether this machine keeps the low byte first. eBPF map keys and values are in the machine's own order. */
export const hostIsLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
