-- ORD-04. An order keeps its own copy of prices and addresses (K26): no key points into another service.
create table orders (
  id uuid primary key,
  order_number varchar(50) not null unique,
  user_id varchar(64) not null,
  status varchar(20) not null check (
    status in ('pending', 'confirmed', 'shipped', 'delivered', 'returned', 'failed', 'cancelled')
  ),
  currency char(3) not null,
  subtotal_minor bigint not null check (subtotal_minor >= 0),
  discount_minor bigint not null check (discount_minor between 0 and subtotal_minor),
  tax_minor bigint not null check (tax_minor >= 0),
  shipping_fee_minor bigint not null check (shipping_fee_minor >= 0),
  total_minor bigint not null,
  shipping_address jsonb not null,
  billing_address jsonb not null,
  coupons text[] not null,
  payment_method varchar(20) not null,
  -- What the provider knows the card by; emptied when the checkout has ended.
  payment_token varchar(200) not null,
  payment_status varchar(20) not null,
  payment_id varchar(100) not null default '',
  payment_action_url text not null default '',
  failure_reason varchar(100) not null default '',
  failure_message varchar(500) not null default '',
  failure_metadata jsonb not null default '{}',
  estimated_delivery date,
  shipped_at timestamptz,
  delivered_at timestamptz,
  -- The buyer's Idempotency-Key and what came with it. The unique constraint is what stops a second order.
  request_id uuid not null,
  request_hash bytea not null,
  -- Which workflow the order is with, and when it was done with it; null while there is work, which the
  -- recovery job watches.
  workflow varchar(20) not null check (workflow in ('checkout', 'refund')),
  settled_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (user_id, request_id),
  check (total_minor = subtotal_minor - discount_minor + tax_minor + shipping_fee_minor)
);

create index orders_user_id_idx on orders (user_id, created_at desc, id desc);
create index orders_status_idx on orders (status, created_at);
create index orders_created_at_idx on orders (created_at desc, id desc);
create index orders_unsettled_idx on orders (updated_at) where settled_at is null;

-- ORD-05.
create table order_items (
  id uuid primary key,
  order_id uuid not null references orders (id),
  line integer not null check (line > 0),
  product_id varchar(100) not null,
  sku varchar(100) not null,
  name varchar(500) not null,
  seller_id varchar(64) not null,
  quantity integer not null check (quantity > 0),
  unit_price_minor bigint not null check (unit_price_minor >= 0),
  total_price_minor bigint not null,
  status varchar(20) not null check (status in ('pending', 'shipped', 'delivered', 'returned')),
  tracking_number varchar(50) not null default '',
  shipped_at timestamptz,
  unique (order_id, line),
  check (total_price_minor = unit_price_minor * quantity)
);

create index order_items_seller_id_idx on order_items (seller_id, order_id);

-- Parcel numbers of our own, such as TR123456.
create sequence tracking_number start 100000;
