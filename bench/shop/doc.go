// Package shop is what every part needs of a shop: two merchants, one of APIv2 and one of
// APIv3, with keys made for the run; settled's configuration for them; payments that stand
// in the database; and notifies as WeChat signs them.
//
// It must not know who is measured.
package shop
