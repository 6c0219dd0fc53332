// Package crash runs settled as an operator does, as processes among real servers, lets
// them die while customers pay, and counts the money afterwards.
//
// Build builds the program with its points to die at; Servers are PostgreSQL, NATS and
// Redis. A World on them is one shop's: a schema, a prefix, WeChat, a Shop with its
// customers, and processes of settled. Settle waits until everything has come to its end and
// says what is lost or doubled. A fault case is written so:
//
//	program, err := crash.Build(ctx)
//	servers, err := crash.StartServers(ctx, program)
//	w, err := servers.NewWorld(ctx, crash.WorldConfig{Name: "redis_away", Proxied: true})
//	defer w.Close()
//	// one ingress, two workers, one relay; each may be armed, killed, frozen, started again
//	err = w.StartAll()
//	w.Shop.Place(ctx, 36)              // customers order, pay, leave and want money back
//	w.Path("worker-1", crash.Redis).Cut()  // what goes wrong, while they do
//	servers.Redis.Kill()
//	err = servers.Redis.Restart(ctx)   // and that it is over
//	w.Path("worker-1", crash.Redis).Mend()
//	report := w.Settle(ctx)            // report.Err() is nil if nothing was lost or doubled
//
// A case that breaks PostgreSQL or NATS takes Servers of its own: other worlds stand on
// them too. What WeChat does wrong is switched on at w.WeChat.
//
// The rig speaks to settled as anybody would, by its configuration file, HTTP and NATS, and
// reads its tables to see what is committed. It must not import the rooms that it judges.
// Nothing but tests and its own programs may import it.
package crash
