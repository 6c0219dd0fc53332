// Package reconcile holds WeChat's bill of a day against our own books: which money WeChat
// has that we do not know of, which we know of and WeChat has not booked, and where the two
// disagree about how much.
//
// It moves nothing: what it finds is for a person, or for a query, to decide. It must not
// know how a bill comes or how a file of it looks, nor SQL.
package reconcile
