-- Answers already given, by who asked and the request id they chose. The primary key is what stops a second
-- execution.
create table request_log (
  caller text not null,
  request_id uuid not null,
  method text not null,
  body_hash bytea not null,
  -- The gRPC status code of the answer: 0 when reply holds the message, otherwise reply holds a
  -- google.rpc.Status.
  code integer not null default 0,
  reply bytea,
  created_at timestamptz not null,
  primary key (caller, request_id)
);

create index request_log_created_at_idx on request_log (created_at);
