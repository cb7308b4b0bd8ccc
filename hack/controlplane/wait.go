package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const startDeadline = 3 * time.Minute

// waitForAPIServer lets the roles start at once and in any order: by itself kube-controller-manager gives up after ten
// seconds, and a busy machine takes longer.
func waitForAPIServer(ctx context.Context, o *options) error {
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for {
		err := probeAPIServer(ctx, o)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("API server of %s is not ready: %w", o.dir, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// probeAPIServer reads the kubeconfig each time: the one of an earlier start may name another port.
func probeAPIServer(ctx context.Context, o *options) error {
	config, err := clientcmd.BuildConfigFromFlags("", o.file("kubeconfig"))
	if err != nil {
		return err
	}
	config.Timeout = 5 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}
