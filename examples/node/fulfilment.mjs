// A service that sends a parcel for every order that is paid, exactly one, with the plain
// "nats" and "pg" packages: the same as ../fulfilment in Go. It may be killed at any moment
// and run on many machines at once.
//
//   NATS_URL=nats://127.0.0.1:4222 DATABASE_URL=postgres://… node fulfilment.mjs
import {AckPolicy, connect, nanos} from 'nats'
import pg from 'pg'

const {NATS_URL = 'nats://127.0.0.1:4222', DATABASE_URL} = process.env
const SUBSCRIBER = 'node_fulfilment'
const KEEP = '30 days' // effects are remembered; older events are never acted on

const db = new pg.Pool({connectionString: DATABASE_URL})
db.on('error', (error) => console.error(`an idle connection was lost: ${error.message}`))
await db.query(`
  create table if not exists parcels (id bigserial primary key, order_id text not null, fen bigint not null);
  create table if not exists returns (id bigserial primary key, order_id text not null, fen bigint not null);
  create table if not exists parked (id bigserial primary key, subject text not null, body bytea not null, reason text not null);
  create table if not exists settled_effects (
    subscriber text not null, event_id text not null, event_type text not null, done_at timestamptz not null default now(),
    primary key (subscriber, event_id))`)

// The effect. All of it is in one transaction, so it happens whole, once, or not at all.
const effects = {
  'payment.completed': (tx, {order_id, amount}) =>
    tx.query('insert into parcels (order_id, fen) values ($1, $2)', [order_id, amount.total]),
  'refund.completed': (tx, {order_id, amount}) =>
    tx.query('insert into returns (order_id, fen) values ($1, $2)', [order_id, amount.refund]),
}

// once does the effect of an event exactly once. The row comes first: of two machines at
// once the second waits on it, and then sees that there is nothing left to do.
async function once({id, type, time, body}) {
  const tx = await db.connect()
  let broken
  try {
    await tx.query('begin isolation level read committed')
    const {rowCount} = await tx.query(`
      insert into settled_effects (subscriber, event_id, event_type)
      select $1, $2, $3 where $4::timestamptz > now() - $5::interval
      on conflict (subscriber, event_id) do nothing`, [SUBSCRIBER, id, type, time, KEEP])
    if (rowCount === 1) await effects[type](tx, body)
    else if (!(await done(tx, id))) throw new Unreadable(`${type} of ${time} is older than ${KEEP}`)
    await tx.query('commit') // fails if its outcome is unknown; the event comes again, and the row tells
  } catch (error) {
    await tx.query('rollback').catch((lost) => { broken = lost })
    throw error
  } finally {
    tx.release(broken)
  }
}

async function done(tx, id) {
  const {rows} = await tx.query('select from settled_effects where subscriber = $1 and event_id = $2', [SUBSCRIBER, id])
  return rows.length === 1
}

// What will not be tried again.
class Unreadable extends Error {}

// read takes a message for an event, or throws Unreadable.
function read(message) {
  const [id, type, time] = ['ce-id', 'ce-type', 'ce-time'].map((name) => message.headers?.get(name))
  if (!id || Number.isNaN(Date.parse(time)) || type !== message.subject || !(type in effects)) throw new Unreadable('no event of ours')
  let body
  try {
    body = JSON.parse(message.string())
  } catch (error) {
    throw new Unreadable(error.message)
  }
  if (!body?.merchant || !body.order_id || !body.amount) throw new Unreadable('it does not say what it is about')
  return {id, type, time, body}
}

async function handle(message) {
  try {
    await once(read(message))
    await message.ackAck() // after the commit, never before
  } catch (error) {
    if (error instanceof Unreadable && await park(message, error)) return message.term(error.message)
    const attempt = message.info.deliveryCount
    console.error(`${message.subject}, attempt ${attempt}: ${error.message}`)
    message.nak(Math.min(1_000 * 2 ** (attempt - 1), 60_000))
  }
}

// park keeps what can't be read for a person to look at.
async function park(message, {message: reason}) {
  try {
    await db.query('insert into parked (subject, body, reason) values ($1, $2, $3)', [message.subject, message.data, reason])
    return true
  } catch {
    return false
  }
}

const forget = () =>
  db.query('delete from settled_effects where done_at < now() - $1::interval', [KEEP]).catch((error) => console.error(error.message))
setInterval(forget, 24 * 60 * 60 * 1000).unref()

const nc = await connect({servers: NATS_URL, maxReconnectAttempts: -1})
await (await nc.jetstreamManager()).consumers.add('SETTLED_OUT', {
  durable_name: SUBSCRIBER, ack_policy: AckPolicy.Explicit, max_deliver: -1, filter_subjects: Object.keys(effects),
  ack_wait: nanos(10_000), // what a killed process had in hand goes to another one after this
})
const consumer = await nc.jetstream().consumers.get('SETTLED_OUT', SUBSCRIBER)
const messages = await consumer.consume({max_messages: 16})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => messages.close())
for await (const message of messages) await handle(message)
await nc.drain()
await db.end()
