# The front door. `make help` lists the targets; each does its own set-up.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

# Go tools take long to build: here, outside the checkout, all checkouts of this user share them. What is made of our own sources is in build/.
export VNET_CACHE ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/vnet
export PATH := $(CURDIR)/build/bin:$(VNET_CACHE)/bin:$(PATH)
NODE := node_modules/.bin/node
ARGS ?=
UNIT = $(shell find crds runtime operator daemonset charts hack -name '*.test.ts')
FILES ?=

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 18

.PHONY: demo
demo: setup tools ## Two clusters, one Ethernet: run it, then play with it (ARGS=--once ends by itself)
	@$(NODE) test/demo/main.ts $(ARGS)

.PHONY: test
test: setup tools ## Unit, integration and e2e tests (FILES="a.test.ts b.test.ts" runs some of them)
	@$(NODE) hack/run-tests.ts $(if $(FILES),$(FILES),$(sort $(UNIT) $(shell find test -name '*.test.ts')))

.PHONY: coverage
coverage: setup tools ## Lines and branches that the unit tests reach; details in coverage/ (FILES=… as for test)
	@node_modules/.bin/c8 --reporter=text-summary --reporter=html --exclude='**/*.test.ts' --exclude='node_modules/**' \
		$(NODE) hack/run-tests.ts $(if $(FILES),$(FILES),$(sort $(UNIT)))

.PHONY: check
check: packages node_modules ## Format, lint, types, purity, generated files, sizes, unused code, chart
	@node_modules/.bin/biome check --error-on-warnings .
	@node_modules/.bin/tsc -p .
	@node_modules/.bin/tsc -p tsconfig.pure.json
	@$(NODE) hack/check-tree.ts
	@node_modules/.bin/knip --no-progress

.PHONY: verify-kernel
verify-kernel: packages node_modules bpf ## Does Debian's own kernel (6.1) accept the eBPF programs? In an emulated guest; half a minute
	@hack/install-packages.sh guest-kernel
	@$(NODE) hack/verify-kernel.ts $(sort $(wildcard build/bpf/*.bpf.o))

.PHONY: generate
generate: node_modules ## Write CRDs and reference documentation from the schemas
	@$(NODE) hack/generate.ts

.PHONY: bench
bench: bench-dataplane bench-planner ## All benchmarks

.PHONY: bench-dataplane
bench-dataplane: setup ## Frames through the overlay, against the kernel's own VXLAN and bridge (ARGS=--peers: and other overlays)
	@$(if $(findstring --peers,$(ARGS)),hack/install-packages.sh bench-peers,true)
	@$(NODE) test/bench/dataplane/main.ts $(ARGS)

.PHONY: bench-planner
bench-planner: node_modules ## Quality against the exact optimum, and speed (ARGS="--zoo DIR --intercloud FILE")
	@$(NODE) test/bench/planner/main.ts $(ARGS)

.PHONY: clean
clean: ## Remove what was built (VNET_CACHE) and installed (node_modules)
	rm -rf node_modules build coverage "$(VNET_CACHE)"

.PHONY: setup
setup: packages node_modules native bpf commands

.PHONY: packages
packages:
	@hack/install-packages.sh

node_modules: package.json package-lock.json
	@echo "npm ci"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch node_modules

.PHONY: native
native: node_modules ## Build the Node-API addon
	@$(MAKE) -C daemonset/native

.PHONY: bpf
bpf: packages ## Build the eBPF programs
	@$(MAKE) -C daemonset/bpf

.PHONY: tools
tools: packages ## Build Kubernetes, Helm, Multus and the CNI plugins for the laboratory
	@hack/build-tools.sh

.PHONY: commands
commands: node_modules
	@hack/link-commands.sh
