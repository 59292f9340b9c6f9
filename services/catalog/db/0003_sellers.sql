-- What seller.changed said last about a seller. Who has no row was never spoken of, and sells.
create table seller (
  seller_id uuid primary key,
  is_active boolean not null,
  -- The event's: a row never goes back to an older one, in whatever order events arrive.
  version bigint not null check (version > 0)
);
