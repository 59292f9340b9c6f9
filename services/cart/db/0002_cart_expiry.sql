-- When carts with lines end, so that nobody's ends in silence (CART-08, K7). Written behind the carts, in
-- batches.
create table cart_expiry (
  user_id varchar(64) primary key,
  expires_at timestamptz not null,
  item_count integer not null check (item_count >= 0)
);

create index cart_expiry_expires_at_idx on cart_expiry (expires_at);
