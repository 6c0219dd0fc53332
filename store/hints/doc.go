// Package hints keeps in Redis what is worth sharing and can always be had again: the
// access tokens of merchants and how many of them were fetched today, WeChat's platform
// certificates as they came, and which of WeChat's keys have verified what.
//
// WeChat lets a merchant fetch a few hundred access tokens a day, and a new one may end
// the life of the one before. So all processes share one token, one process at a time
// fetches it, and every fetch is counted before it is made.
//
// Nothing here is true for long. Redis may be emptied, restarted or gone at any moment:
// what a process knows it goes on using, and it gives Redis back what Redis has lost. Two
// processes may, in bad luck, fetch at the same time; that costs one fetch, and the
// version of a token says which of the two is the newer.
//
// The package must not know payments or how WeChat is asked: the caller brings the fetch.
// Tokens never stand in its logs and errors.
package hints
