// Package bill is the file of what WeChat booked for a merchant in one day, by WeChat's
// calendar (documents, "download trade bill"): one row for each payment and each refund,
// and a row of totals at the end. APIv2 and APIv3 deliver the same file.
//
// It reads a stream row by row and keeps none, because a day may have millions. It must not
// know how the file came, nor what a payment is to this program.
package bill
