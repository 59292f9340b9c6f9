-- Stock is the hold engine's pools: an item is a SKU, a place a warehouse.
create table warehouse (
  warehouse_id text collate "C" primary key check (length(warehouse_id) between 1 and 50),
  name text not null,
  country char(2) not null,
  latitude double precision not null check (latitude between -90 and 90),
  longitude double precision not null check (longitude between -180 and 180)
);

insert into warehouse (warehouse_id, name, country, latitude, longitude) values
  ('WH001', 'Reno', 'US', 39.53, -119.81),
  ('WH002', 'Rotterdam', 'NL', 51.92, 4.48),
  ('WH003', 'Singapore', 'SG', 1.35, 103.82);

alter table pool add constraint pool_item_check check (length(item) between 1 and 100);
alter table pool add constraint pool_place_fkey foreign key (place) references warehouse (warehouse_id);
create index pool_place_idx on pool (place);

-- Sales and returns of a SKU in a window of time.
create index movement_sales_idx on movement (item, created_at) where kind in ('completed', 'restocked');

-- The names that the requirement documents use.
create view inventory as
select id, item as sku, place as warehouse_id, available, reserved, total, version, updated_at as last_updated
  from pool;

create view reservation as
select r.reservation_id, r.item as sku, r.place as warehouse_id, r.quantity, h.owner as user_id,
       h.reference as order_id, h.expires_at, r.status, h.created_at, r.hold_id
  from hold_part r join hold h on h.hold_id = r.hold_id;

-- Deliveries that were booked. The key is what stops a second booking; the reply is what a repeat gets.
create table receipt (
  seller_id text not null,
  document_id text not null,
  sku text not null,
  warehouse_id text not null,
  quantity bigint not null check (quantity > 0),
  reply bytea,
  created_at timestamptz not null,
  primary key (seller_id, document_id)
);

-- On which side of the threshold a SKU was when anybody was last told; no row: not below.
create table low_stock (
  sku text collate "C" primary key,
  is_low boolean not null,
  changed_at timestamptz not null
);
