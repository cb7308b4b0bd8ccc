package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/keyutil"
)

// ensureCredentials creates what DIR lacks and keeps what it has, so that tokens and kubeconfigs given out earlier stay
// valid over restarts. The kubeconfig is written anew each time, because the port may have changed.
func ensureCredentials(o *options, server string, names []string) error {
	ca, err := ensureAuthority(o.file("ca.crt"), o.file("ca.key"))
	if err != nil {
		return err
	}
	if err := ca.ensureServing(o.file("apiserver.crt"), o.file("apiserver.key"), append(names, standardNames...)); err != nil {
		return err
	}
	proxy := o.file(frontProxyClient)
	if err := ca.ensureClient(proxy+".crt", proxy+".key", frontProxyClient); err != nil {
		return err
	}
	if err := ensureServiceAccountKey(o.file("sa.key")); err != nil {
		return err
	}
	token, err := ensureAdminToken(o.file("tokens.csv"))
	if err != nil {
		return err
	}
	return writeKubeconfig(o, server, token, ca.certificatePEM)
}

// standardNames are those by which pods and people may know the API server.
var standardNames = []string{
	"localhost", "127.0.0.1", "::1", serviceAddress,
	"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
}

func ensureServiceAccountKey(path string) error {
	if exists, err := fileExists(path); exists || err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	pem, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	return writeFile(path, pem)
}

// ensureAdminToken returns the token of the first line, which is the administrator's; further lines may be added by hand.
func ensureAdminToken(path string) (string, error) {
	exists, err := fileExists(path)
	if err != nil {
		return "", err
	}
	if !exists {
		random := make([]byte, 24)
		if _, err := rand.Read(random); err != nil {
			return "", err
		}
		line := hex.EncodeToString(random) + ",admin,admin,system:masters\n"
		if err := writeFile(path, []byte(line)); err != nil {
			return "", err
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	record, err := csv.NewReader(strings.NewReader(string(text))).Read()
	if err != nil {
		return "", fmt.Errorf("%s has no line `token,user,uid,groups`: %w", path, err)
	}
	return record[0], nil
}

// writeKubeconfig embeds the authority, so that the file works from any directory and machine that reaches the server.
func writeKubeconfig(o *options, server, token string, ca []byte) error {
	name := filepath.Base(o.dir)
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	text, err := clientcmd.Write(*config)
	if err != nil {
		return err
	}
	return writeFile(o.file("kubeconfig"), text)
}

func fileExists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// writeFile replaces a file whole: a role that waits for it, or a start after a kill, never sees a part.
func writeFile(path string, text []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
