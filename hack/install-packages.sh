#!/usr/bin/env bash
# Installs Debian packages, and does nothing when they are there: install-packages.sh [build | bench-peers | guest-kernel]
set -euo pipefail
case ${1:-build} in
build) # what the product's build, tests and demo use
  packages=(
    bpftool clang gcc libbpf-dev libc6-dev make        # eBPF programs and the addon
    ethtool iproute2 nftables procps      # what the agent and the tests look at
    curl iperf3 iputils-ping socat tcpdump util-linux  # the laboratory
  ) ;;
bench-peers) # other overlays, which the data-plane benchmark compares with
  packages=(fastd n2n openssl openvpn openvswitch-switch tinc) ;;
guest-kernel) # a guest that checks the eBPF programs on Debian's own kernel
  packages=(cpio qemu-system-x86) ;;
*)
  echo "install-packages.sh: unknown group '$1'" >&2
  exit 2 ;;
esac
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null; then
  echo "these programs are needed, and this is no Debian system: ${missing[*]}" >&2
  exit 1
fi
echo "apt-get install ${missing[*]}"
apt-get update -qq
# Packages that ask for the run level start no service then: we start programs ourselves, in namespaces.
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
