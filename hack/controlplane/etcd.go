package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// An etcdServer stores one cluster's data in DIR/etcd and listens on the unix socket DIR/etcd.sock.
type etcdServer struct {
	endpoint string
	member   *embed.Etcd
	// Open until the stop: the lock for what it locks, the directory because the sockets' paths lead through its
	// descriptor. Without a reference the garbage collector would close them.
	lock, dir *os.File
}

// startEtcd returns once etcd serves.
func startEtcd(ctx context.Context, o *options) (*etcdServer, error) {
	lock, err := lockDirectory(o)
	if err != nil {
		return nil, err
	}
	// A socket's path is limited to 107 bytes, DIR is not. Through the descriptor of DIR the path is always short, and
	// the directory may be moved while nothing runs.
	dir, err := os.Open(o.dir)
	if err != nil {
		return nil, err
	}
	client := unixURL(dir, "etcd.sock")
	peer := unixURL(dir, "etcd-peer.sock")

	config := embed.NewConfig()
	config.Dir = o.file("etcd")
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.Name + "=" + peer.String()
	config.LogLevel = "error"
	// What survives is the death of the process, not that of the machine: the kernel keeps written pages. A laboratory
	// does not need more, and a disk shared with builds makes each fsync slow.
	config.UnsafeNoFsync = true
	member, err := embed.StartEtcd(config)
	if err != nil {
		return nil, fmt.Errorf("start etcd on %s: %w", config.Dir, err)
	}
	select {
	case <-member.Server.ReadyNotify():
		return &etcdServer{endpoint: client.String(), member: member, lock: lock, dir: dir}, nil
	case err := <-member.Err():
		return nil, fmt.Errorf("etcd on %s ended: %w", config.Dir, err)
	case <-ctx.Done():
		member.Server.Stop()
		return nil, ctx.Err()
	}
}

// stop ends the member itself. Etcd.Close would first wait for the watches of clients that are not there any more.
func (s *etcdServer) stop() {
	s.member.Server.Stop()
	s.dir.Close()
	s.lock.Close()
}

// lockDirectory refuses a second API server on the same data, which would take away the first one's sockets.
func lockDirectory(o *options) (*os.File, error) {
	lock, err := os.OpenFile(o.file("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("another API server is running on %s", o.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	return lock, nil
}

func unixURL(dir *os.File, name string) url.URL {
	return url.URL{Scheme: "unix", Path: fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), name)}
}
