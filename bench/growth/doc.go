// Package growth measures whether settled slows down as it grows: the same work with nothing
// before it, with millions of finished payments beside it, and before a backlog.
//
// It must not know how the work is done: it makes what stands there, and has others measure.
package growth
