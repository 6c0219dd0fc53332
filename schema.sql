-- The whole database of settled, in reading order.
--
-- PostgreSQL is the truth: what is not here has not happened. Amounts are fen. Whatever
-- can never be true is refused here, whoever asks.

-- The state machine, line by line as in move.go. What is not listed can't happen to a payment.
-- It is a function, because a table would have to be read for each move; in PL/pgSQL, which
-- is compiled once for each connection and not for each statement.
create function payment_may_move(from_status text, fact text, to_status text) returns boolean immutable language plpgsql as $$
begin
    return (from_status, fact, to_status) in (
        ('requested', 'prepared', 'prepared'),
        ('requested', 'paid',     'completed'),
        ('requested', 'closed',   'closed'),
        ('requested', 'refused',  'failed'),
        ('prepared',  'renewed',  'prepared'),
        ('prepared',  'paid',     'completed'),
        ('prepared',  'closed',   'closed'),
        ('closed',    'paid',     'completed'),
        ('failed',    'paid',     'completed'));
end
$$;

-- One row for each order's payment.
create table payments (
    id              uuid        primary key,
    merchant        text        not null,
    order_id        text        not null,                -- WeChat's out_trade_no
    status          text        not null default 'requested',
    version         bigint      not null default 1,      -- of the last row in its history

    trade_type      text        not null,
    amount_total    bigint      not null,
    currency        text        not null,
    description     text        not null,
    client_ip       text        not null,
    payer_openid    text        not null,                -- as requested, or as WeChat told it
    attach          text        not null,
    metadata        json        not null,
    expires_at      timestamptz not null,
    fingerprint     text        not null,                -- of the request's content
    prepay_request  text        not null,                -- the exact body, stored before the first call

    prepay_id       text        not null default '',
    client          json,                                -- signed for the app or page
    code_url        text        not null default '',
    h5_url          text        not null default '',
    prepared_at     timestamptz,

    transaction_id  text        not null default '',
    paid_at         timestamptz,
    bank_type       text        not null default '',
    source          text        not null default '',
    late            boolean     not null default false,

    close_reason    text        not null default '',
    failure_code    text        not null default '',
    failure_message text        not null default '',

    due_at          timestamptz,                         -- when somebody has to look at it next
    attempts        integer     not null default 0,      -- that led to nothing since the last move
    trouble         text        not null default '',     -- why the last one did
    acknowledged_at timestamptz,                         -- WeChat took our delivernotify
    refunding       bigint      not null default 0,      -- given back, or on its way; kept by table refunds
    close_asked     boolean     not null default false,  -- an operator wants it closed

    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),

    unique (merchant, order_id),
    constraint payment_status   check (status in ('requested', 'prepared', 'completed', 'closed', 'failed')),
    constraint payment_amount   check (amount_total between 1 and 100000000000),
    constraint payment_prepared check (status <> 'prepared'  or prepared_at is not null),
    constraint payment_paid     check ((status = 'completed') = (transaction_id <> '' and paid_at is not null and source in ('notify', 'query'))),
    constraint payment_late     check (not late or status = 'completed'),
    constraint payment_closed   check (status <> 'closed'    or close_reason in ('expired', 'requested')),
    constraint payment_failed   check (status <> 'failed'    or failure_code <> ''),
    -- Never more than was paid goes back, whoever asks and however many at once.
    constraint payment_refunding check (refunding between 0 and case when status = 'completed' then amount_total else 0 end),
    -- No open payment without somebody who will look at it again.
    constraint payment_watched  check (status not in ('requested', 'prepared') or due_at is not null)
) with (fillfactor = 80);

-- What is due, by the pool that looks at it.
create index payments_due on payments (status, merchant, due_at) where due_at is not null;

-- What a person looks for: WeChat's own number, and the latest that ended without money.
-- An open payment has no entry in either, so that its moves cost nothing more until the last.
create index payments_of_transaction on payments (transaction_id) where transaction_id <> '';
create index payments_ended on payments (status, merchant, created_at, id) where status in ('closed', 'failed');

-- The rules that compare a row with what it was.
create function payment_guard() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.status <> 'requested' then
            raise exception 'payment % begins as %', new.id, new.status
                using errcode = 'check_violation', constraint = 'payment_begins_requested';
        end if;
        return new;
    end if;
    if (old.id, old.merchant, old.order_id, old.amount_total, old.currency, old.fingerprint)
       is distinct from (new.id, new.merchant, new.order_id, new.amount_total, new.currency, new.fingerprint) then
        raise exception 'payment % changes what it is', old.id
            using errcode = 'check_violation', constraint = 'payment_identity';
    end if;
    -- Which fact it was stands in the history; one alone leads into each state.
    if old.status <> new.status and payment_may_move(old.status, case new.status
           when 'prepared' then 'prepared' when 'completed' then 'paid' when 'closed' then 'closed' when 'failed' then 'refused'
       end, new.status) is not true then
        raise exception 'payment % moves from % to %', old.id, old.status, new.status
            using errcode = 'check_violation', constraint = 'payment_legal_move';
    end if;
    if old.status = 'completed' and old.transaction_id <> new.transaction_id then
        raise exception 'payment % is paid twice', old.id
            using errcode = 'check_violation', constraint = 'payment_paid_once';
    end if;
    return new;
end
$$;

create trigger payment_guard before insert or update on payments
    for each row execute function payment_guard();

-- The state machine of refunds, line by line as in refund.go.
create function refund_may_move(from_status text, fact text, to_status text) returns boolean immutable language plpgsql as $$
begin
    return (from_status, fact, to_status) in (
        ('requested', 'accepted', 'accepted'),
        ('requested', 'refunded', 'completed'),
        ('requested', 'refused',  'failed'),
        ('accepted',  'refunded', 'completed'),
        ('accepted',  'refused',  'failed'),
        ('failed',    'refunded', 'completed'));
end
$$;

-- One row for each refund, under one number for ever.
create table refunds (
    id               uuid        primary key,
    payment_id       uuid        not null references payments,
    merchant         text        not null,
    order_id         text        not null,
    refund_id        text        not null,               -- WeChat's out_refund_no
    status           text        not null default 'requested',

    amount           bigint      not null,               -- to give back
    total            bigint      not null,               -- what the payment was for
    currency         text        not null,
    reason           text        not null,
    fingerprint      text        not null,               -- of the request's content
    request          text        not null,               -- the exact body, stored before the first call

    wechat_refund_id text        not null default '',
    refunded_at      timestamptz,
    account          text        not null default '',    -- where the money went, in WeChat's words
    failure_code     text        not null default '',
    failure_message  text        not null default '',
    held             boolean     not null default true,  -- the amount counts against what was paid

    due_at           timestamptz,                        -- when somebody has to look at it next
    attempts         integer     not null default 0,     -- that led to nothing since the last move
    trouble          text        not null default '',    -- why the last one did

    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),

    unique (merchant, refund_id),
    constraint refund_status    check (status in ('requested', 'accepted', 'completed', 'failed')),
    constraint refund_amount    check (amount between 1 and total),
    constraint refund_completed check (status <> 'completed' or refunded_at is not null and held),
    constraint refund_failed    check (status <> 'failed' or failure_code <> ''),
    constraint refund_held      check (held or status = 'failed'),
    -- No open refund without somebody who will look at it again.
    constraint refund_watched   check (status not in ('requested', 'accepted') or due_at is not null)
);

-- What is due, by the state it is in; and the refunds of one payment, in their order.
create index refunds_due on refunds (status, merchant, due_at) where due_at is not null;
create index refunds_of_payment on refunds (payment_id, created_at, id);

-- What a person looks for: WeChat's own number, and the latest.
create index refunds_of_wechat on refunds (wechat_refund_id) where wechat_refund_id <> '';
create index refunds_listed on refunds (merchant, status, created_at, id);

-- The rules that compare a row with what it was.
create function refund_guard() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.status <> 'requested' then
            raise exception 'refund % begins as %', new.id, new.status
                using errcode = 'check_violation', constraint = 'refund_begins_requested';
        end if;
        return new;
    end if;
    if (old.id, old.payment_id, old.merchant, old.order_id, old.refund_id, old.amount, old.total, old.currency, old.fingerprint, old.request)
       is distinct from (new.id, new.payment_id, new.merchant, new.order_id, new.refund_id, new.amount, new.total, new.currency, new.fingerprint, new.request) then
        raise exception 'refund % changes what it is', old.id
            using errcode = 'check_violation', constraint = 'refund_identity';
    end if;
    if old.status <> new.status and refund_may_move(old.status, case new.status
           when 'accepted' then 'accepted' when 'completed' then 'refunded' when 'failed' then 'refused'
       end, new.status) is not true then
        raise exception 'refund % moves from % to %', old.id, old.status, new.status
            using errcode = 'check_violation', constraint = 'refund_legal_move';
    end if;
    return new;
end
$$;

create trigger refund_guard before insert or update on refunds
    for each row execute function refund_guard();

-- Whatever is held of a payment is counted on its row, where payment_refunding bounds it.
-- The row's lock makes two refunds of one payment wait for each other.
create function refund_count() returns trigger language plpgsql as $$
begin
    update payments set refunding = refunding
        + case when tg_op <> 'DELETE' and new.held then new.amount else 0 end
        - case when tg_op <> 'INSERT' and old.held then old.amount else 0 end
    where id = coalesce(new.payment_id, old.payment_id);
    return null;
end
$$;

create trigger refund_count after insert or delete or update of held on refunds
    for each row execute function refund_count();

-- What happened, for ever: the history of every payment, and what was told of it. A row
-- is written by the same statement as the move it tells of.
create table events (
    id          uuid        primary key,                 -- ce-id
    payment_id  uuid        references payments,         -- null: there is no such payment
    version     bigint,                                  -- 1, 2, 3, ... within a payment
    type        text        not null,
    merchant    text        not null,
    order_id    text        not null,
    fact        text,                                    -- null: it moved nothing
    from_status text,
    to_status   text,
    at          timestamptz not null,                    -- ce-time
    data        json        not null,                    -- the body, byte for byte
    private     boolean     not null default false,      -- belongs to the history alone, never published
    refund_id   uuid        references refunds,          -- null: it tells of the payment itself
    request_id  text        not null default '',         -- of WeChat's answer that brought the news
    traceparent text,                                    -- null: nobody traced the step that told it

    unique (payment_id, version),
    constraint event_legal   check (fact is null or payment_may_move(from_status, fact, to_status)),
    constraint event_version check ((payment_id is null) = (version is null)),
    constraint event_move    check ((fact is null) = (to_status is null) and (fact is null) = (from_status is null))
);

-- The events by kind, for counting and for looking through.
create index events_type on events (type, at);

-- The beginnings of all payments, merchant by merchant: written once for each, while the
-- rows of payments change.
create index events_recorded on events (merchant, at, payment_id) where type = 'payment.recorded';

-- What became of a refund.
create index events_of_refund on events (refund_id, version) where refund_id is not null;

-- The flags (payment.flagged) that somebody has looked into.
create table flags_settled (
    event_id   uuid        primary key references events,
    settled_by text        not null,
    comment    text        not null,
    settled_at timestamptz not null
);

-- Pointers to the events that still have to be published; deleted as they are. The ids
-- of one payment rise in the order of its history.
create table outbox (
    id       bigint      generated always as identity primary key,
    event_id uuid        not null,
    queued   timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);

-- Work that one process at a time may do: who locks the row has the turn, for as long as
-- its transaction lives.
create table turns (
    name text primary key
);

insert into turns (name) values ('relay'), ('sweep'), ('audit');

-- What the auditor that runs beside the work remembers.

-- How far it has looked: its next look goes on from there, in whichever process.
create table audit_places (
    name  text primary key,
    place text not null
);

-- The breaks that it has seen and that still hold.
create table audit_breaks (
    id         uuid        primary key,                  -- of the event that tells of it
    check_name text        not null,
    merchant   text        not null,
    order_id   text        not null,
    refund_id  text        not null,
    detail     text        not null,
    kind       text        not null,                     -- what to look at again
    subject    text        not null,
    found_at   timestamptz not null default now(),
    look_at    timestamptz not null,                     -- when to look again
    told       boolean     not null default false        -- seen twice, and told
);

-- What the streams were when they were last looked at or written to. NATS forgets in
-- silence: a stream that was made anew or has become shorter is known by this alone.
create table streams (
    name     text        primary key,                    -- on the server
    created  timestamptz not null,                       -- tells it from another one of the same name
    last_seq bigint      not null,                       -- the highest sequence that it has given
    lost     text[]      not null default '{}'           -- losses within it that were made good
);

-- What a stream was given, minute by minute: up to which sequence, and how old the oldest
-- event was. When its end is lost, this says since when events have to be published again.
create table stream_marks (
    stream   text        not null,
    minute   timestamptz not null,
    last_seq bigint      not null,
    oldest   timestamptz not null,
    primary key (stream, minute)
);

-- Events that are being published again because their stream lost them, and how far that
-- has come; deleted at its end.
create table replays (
    stream   text        primary key,
    since    timestamptz not null,
    until    timestamptz not null,
    at       timestamptz not null,                       -- of the event that was met last
    event_id uuid        not null,
    version  bigint      not null,                       -- of its payment's history that has gone out
    replayed bigint      not null default 0
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

-- What was said of one payment, and what was heard lately on each line. Payment ids rise
-- with time, so that the lines of today touch the same few pages.
create index journal_of_payment on journal (payment_id, at) where payment_id is not null;
create index journal_of_line on journal (merchant, host, at);

-- The migrations that have been applied.
create table migrations (
    version    integer     primary key,
    name       text        not null,
    applied_at timestamptz not null default now()
);
