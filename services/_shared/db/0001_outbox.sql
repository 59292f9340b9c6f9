-- Events that committed with their state change and still have to reach the broker. A row is deleted once
-- published.
create table outbox (
  seq bigint generated always as identity primary key,
  event_id uuid not null,
  topic text not null,
  type text not null,
  data text not null,
  trace_parent text,
  created_at timestamptz not null
);

-- The queue is short and busy: vacuum it by count, not by share.
alter table outbox set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, fillfactor = 100
);
