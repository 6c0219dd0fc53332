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

insert into turns (name) values ('audit');
