// Package lone measures one payment alone: nobody else's work shares a commit or a write with
// it, so what it waits for is its own.
//
// It knows settled as a process, and the statement as a call. It must not know how either
// works.
package lone
