// Controlplane is a Kubernetes control plane for the laboratory: the real API server (with etcd embedded), controller
// manager, scheduler and kubectl, linked into one binary and started as one process per role. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
)

// exitDeadline bounds a graceful stop. Ending later without grace loses nothing: etcd has written what it acknowledged.
const exitDeadline = 5 * time.Second

// A role is one long-running part of the control plane. It returns when ctx ends or when it failed.
type role struct {
	summary string
	start   func(args []string) (run func(context.Context) error, err error)
}

var roles = map[string]role{
	"apiserver":          {"etcd and kube-apiserver; creates what is missing in --dir", newAPIServer},
	"controller-manager": {"the controllers that the laboratory needs", newControllerManager},
	"scheduler":          {"kube-scheduler", newScheduler},
}

func main() {
	// A symlink named kubectl is kubectl, so that users and Helm-like tools find it on PATH under its own name.
	if filepath.Base(os.Args[0]) == "kubectl" {
		runKubectl(os.Args)
		return
	}
	if len(os.Args) < 2 {
		fail(2, errors.New(usage()))
	}
	if os.Args[1] == "kubectl" {
		runKubectl(os.Args[1:])
		return
	}
	chosen, ok := roles[os.Args[1]]
	if !ok {
		fail(2, fmt.Errorf("unknown role %q\n%s", os.Args[1], usage()))
	}
	run, err := chosen.start(os.Args[2:])
	if errors.Is(err, pflag.ErrHelp) {
		return
	}
	if err != nil {
		fail(2, err)
	}
	runUntilSignal(run)
}

// runUntilSignal exits 0 when the role was asked to stop, whatever it returned: kube-scheduler, for one, reports an
// ordered stop as an error.
func runUntilSignal(run func(context.Context) error) {
	// Kubernetes' own commands install their handler too; the runtime delivers a signal to both.
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	context.AfterFunc(ctx, func() {
		time.Sleep(exitDeadline)
		os.Exit(0)
	})
	// kube-apiserver ends fatally when it is stopped while it still starts.
	klog.OsExit = func(code int) {
		if ctx.Err() != nil {
			code = 0
		}
		os.Exit(code)
	}
	err := run(ctx)
	if ctx.Err() == nil {
		if err == nil {
			err = errors.New("the role ended without being asked to")
		}
		fail(1, err)
	}
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "controlplane:", err)
	os.Exit(code)
}

func usage() string {
	var lines []string
	for name, r := range roles {
		lines = append(lines, fmt.Sprintf("  %-20s%s", name, r.summary))
	}
	sort.Strings(lines)
	return "usage: controlplane ROLE --dir DIR [flags] [-- flags of the Kubernetes component]\n" +
		strings.Join(lines, "\n") + "\n  kubectl             kubectl, with its own arguments"
}
