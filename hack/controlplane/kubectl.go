package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"

	// Kubeconfigs that users bring may authenticate by a plugin.
	_ "k8s.io/client-go/plugin/pkg/client/auth"
)

// runKubectl is Kubernetes' own cmd/kubectl. It reads os.Args itself, to find plugins, so they must be as for kubectl.
func runKubectl(args []string) {
	os.Args = args
	if _, err := logs.GlogSetter(cmd.GetLogVerbosity(args)); err != nil {
		fail(2, err)
	}
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
