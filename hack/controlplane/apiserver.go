package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/spf13/pflag"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const (
	serviceRange     = "10.96.0.0/16"
	serviceAddress   = "10.96.0.1" // of Service default/kubernetes: always the first of the range
	frontProxyClient = "front-proxy-client"
)

// newAPIServer is etcd and kube-apiserver in one process: they live and die together, as one fault in a test.
func newAPIServer(args []string) (func(context.Context) error, error) {
	var (
		port    int
		address net.IP
		names   []string
	)
	o, err := parseOptions("apiserver", args, func(flags *pflag.FlagSet) {
		flags.IntVar(&port, "port", 6443, "port to serve on")
		flags.IPVar(&address, "address", net.IPv4(127, 0, 0, 1), "address to serve on")
		flags.StringSliceVar(&names, "san", nil, "further names and addresses of the serving certificate")
	})
	if err != nil {
		return nil, err
	}
	reachable := address
	if address.IsUnspecified() {
		reachable = net.IPv4(127, 0, 0, 1)
	}

	return func(ctx context.Context) error {
		if err := os.MkdirAll(o.dir, 0o755); err != nil {
			return err
		}
		etcd, err := startEtcd(ctx, o)
		if err != nil {
			return err
		}
		defer etcd.stop()
		server := "https://" + net.JoinHostPort(reachable.String(), strconv.Itoa(port))
		if err := ensureCredentials(o, server, append(names, reachable.String())); err != nil {
			return fmt.Errorf("credentials in %s: %w", o.dir, err)
		}
		return o.execute(app.NewAPIServerCommand(), []string{
			"--etcd-servers=" + etcd.endpoint,
			"--bind-address=" + address.String(),
			"--secure-port=" + strconv.Itoa(port),
			// Without it the address of the default route is looked for, and a network namespace may have none.
			"--advertise-address=" + reachable.String(),
			"--endpoint-reconciler-type=none",
			"--service-cluster-ip-range=" + serviceRange,
			"--tls-cert-file=" + o.file("apiserver.crt"),
			"--tls-private-key-file=" + o.file("apiserver.key"),

			"--client-ca-file=" + o.file("ca.crt"),
			"--token-auth-file=" + o.file("tokens.csv"),
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-signing-key-file=" + o.file("sa.key"),
			"--service-account-key-file=" + o.file("sa.key"),
			"--authorization-mode=Node,RBAC",
			"--enable-admission-plugins=NodeRestriction",
			"--allow-privileged=true",

			// No kube-proxy here: reach aggregated API servers and webhooks by their endpoints, not by cluster address.
			"--enable-aggregator-routing=true",
			"--requestheader-client-ca-file=" + o.file("ca.crt"),
			"--requestheader-allowed-names=" + frontProxyClient,
			"--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + o.file(frontProxyClient+".crt"),
			"--proxy-client-key-file=" + o.file(frontProxyClient+".key"),
			"--kubelet-preferred-address-types=InternalIP,Hostname",

			// Otherwise the HTTP server waits up to a minute for open watches when told to stop; so, two seconds.
			"--shutdown-send-retry-after=true",
		})
	}, nil
}
