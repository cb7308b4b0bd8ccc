package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	validity = 10 * 365 * 24 * time.Hour
	backdate = time.Hour // tolerates pods with another clock
)

// An authority signs the certificates of one cluster. Clients may be signed by it too: user is CN, groups are O.
type authority struct {
	certificate    *x509.Certificate
	certificatePEM []byte
	key            crypto.Signer
}

func ensureAuthority(certPath, keyPath string) (*authority, error) {
	exists, err := fileExists(certPath)
	if err != nil {
		return nil, err
	}
	if !exists {
		if err := createAuthority(certPath, keyPath); err != nil {
			return nil, err
		}
	}
	certificatePEM, err := os.ReadFile(certPath)
	if err != nil {
		return nil, err
	}
	certificates, err := cert.ParseCertsPEM(certificatePEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certPath, err)
	}
	parsed, err := keyutil.PrivateKeyFromFile(keyPath)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds no key that can sign", keyPath)
	}
	return &authority{certificates[0], certificatePEM, key}, nil
}

func createAuthority(certPath, keyPath string) error {
	key, err := newKey(keyPath)
	if err != nil {
		return err
	}
	config := cert.Config{CommonName: "laboratory", NotBefore: time.Now().Add(-backdate)}
	certificate, err := cert.NewSelfSignedCACert(config, key)
	if err != nil {
		return err
	}
	return writeCertificate(certPath, certificate.Raw)
}

// ensureServing issues anew if the present certificate lacks one of the names.
func (a *authority) ensureServing(certPath, keyPath string, names []string) error {
	if present, err := cert.CertsFromFile(certPath); err == nil && covers(present[0], names) {
		return nil
	}
	template := x509.Certificate{
		Subject:     pkix.Name{CommonName: "kube-apiserver"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return a.issue(certPath, keyPath, template)
}

func (a *authority) ensureClient(certPath, keyPath, user string) error {
	if exists, err := fileExists(certPath); exists || err != nil {
		return err
	}
	return a.issue(certPath, keyPath, x509.Certificate{
		Subject:     pkix.Name{CommonName: user},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// issue writes the key before the certificate: whoever finds the certificate finds its key.
func (a *authority) issue(certPath, keyPath string, template x509.Certificate) error {
	key, err := newKey(keyPath)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-backdate)
	template.NotAfter = time.Now().Add(validity)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	raw, err := x509.CreateCertificate(rand.Reader, &template, a.certificate, key.Public(), a.key)
	if err != nil {
		return errors.Join(fmt.Errorf("sign %s", certPath), err)
	}
	return writeCertificate(certPath, raw)
}

func newKey(path string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	pem, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	return key, writeFile(path, pem)
}

func writeCertificate(path string, raw []byte) error {
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return err
	}
	pem, err := cert.EncodeCertificates(certificate)
	if err != nil {
		return err
	}
	return writeFile(path, pem)
}

func covers(certificate *x509.Certificate, names []string) bool {
	for _, name := range names {
		if certificate.VerifyHostname(name) != nil {
			return false
		}
	}
	return true
}
