package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/component-base/cli"
)

// options are what every role takes. Relative paths and pass-through flags keep their meaning: no role changes directory.
type options struct {
	dir         string   // holds the data and credentials of one cluster
	verbosity   int      // 0: warnings and errors only; above: as klog's -v
	passThrough []string // for the Kubernetes component itself; given last, so they win
}

func (o *options) file(name string) string { return filepath.Join(o.dir, name) }

// parseOptions reads the common flags and those that the role registers.
func parseOptions(role string, args []string, register func(*pflag.FlagSet)) (*options, error) {
	var o options
	flags := pflag.NewFlagSet("controlplane "+role, pflag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "directory of this cluster's data and credentials (required)")
	flags.IntVarP(&o.verbosity, "v", "v", 0, "log verbosity; 0 shows warnings and errors only")
	register(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	own, passed := flags.Args(), []string(nil)
	if dash := flags.ArgsLenAtDash(); dash >= 0 {
		own, passed = flags.Args()[:dash], flags.Args()[dash:]
	}
	if len(own) > 0 {
		return nil, fmt.Errorf("unexpected argument %q; flags of the Kubernetes component go after --", own[0])
	}
	if o.dir == "" {
		return nil, errors.New("--dir is required")
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return nil, fmt.Errorf("resolve --dir %q: %w", o.dir, err)
	}
	o.dir, o.passThrough = dir, passed
	return &o, nil
}

// execute runs a Kubernetes command with our arguments, then those passed through.
func (o *options) execute(cmd *cobra.Command, args []string) error {
	quiet, err := o.logFlags()
	if err != nil {
		return err
	}
	args = append(args, quiet...)
	cmd.SetArgs(append(args, o.passThrough...))
	return cli.RunNoErrOutput(cmd)
}

// logFlags keeps warnings and errors on stderr. Kubernetes has no flag to drop informational lines: it can only send them
// to stdout, so at verbosity 0 stdout becomes /dev/null for this process.
func (o *options) logFlags() ([]string, error) {
	if o.verbosity > 0 {
		return []string{fmt.Sprintf("-v=%d", o.verbosity)}, nil
	}
	discard, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s for informational log lines: %w", os.DevNull, err)
	}
	os.Stdout = discard
	return []string{"--feature-gates=LoggingAlphaOptions=true", "--log-text-split-stream=true"}, nil
}
