-- Events whose effect is already in this database. The row commits with the effect, so a redelivery finds it.
create table inbox (
  consumer text not null,
  event_id text not null,
  received_at timestamptz not null,
  primary key (consumer, event_id)
);

create index inbox_received_at_idx on inbox (received_at);
