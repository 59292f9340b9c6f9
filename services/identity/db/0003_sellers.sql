-- Whether a seller sells at the moment: a row from the first change on, before that every seller does.
create table seller (
  user_id uuid primary key references users (id),
  status text not null check (status in ('active', 'suspended')),
  -- Rises with each change, so that those who hear of it out of order know which is newest.
  version bigint not null check (version > 0),
  changed_at timestamptz not null
);
