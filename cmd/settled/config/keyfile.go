package config

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// file reads the path of a file that is needed later, and what the file holds: nothing, if it
// can't be read.
func (v value) file(checks ...check) (path string, content []byte) {
	if path = v.path(checks...); path == "" {
		return path, nil
	}
	content, err := v.readFile(path)
	if err != nil {
		v.problem("the file it names can't be read: %v", unquoted(path, err))
		return path, nil
	}
	return path, content
}

// keyFile reads the path of a file that must hold a key.
func (v value) keyFile(p pemFile) string {
	if v.keyless {
		return v.path()
	}
	path, content := v.file()
	v.holds(p, content)
	return path
}

func (v value) needKeyFile(p pemFile) string {
	if v.absent() {
		return v.need()
	}
	if v.keyless {
		return v.path(notEmpty)
	}
	path, content := v.file(notEmpty)
	v.holds(p, content)
	return path
}

func (v value) holds(p pemFile, content []byte) {
	if content == nil {
		return // that has been said
	}
	if issue := p.issue(content); issue != "" {
		v.problem("%s", issue)
	}
}

// unquoted is why a file can't be read. What is no absolute path may be a key that was put
// where its path belongs, and is not repeated.
func unquoted(path string, err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) && (!filepath.IsAbs(path) || strings.Contains(path, "\n")) {
		return failed.Err
	}
	return err
}

// pemFile is what a file of a key may hold: its name, and how each kind of block is read.
type pemFile struct {
	what  string
	kinds map[string]func(der []byte) (any, error)
}

var (
	privateKey = pemFile{"private key", map[string]func([]byte) (any, error){
		"PRIVATE KEY":     x509.ParsePKCS8PrivateKey,
		"RSA PRIVATE KEY": func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
	}}
	publicKey = pemFile{"public key", map[string]func([]byte) (any, error){
		"PUBLIC KEY":     x509.ParsePKIXPublicKey,
		"RSA PUBLIC KEY": func(der []byte) (any, error) { return x509.ParsePKCS1PublicKey(der) },
	}}
)

// issue is what is wrong with a file. What crypto/x509 says of a key stays here: it could
// quote what must not be told.
func (p pemFile) issue(text []byte) string {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		parse, known := p.kinds[block.Type]
		if !known {
			continue
		}
		key, err := parse(block.Bytes)
		if err != nil {
			return "the file it names holds a " + p.what + " that can't be parsed"
		}
		if !strong(key) {
			return "the file it names holds a key that is not RSA with 2048 bits or more"
		}
		return ""
	}
	return "the file it names holds no " + p.what + " in PEM"
}

func strong(key any) bool {
	const bits = 2048
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key.N.BitLen() >= bits
	case *rsa.PublicKey:
		return key.N.BitLen() >= bits
	default:
		return false
	}
}

// readClientCertificate reads the paths of a certificate and its key, which belong together.
func readClientCertificate(s *section) (certificate, key string) {
	defer s.together("client_certificate", "client_key")
	if s.keyless {
		return s.at("client_certificate").path(), s.at("client_key").path()
	}
	certificate, one := s.at("client_certificate").file()
	key, other := s.at("client_key").file()
	if one != nil && other != nil {
		if _, err := tls.X509KeyPair(one, other); err != nil {
			s.at("client_certificate").problem("is no pair with client_key: %v", err)
		}
	}
	return certificate, key
}
