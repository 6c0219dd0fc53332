-- The state machines become functions: to read a table for each move took a quarter of it.
create function payment_may_move(from_status text, fact text, to_status text) returns boolean immutable language sql as $$
    select (from_status, fact, to_status) in (
        ('requested', 'prepared', 'prepared'),
        ('requested', 'paid',     'completed'),
        ('requested', 'closed',   'closed'),
        ('requested', 'refused',  'failed'),
        ('prepared',  'renewed',  'prepared'),
        ('prepared',  'paid',     'completed'),
        ('prepared',  'closed',   'closed'),
        ('closed',    'paid',     'completed'),
        ('failed',    'paid',     'completed'))
$$;

create function refund_may_move(from_status text, fact text, to_status text) returns boolean immutable language sql as $$
    select (from_status, fact, to_status) in (
        ('requested', 'accepted', 'accepted'),
        ('requested', 'refunded', 'completed'),
        ('requested', 'refused',  'failed'),
        ('accepted',  'refunded', 'completed'),
        ('accepted',  'refused',  'failed'),
        ('failed',    'refunded', 'completed'))
$$;

create or replace function payment_guard() returns trigger language plpgsql as $$
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

create or replace function refund_guard() returns trigger language plpgsql as $$
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

-- The rows of the history are looked through once.
alter table events drop constraint events_from_status_fact_to_status_fkey;
alter table events add constraint event_legal check (fact is null or payment_may_move(from_status, fact, to_status));

drop table payment_moves;
drop table refund_moves;
