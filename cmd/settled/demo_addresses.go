package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// writeAddresses says in a file where everything is, for a program that is to use the demo.
// The file is whole from the moment it is there.
func (d *demo) writeAddresses() error {
	if d.addresses == "" {
		return nil
	}
	data, err := json.MarshalIndent(map[string]string{
		"ingress": "http://" + d.servers.at.ingress, "admin": "http://" + d.servers.at.admin, "token": demoToken,
		"operator": demoOperator, "password": d.servers.password,
		"nats": d.servers.nats.URL(), "postgres": d.servers.postgres.URL(), "wechat": d.servers.hosts[0],
		"merchant": d.lanes[0][0].merchant(), "configuration": d.servers.file,
	}, "", "  ")
	if err == nil {
		err = os.WriteFile(d.addresses+".new", append(data, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(d.addresses+".new", d.addresses)
	}
	if err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	return nil
}
