#!/usr/bin/env bash
# Starts a control plane in a temporary directory and checks what the laboratory relies on. Needs the built tools
# (hack/build-tools.sh controlplane networks-crd), no privileges and one free port; takes about a minute and a half.
#
#   hack/controlplane/smoke.sh [CACHE]     CACHE: folder of the built tools (default: as hack/build-tools.sh)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${1:-$("$here/../build-tools.sh" --print)}
controlplane=$cache/bin/controlplane
[[ -x $controlplane ]] || { echo "smoke: $controlplane is missing: run hack/build-tools.sh" >&2; exit 1; }

temporary=$(mktemp -d)
# Longer than a unix socket's path may be.
dir=$temporary/$(printf 'long%.0s' {1..30})/smoke
grace_s=8
declare -A process=()

pass() { printf 'PASS  %s\n' "$*"; }
fail() {
  printf 'FAIL  %s\n' "$*" >&2
  tail -n 15 "$temporary"/*.log >&2 || true
  exit 1
}
clean_up() {
  local pid
  for pid in "${process[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$temporary"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

kubectl() { "$cache/bin/kubectl" --kubeconfig "$dir/kubeconfig" "$@"; }

# eventually SECONDS WHAT COMMAND…: passes when the command succeeds in time.
eventually() {
  local limit_s=$1 what=$2 began=$SECONDS
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS - began < limit_s)) || fail "$what: not within $limit_s s"
    sleep 0.2
  done
  pass "$what"
}

# equals EXPECTED COMMAND…: whether the command prints just that.
equals() { [[ $("${@:2}") = "$1" ]]; }
contains() { [[ $("${@:2}") = *"$1"* ]]; }

start() {
  local role=$1
  shift
  "$controlplane" "$role" --dir "$dir" "$@" 2>>"$temporary/$role.log" &
  process[$role]=$!
}

# stop ROLE: SIGTERM ends it with exit code 0 in a few seconds.
stop() {
  local role=$1 began=$EPOCHREALTIME code=0
  kill -TERM "${process[$role]}"
  wait "${process[$role]}" || code=$?
  unset "process[$role]"
  local took_ms=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
  ((code == 0)) || fail "$role ended with code $code on SIGTERM"
  ((took_ms < 8000)) || fail "$role took $took_ms ms to stop"
  pass "$role stops on SIGTERM after $took_ms ms"
}

free_port() {
  local port
  for port in $(shuf -n 50 -i 20000-32000); do
    if ! (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then echo "$port"; return; fi
  done
  fail "no free port found"
}

start_all_and_wait_ready() {
  port=$(free_port)
  local began=$EPOCHREALTIME
  # All at once: the others wait for the API server.
  start apiserver --port "$port"
  start controller-manager --node-grace "${grace_s}s"
  start scheduler
  eventually 120 "/readyz answers ok" equals ok kubectl get --raw /readyz
  pass "$(((${EPOCHREALTIME/./} - ${began/./}) / 1000)) ms from start to ready"
}

check_version() {
  local wanted
  wanted=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/go.mod")
  contains "Server Version: $wanted" kubectl version || fail "kubectl version: $(kubectl version)"
  contains "Client Version: $wanted" kubectl version || fail "kubectl version: $(kubectl version)"
  pass "client and server are $wanted"
  if "$controlplane" apiserver --dir "$dir" --port "$port" 2>"$temporary/second.log"; then
    fail "a second API server started on the same directory"
  fi
  grep -q "another API server is running" "$temporary/second.log" || fail "second API server: $(cat "$temporary/second.log")"
  pass "a second API server on the same directory is refused"
}

heartbeat() {
  local now
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  kubectl patch node n1 --subresource=status --type=merge -p "{\"status\":{
    \"capacity\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"110\"},\"allocatable\":{\"cpu\":\"4\",\"memory\":\"8Gi\",\"pods\":\"110\"},
    \"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"Smoke\",\"lastHeartbeatTime\":\"$now\",\"lastTransitionTime\":\"$now\"}]}}"
}

create_node() {
  kubectl create -o 'jsonpath={.spec.taints}' -f - <<'YAML'
apiVersion: v1
kind: Node
metadata: { name: n1, labels: { kubernetes.io/hostname: n1 } }
YAML
}

create_workloads() {
  contains node.kubernetes.io/not-ready create_node || fail "a new node has no not-ready taint"
  kubectl create namespace smoke >/dev/null
  eventually 20 "the node becomes schedulable with its first heartbeat" heartbeat_and_no_taint
  eventually 20 "each namespace has a ServiceAccount" kubectl -n smoke get serviceaccount default
  eventually 20 "each namespace has kube-root-ca.crt" contains "BEGIN CERTIFICATE" kubectl -n smoke get configmap kube-root-ca.crt -o yaml
  kubectl apply -f - <<'YAML' >/dev/null
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: smoke }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: c, image: none }] }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent, namespace: smoke }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      hostNetwork: true
      containers: [{ name: c, image: none, securityContext: { privileged: true } }]
YAML
  eventually 30 "Deployment's pods are created and scheduled" equals "n1 n1" pod_nodes web
  eventually 30 "DaemonSet's pod is created and scheduled" equals "n1" pod_nodes agent
}
heartbeat_and_no_taint() {
  heartbeat && ! contains node.kubernetes.io/not-ready kubectl get node n1 -o 'jsonpath={.spec.taints}'
}
pod_nodes() { kubectl -n smoke get pods -l "app=$1" -o 'jsonpath={.items[*].spec.nodeName}'; }

check_token() {
  local pod uid token payload
  pod=$(kubectl -n smoke get pods -l app=agent -o 'jsonpath={.items[0].metadata.name}')
  uid=$(kubectl -n smoke get pod "$pod" -o 'jsonpath={.metadata.uid}')
  token=$(kubectl -n smoke create token default --bound-object-kind Pod --bound-object-name "$pod" --bound-object-uid "$uid")
  payload=$(cut -d. -f2 <<<"$token" | tr '_-' '/+')
  payload=$(base64 -d <<<"$payload$(printf '=%.0s' $(seq 1 $(((4 - ${#payload} % 4) % 4))))" 2>/dev/null || base64 -di <<<"$payload" 2>/dev/null)
  [[ $payload = *'"node":{"name":"n1"'* ]] || fail "token has no node claim: $payload"
  pass "a token bound to a pod carries the claim of its node"
  contains "system:serviceaccount:smoke:default" "$cache/bin/kubectl" --kubeconfig /dev/null --server "https://127.0.0.1:$port" \
    --certificate-authority "$dir/ca.crt" --token "$token" auth whoami || fail "the token is not accepted"
  pass "the API server accepts that token"
}

check_admission() {
  kubectl apply -f "$cache/share/networks-crd.yaml" >/dev/null
  kubectl wait --for=condition=Established --timeout=20s crd/network-attachment-definitions.k8s.cni.cncf.io >/dev/null
  kubectl -n smoke apply -f - <<'YAML' >/dev/null
apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: { name: net }
spec: { config: '{"cniVersion": "1.0.0", "name": "net", "type": "bridge"}' }
YAML
  pass "NetworkAttachmentDefinition is served"
  kubectl apply -f - <<'YAML' >/dev/null
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: smoke }
spec:
  matchConstraints:
    resourceRules: [{ apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps] }]
  validations: [{ expression: "!object.metadata.name.startsWith('refused')", message: smoke says no }]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: smoke }
spec: { policyName: smoke, validationActions: [Deny] }
YAML
  eventually 30 "ValidatingAdmissionPolicy refuses" contains "smoke says no" refused_config_map
}
refused_config_map() { kubectl -n smoke create configmap refused --dry-run=server 2>&1 || true; }

check_kill_and_restart() {
  kill -9 "${process[apiserver]}"
  wait "${process[apiserver]}" 2>/dev/null || true
  start apiserver --port "$port"
  eventually 60 "API server is ready again after kill -9" equals ok kubectl get --raw /readyz
  equals "n1 n1" pod_nodes web || fail "data is lost"
  pass "data and credentials are those from before"
  kubectl -n smoke scale deployment web --replicas=3 >/dev/null
  heartbeat >/dev/null
  eventually 60 "controllers and scheduler go on" equals "n1 n1 n1" kept_schedulable_pod_nodes
}
# The node needs heartbeats while the controllers find their way back to the API server.
kept_schedulable_pod_nodes() { heartbeat >/dev/null; pod_nodes web; }

check_node_lifecycle() {
  eventually 60 "a node that falls silent is tainted unreachable" contains node.kubernetes.io/unreachable \
    kubectl get node n1 -o 'jsonpath={.spec.taints}'
}

check_stop() {
  # An open watch must not delay the stop.
  kubectl get pods -A --watch >"$temporary/watch" 2>&1 &
  process[watch]=$!
  eventually 10 "a watch is open" grep -q agent "$temporary/watch"
  stop scheduler
  stop controller-manager
  stop apiserver
}

mkdir -p "$dir"
start_all_and_wait_ready
check_version
create_workloads
check_token
check_admission
check_kill_and_restart
check_node_lifecycle
check_stop
pass "all"
