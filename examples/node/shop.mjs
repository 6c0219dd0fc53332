// An order system that takes payments through settled, with the plain "nats" package: the
// same as ../shop in Go. Every step is safe to repeat, from the top and after any crash.
//
//   NATS_URL=nats://127.0.0.1:4222 MERCHANT=shop3 WECHAT=http://127.0.0.1:9090 node shop.mjs
//
// WECHAT is the simulator, where this program plays its customers as well.
import {setTimeout as after} from 'node:timers/promises'
import {connect, createInbox, headers, JSONCodec} from 'nats'

const {NATS_URL = 'nats://127.0.0.1:4222', MERCHANT = 'shop3', WECHAT, SHOP = 'tea', ORDERS = '20'} = process.env
const json = JSONCodec()
const nc = await connect({servers: NATS_URL, maxReconnectAttempts: -1})
const stream = nc.jetstream()

// ask publishes a request and waits for one of the answers. settled replies on the inbox
// that the header names; a reply may get lost, so the same is asked again until one is heard.
// The message has no id: the stream has to take a repeat too.
async function ask(subject, request, answers) {
  const inbox = createInbox()
  let hear
  const answer = new Promise((resolve) => { hear = resolve })
  const replies = nc.subscribe(inbox, {
    callback: (error, message) => {
      if (error) return
      const {kind, data} = json.decode(message.data) // "recorded" only says that an answer will come
      if (answers.includes(kind)) hear({kind, body: JSON.parse(Buffer.from(data, 'base64').toString())})
    },
  })
  const named = headers()
  named.set('Settled-Reply', inbox)
  try {
    for (let wait = 2_000; ; wait = Math.min(2 * wait, 30_000)) {
      try {
        await stream.publish(subject, json.encode(request), {headers: named})
      } catch (error) {
        console.error(`${subject} not published: ${error.message}`) // asked again below
      }
      const heard = await Promise.race([answer, after(wait, undefined, {ref: false})])
      if (heard) return heard
    }
  } finally {
    replies.unsubscribe()
  }
}

async function sell(orderID, n) {
  const total = 1000 + n
  const paying = await ask('payment.requested', {
    merchant: MERCHANT, order_id: orderID, amount: {total}, description: 'One pot of tea', metadata: {cart: String(n)},
  }, ['payment.prepared', 'payment.completed', 'payment.closed', 'payment.rejected', 'payment.failed'])
  switch (paying.kind) {
    case 'payment.prepared': {
      // The app hands client to WeChat's SDK as it is, and the customer pays.
      const paid = await fetch(`${WECHAT}/simulator/pay`, {method: 'POST', body: JSON.stringify(paying.body.client)})
      if (!paid.ok) throw new Error(`WeChat's app says ${paid.status}`)
      // The app says that its customer is back. Whether it was paid, payment.completed says.
      await stream.publish('payment.returned', json.encode({merchant: MERCHANT, order_id: orderID}))
      break
    }
    case 'payment.completed': // before a crash, or by another process
      break
    default:
      throw new Error(`${orderID}: ${paying.kind} ${JSON.stringify(paying.body)}`)
  }
  if (n % 10 === 0) { // the tea was cold; the number is made of the order, so that a repeat has the same one
    const refund = await ask('refund.requested', {
      merchant: MERCHANT, order_id: orderID, refund_id: `${orderID}-R1`, amount: {refund: 500, total}, reason: 'The tea was cold',
    }, ['refund.accepted', 'refund.completed', 'refund.failed', 'refund.rejected'])
    if (!['refund.accepted', 'refund.completed'].includes(refund.kind)) throw new Error(`${orderID}: ${JSON.stringify(refund.body)}`)
  }
  console.log('sold', orderID)
}

await Promise.all(Array.from({length: Number(ORDERS)}, (_, n) => sell(`${SHOP}-${String(n).padStart(4, '0')}`, n)))
await nc.drain()
