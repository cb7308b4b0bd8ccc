#!/usr/bin/env bash
# Puts the commands that our images have on their PATH into build/bin, as wrappers around this checkout.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
bin=$checkout/build/bin
mkdir -p "$bin"
link() {
  local text
  text=$(printf '#!/bin/sh\nexec "%s/node_modules/.bin/node" "%s/%s" "$@"\n' "$checkout" "$checkout" "$2")
  [ "$(cat "$bin/$1" 2>/dev/null)" = "$text" ] && return
  # Written aside and renamed: another run may be executing the old one.
  printf '%s\n' "$text" >"$bin/$1.$$"
  chmod +x "$bin/$1.$$"
  mv "$bin/$1.$$" "$bin/$1"
}
link vnet-operator operator/main.ts
link vnet-agent daemonset/main.ts
link vnet-uninstall operator/uninstall/main.ts
link kubectl-vnet operator/cli/main.ts
