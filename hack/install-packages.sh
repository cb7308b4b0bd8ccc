#!/usr/bin/env bash
# Installs the Debian packages that the product's build, tests and demo use; does nothing when they are there.
set -euo pipefail
packages=(
  bpftool clang gcc libbpf-dev libc6-dev make        # eBPF programs and the addon
  ethtool iproute2 nftables procps      # what the agent and the tests look at
  curl iperf3 iputils-ping socat tcpdump util-linux  # the laboratory
)
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
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
