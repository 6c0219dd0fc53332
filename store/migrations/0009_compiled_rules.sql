-- The rules are compiled once for each connection: a function in SQL is written into the check
-- of the history, which parses it for each statement.

create or replace function payment_may_move(from_status text, fact text, to_status text) returns boolean immutable language plpgsql as $$
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

create or replace function refund_may_move(from_status text, fact text, to_status text) returns boolean immutable language plpgsql as $$
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
