-- Refunds; prepay ids that are asked for anew; WeChat's Request-ID in the history.

insert into payment_moves (from_status, fact, to_status) values ('prepared', 'renewed', 'prepared');

alter table payments add column refunding bigint not null default 0;
alter table payments add constraint payment_refunding
    check (refunding between 0 and case when status = 'completed' then amount_total else 0 end);

-- The state machine of refunds, row by row as in refund.go.
create table refund_moves (
    from_status text not null,
    fact        text not null,
    to_status   text not null,
    primary key (from_status, fact)
);

insert into refund_moves (from_status, fact, to_status) values
    ('requested', 'accepted', 'accepted'),
    ('requested', 'refunded', 'completed'),
    ('requested', 'refused',  'failed'),
    ('accepted',  'refunded', 'completed'),
    ('accepted',  'refused',  'failed'),
    ('failed',    'refunded', 'completed');

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
create index refunds_due on refunds (status, due_at) where due_at is not null;
create index refunds_of_payment on refunds (payment_id, created_at, id);

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
    if old.status <> new.status
       and not exists (select from refund_moves where from_status = old.status and to_status = new.status) then
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

alter table events add column refund_id uuid references refunds;
alter table events add column request_id text not null default '';

create index events_of_refund on events (refund_id, version) where refund_id is not null;
