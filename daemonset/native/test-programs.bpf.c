/* Small programs for the tests of this folder. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} events SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} runs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} jumps SEC(".maps");

/* Puts the frame's bytes 14… into the ring: byte 12 is the length of the record less one (0…63), byte 13
 * says whether to discard it. */
SEC("tc")
int emit(struct __sk_buff *skb) {
  __u8 header[14], payload[64] = {};
  if (bpf_skb_load_bytes(skb, 0, header, sizeof header)) return TC_ACT_SHOT;
  __u32 length = (header[12] & 63) + 1; /* a form whose bounds the verifier can follow */
  if (bpf_skb_load_bytes(skb, sizeof header, payload, length)) return TC_ACT_SHOT;
  if (header[13]) {
    void *record = bpf_ringbuf_reserve(&events, sizeof payload, 0);
    if (!record) return TC_ACT_SHOT;
    bpf_ringbuf_discard(record, 0);
    return TC_ACT_OK;
  }
  return bpf_ringbuf_output(&events, payload, length, 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Counts its runs, marks the frame, lengthens it by eight bytes, and returns its old length. */
SEC("tc")
int lengthen(struct __sk_buff *skb) {
  __u32 zero = 0, length = skb->len;
  __u64 *count = bpf_map_lookup_elem(&runs, &zero);
  if (count) *count += 1;
  skb->mark += 1;
  if (bpf_skb_change_tail(skb, length + 8, 0)) return TC_ACT_SHOT;
  return length;
}

SEC("tc")
int unspecified(struct __sk_buff *skb) { return TC_ACT_UNSPEC; }

/* Goes on in what is in `jumps`, if anything is. */
SEC("tc")
int jump(struct __sk_buff *skb) {
  bpf_tail_call(skb, &jumps, 0);
  return 77;
}

SEC("xdp")
int pass(struct xdp_md *ctx) { return XDP_PASS; }

char _license[] SEC("license") = "GPL";
