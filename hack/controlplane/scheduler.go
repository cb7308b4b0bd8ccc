package main

import (
	"context"

	"github.com/spf13/pflag"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
)

func newScheduler(args []string) (func(context.Context) error, error) {
	o, err := parseOptions("scheduler", args, func(*pflag.FlagSet) {})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := waitForAPIServer(ctx, o); err != nil {
			return err
		}
		return o.execute(app.NewSchedulerCommand(), []string{
			"--kubeconfig=" + o.file("kubeconfig"),
			"--leader-elect=false",
			"--secure-port=0",
		})
	}, nil
}
