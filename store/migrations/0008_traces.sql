-- The trace in which an event was told, so that its publishing is part of it.
alter table events add column traceparent text;
