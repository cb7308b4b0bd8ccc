#!/bin/bash
# A virtual machine of the laboratory: raises the interfaces that its secondary networks gave it, as a guest's start would,
# gives them the addresses of VM_ADDRESSES (net1), VM_ADDRESSES_2 (net2) …, and stays.
set -euo pipefail
trap 'exit 0' TERM
for path in /sys/class/net/net*; do
  [[ -e $path ]] || continue
  device=${path##*/}
  number=${device#net}
  variable=VM_ADDRESSES$([[ $number = 1 ]] || echo "_$number")
  sysctl -qw "net.ipv6.conf.$device.accept_dad=0"
  ip link set dev "$device" up
  for address in ${!variable:-}; do
    ip address add "$address" dev "$device" $([[ $address = *:* ]] && echo nodad)
  done
done
echo "up: $(ip -brief address show | tr -s ' ' | tr '\n' ';')"
# In the background, so that the trap runs at once.
sleep infinity &
wait
