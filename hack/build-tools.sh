#!/usr/bin/env bash
# Builds the Go programs of the laboratory into a cache folder, each only when its own inputs changed.
#
#   hack/build-tools.sh [TOOL…]     TOOL: controlplane helm cni multus networks-crd (default: all)
#   hack/build-tools.sh --print     print the folder and build nothing
#
# Folder: $VNET_CACHE, else ${XDG_CACHE_HOME:-$HOME/.cache}/vnet. It holds bin/{controlplane,kubectl,helm,multus,cni/bridge}
# and share/networks-crd.yaml. It lies outside the checkout because the binaries outlive any checkout and take minutes to
# build. $GOFLAGS is respected: GOFLAGS=-p=1 leaves the machine some room.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${VNET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vnet}
[[ $cache = /* ]] || cache=$PWD/$cache
all=(controlplane helm cni multus networks-crd)
heartbeat_s=30
# No C compiler needed, and the results run in any root file system.
export CGO_ENABLED=0

say() { printf '%-13s %s\n' "$1" "$2"; }
fail() { printf 'build-tools: %s\n' "$*" >&2; exit 1; }

# required FOLDER MODULE: the version that the folder's go.mod requires.
required() { awk -v module="$2" '$1 == module && $2 ~ /^v/ { print $2; exit }' "$here/$1/go.mod"; }

# build FOLDER PACKAGE OUTPUT [-X linker settings…]: replaces the output at once, so that a running program is not disturbed.
build() {
  local folder=$1 package=$2 output=$cache/bin/$3 settings="-s -w"
  shift 3
  for setting in "$@"; do settings+=" -X $setting"; done
  mkdir -p "$(dirname "$output")"
  go -C "$here/$folder" build -buildvcs=false -ldflags "$settings" -o "$output.new" "$package"
  mv "$output.new" "$output"
}

# Kubernetes' own build sets its version by linker flags; kubectl, Helm and client libraries read it from the server.
build_controlplane() {
  local version major minor package settings=()
  version=$(required controlplane k8s.io/kubernetes)
  IFS=. read -r major minor _ <<<"${version#v}"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    settings+=("$package.gitVersion=$version" "$package.gitMajor=$major" "$package.gitMinor=$minor" "$package.gitTreeState=clean")
  done
  build controlplane . controlplane "${settings[@]}"
  ln -sfn controlplane "$cache/bin/kubectl"
}

# Without these settings `helm template` and `helm lint` believe in Kubernetes 1.20 and refuse charts that need a newer one.
build_helm() {
  local minor package settings
  minor=$(required tools/helm k8s.io/client-go | cut -d. -f2)
  settings=("helm.sh/helm/v3/internal/version.version=$(required tools/helm helm.sh/helm/v3)")
  for package in helm.sh/helm/v3/pkg/lint/rules helm.sh/helm/v3/pkg/chartutil; do
    settings+=("$package.k8sVersionMajor=1" "$package.k8sVersionMinor=$minor")
  done
  build tools/helm helm.sh/helm/v3/cmd/helm helm "${settings[@]}"
}

build_cni() { build tools/cni github.com/containernetworking/plugins/plugins/main/bridge cni/bridge; }

build_multus() {
  local module=gopkg.in/k8snetworkplumbingwg/multus-cni.v4
  build tools/multus "$module/cmd/multus" multus "$module/pkg/multus.version=$(required tools/multus "$module")"
}

# The definition of NetworkAttachmentDefinition is taken out of the module that Multus itself is built with.
build_networks_crd() {
  local module=github.com/k8snetworkplumbingwg/network-attachment-definition-client source
  go -C "$here/tools/multus" mod download "$module"
  source=$(go -C "$here/tools/multus" list -m -f '{{.Dir}}' "$module")/artifacts/networks-crd.yaml
  mkdir -p "$cache/share"
  install -m 0644 "$source" "$cache/share/networks-crd.yaml"
}

folder_of() { case $1 in controlplane) echo controlplane ;; networks-crd) echo tools/multus ;; *) echo "tools/$1" ;; esac }
output_of() {
  case $1 in cni) echo bin/cni/bridge ;; networks-crd) echo share/networks-crd.yaml ;; *) echo "bin/$1" ;; esac
}

# inputs TOOL: a hash of what decides the result: the Go files, go.mod, go.sum and this script.
inputs() {
  (cd "$here/$(folder_of "$1")" && sha256sum -- $(ls | grep -E '\.(go|mod|sum)$') "$here/build-tools.sh" | cut -d' ' -f1 | sha256sum)
}

# run_with_heartbeat TOOL: builds in the background and says every half minute that it still does.
run_with_heartbeat() {
  local tool=$1 log=$cache/log/$1 started=$SECONDS said=$SECONDS
  # Descriptor 9 is the lock: a compiler left behind by a kill must not keep it.
  ("build_${tool//-/_}") >"$log" 2>&1 9>&- &
  running=$!
  while kill -0 "$running" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - said >= heartbeat_s)); then
      said=$SECONDS
      say "$tool" "building, $((SECONDS - started)) s so far"
    fi
  done
  if ! wait "$running"; then
    cat "$log" >&2
    fail "$tool did not build (output above)"
  fi
  running=
  say "$tool" "built in $((SECONDS - started)) s, $(du -Lm "$cache/$(output_of "$tool")" | cut -f1) MB"
}

# ensure TOOL: the stamp is written after the result, so an interrupted build is repeated.
ensure() {
  local tool=$1 stamp=$cache/stamp/$1 hash
  hash=$(inputs "$tool")
  if [[ -e $cache/$(output_of "$tool") && $(cat "$stamp" 2>/dev/null) = "$hash" ]]; then
    say "$tool" "up to date"
    return
  fi
  command -v go >/dev/null || fail "Go is needed to build $tool: install version $(awk '$1 == "go" { print $2 }' "$here/$(folder_of "$tool")/go.mod") or later"
  say "$tool" "building$([[ $tool = controlplane ]] && echo ' (the first time takes about ten minutes on two cores)')"
  run_with_heartbeat "$tool"
  echo "$hash" >"$stamp"
}

# One build at a time: a second caller waits, then finds everything up to date.
lock() {
  mkdir -p "$cache"/{bin,share,stamp,log}
  exec 9>"$cache/lock"
  local started=$SECONDS
  until flock -w "$heartbeat_s" 9; do
    say waiting "another build-tools.sh works in $cache, $((SECONDS - started)) s so far"
  done
}

# Ends the compiler too when the script is interrupted: killing only the subshell would leave `go build` running.
running=
interrupted() {
  if [[ -n $running ]]; then
    pkill -TERM -P "$running" || true
    kill "$running" 2>/dev/null || true
  fi
  exit 130
}
trap interrupted INT TERM

if [[ ${1:-} = --print ]]; then echo "$cache"; exit; fi
tools=("$@")
((${#tools[@]})) || tools=("${all[@]}")
for tool in "${tools[@]}"; do
  [[ " ${all[*]} " = *" $tool "* ]] || fail "unknown tool $tool; there are: ${all[*]}"
done
lock
for tool in "${tools[@]}"; do ensure "$tool"; done
