-- What there is of an item at a place, free and held. Keys compare by bytes, so that code and database sort
-- alike.
create table pool (
  id bigint generated always as identity primary key,
  item text collate "C" not null,
  place text collate "C" not null,
  available bigint not null default 0 check (available >= 0),
  reserved bigint not null default 0 check (reserved >= 0),
  total bigint generated always as (available + reserved) stored,
  version bigint not null default 0 check (version >= 0),
  updated_at timestamptz not null,
  unique (item, place)
) with (fillfactor = 70);

-- A hold without parts is a tombstone: it was released before it was made, and can never be made any more.
create table hold (
  hold_id uuid primary key,
  owner text not null,
  reference text not null,
  fingerprint bytea not null,
  status text not null check (status in ('active', 'completed', 'cancelled', 'expired', 'restocked')),
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create index hold_owner_idx on hold (owner, created_at);
create index hold_expires_at_idx on hold (expires_at, hold_id) where status = 'active';

-- Units of one key. The status repeats the hold's: changing it is the compare-and-set that credits the units
-- once.
create table hold_part (
  reservation_id uuid primary key,
  hold_id uuid not null references hold (hold_id),
  item text collate "C" not null,
  place text collate "C" not null,
  quantity bigint not null check (quantity > 0),
  status text not null check (status in ('active', 'completed', 'cancelled', 'expired', 'restocked')),
  unique (hold_id, item, place)
);

-- Every step of every pool: the deltas of a pool's rows, added up, are the pool, and its versions have no
-- gap.
create table movement (
  movement_id bigint generated always as identity,
  item text collate "C" not null,
  place text collate "C" not null,
  kind text not null
    check (kind in ('received', 'reserved', 'completed', 'released', 'expired', 'restocked')),
  available_delta bigint not null,
  reserved_delta bigint not null,
  version bigint not null,
  reference text not null,
  created_at timestamptz not null,
  primary key (item, movement_id),
  unique (item, place, version)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

create trigger movement_append_only before update or delete or truncate on movement
  for each statement execute function refuse_change();
