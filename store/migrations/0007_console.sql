-- What the operator's page reads and does. Each index may be there before: on a large table
-- it can be made "concurrently" by hand, so that no payment waits for it.

-- An operator wants the order closed.
alter table payments add column close_asked boolean not null default false;

-- WeChat's own numbers, for who looks for one.
create index if not exists payments_of_transaction on payments (transaction_id) where transaction_id <> '';
create index if not exists refunds_of_wechat on refunds (wechat_refund_id) where wechat_refund_id <> '';

-- The latest payments that ended without money, and the latest refunds, merchant by merchant.
create index if not exists payments_ended on payments (status, merchant, created_at, id) where status in ('closed', 'failed');
create index if not exists refunds_listed on refunds (merchant, status, created_at, id);

-- The beginnings of all payments, merchant by merchant: written once for each.
create index if not exists events_recorded on events (merchant, at, payment_id) where type = 'payment.recorded';

-- The flags that somebody has looked into.
create table flags_settled (
    event_id   uuid        primary key references events,
    settled_by text        not null,
    comment    text        not null,
    settled_at timestamptz not null
);

-- What was said between WeChat and us, for people to look at. It is written beside the
-- work, some of it may be lost in a crash, and old lines are deleted.
create table journal (
    id         bigint      generated always as identity,
    at         timestamptz not null,
    payment_id uuid,                                     -- null: no payment of that order was known
    merchant   text        not null,
    order_id   text        not null,
    kind       text        not null,
    name       text        not null,
    host       text        not null,
    outcome    text        not null,
    code       text        not null,
    request_id text        not null,
    took_us    bigint      not null
) with (autovacuum_vacuum_scale_factor = 0.02);

-- What was said of one payment, and what was heard lately on each line.
create index journal_of_payment on journal (payment_id, at) where payment_id is not null;
create index journal_of_line on journal (merchant, host, at);
