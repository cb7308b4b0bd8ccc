package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/names"
)

// controllers are those that something in the laboratory relies on; a further one is `-- --controllers=NAME`.
var controllers = []string{
	names.NamespaceController,
	names.GarbageCollectorController,
	names.PodGarbageCollectorController,
	names.TTLAfterFinishedController,

	// Pods cannot run without their ServiceAccount and the authority in ConfigMap kube-root-ca.crt.
	names.ServiceAccountController,
	names.RootCACertificatePublisherController,
	names.ClusterRoleAggregationController,
	// Type-checks a ValidatingAdmissionPolicy and reports it in its status.
	names.ValidatingAdmissionPolicyStatusController,

	names.DeploymentController,
	names.ReplicaSetController,
	names.DaemonSetController,
	names.JobController,
	names.DisruptionController,
	names.EndpointSliceController,

	// Lifts the taint of a new node, taints a silent one, evicts from it.
	names.NodeLifecycleController,
	names.TaintEvictionController,
}

func newControllerManager(args []string) (func(context.Context) error, error) {
	var grace time.Duration
	o, err := parseOptions("controller-manager", args, func(flags *pflag.FlagSet) {
		flags.DurationVar(&grace, "node-grace", 20*time.Second, "after this long without a heartbeat a node is not ready")
	})
	if err != nil {
		return nil, err
	}
	if grace < 2*time.Second {
		return nil, fmt.Errorf("--node-grace %v is too short: 2s at least", grace)
	}
	// A node is found silent up to one period late; Kubernetes' default of 5 s would be much of a short grace.
	period := min(5*time.Second, grace/4)

	return func(ctx context.Context) error {
		if err := waitForAPIServer(ctx, o); err != nil {
			return err
		}
		// Without leader election kube-controller-manager ends by the signal itself, which runUntilSignal has taken.
		context.AfterFunc(ctx, func() { os.Exit(0) })
		return o.execute(app.NewControllerManagerCommand(), []string{
			"--kubeconfig=" + o.file("kubeconfig"),
			"--leader-elect=false",
			"--secure-port=0",
			"--controllers=" + strings.Join(controllers, ","),
			"--service-account-private-key-file=" + o.file("sa.key"),
			"--root-ca-file=" + o.file("ca.crt"),
			"--node-monitor-grace-period=" + grace.String(),
			"--node-startup-grace-period=" + grace.String(),
			"--node-monitor-period=" + period.String(),
		})
	}, nil
}
