-- Which product has, or is about to get, a SKU. The row commits before the product's document names the SKU
-- and goes after the document no longer does, so the primary key keeps a SKU unique in the shop.
create table sku_claim (
  sku text primary key check (sku ~ '^[A-Za-z0-9._-]{1,100}$'),
  product_id uuid not null,
  -- The document's version that the SKU was claimed for: an older write may not free what a newer one took.
  version bigint not null check (version > 0),
  claimed_at timestamptz not null
);

-- The rebuild of the listing walks the products in this order.
create index sku_claim_product_id_idx on sku_claim (product_id);
