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
