-- A refresh token is kept as its SHA-256 only. Spent tokens stay until they expire: their return reveals a
-- thief.
create table refresh_token (
  token_hash bytea primary key,
  family_id uuid not null,
  user_id uuid not null references users (id),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  spent_at timestamptz,
  revoked_at timestamptz
);

create index refresh_token_family_id_idx on refresh_token (family_id);
create index refresh_token_user_id_idx on refresh_token (user_id);
create index refresh_token_expires_at_idx on refresh_token (expires_at);

-- Keys that sign access tokens. The private half is sealed with a key made from the mesh secret.
create table signing_key (
  key_id text primary key,
  sealed_private_key bytea not null,
  x bytea not null,
  y bytea not null,
  created_at timestamptz not null,
  retired_at timestamptz
);

-- At most one key signs at a time, however many replicas start at once.
create unique index signing_key_current_idx on signing_key ((retired_at is null)) where retired_at is null;
