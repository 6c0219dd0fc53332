package embedded

import "strconv"

// socketPathLimit is the longest path of a Unix socket, sun_path without its final zero.
const socketPathLimit = 107

// arguments are the server's settings.
func (p *Postgres) arguments() []string {
	onDisk := "off"
	if p.cfg.Durable {
		onDisk = "on"
	}
	settings := [][2]string{
		{"listen_addresses", "127.0.0.1"},
		{"port", strconv.Itoa(p.port)},
		{"unix_socket_directories", p.socketFolder()},
		{"max_connections", strconv.Itoa(p.cfg.MaxConnections)},
		{"fsync", onDisk},
		{"full_page_writes", onDisk},
		{"synchronous_commit", "on"}, // without fsync: written to the system before the answer
		{"log_min_messages", "warning"},
		{"timezone", "UTC"},
	}
	arguments := []string{"-D", p.data()}
	for _, setting := range settings {
		arguments = append(arguments, "-c", setting[0]+"="+setting[1])
	}
	return arguments
}

// socketFolder is the server's own folder, or none where its path is too long for a
// socket.
func (p *Postgres) socketFolder() string {
	if len(p.folder.path)+len("/.s.PGSQL.00000.lock") > socketPathLimit {
		return ""
	}
	return p.folder.path
}
