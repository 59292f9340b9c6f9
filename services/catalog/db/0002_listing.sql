-- The read model: every product as the lists show it, fed by product.changed. The documents are the truth.
create table listing (
  product_id uuid primary key,
  -- A row never goes back to an older version, in whatever order events arrive.
  version bigint not null check (version > 0),
  seller_id uuid not null,
  status text not null check (status in ('draft', 'active', 'deleted')),
  brand_key text not null,
  created_at timestamptz not null,
  -- The document as souk.catalog.v1.ProductDocument.
  card bytea not null
);

create index listing_active_idx on listing (created_at desc, product_id desc)
  where status = 'active';
create index listing_brand_idx on listing (brand_key, created_at desc, product_id desc)
  where status = 'active';
create index listing_seller_idx on listing (seller_id, created_at desc, product_id desc)
  where status <> 'deleted';

-- One row for each active product and each node of the taxonomy that it is at or under, so that a category's
-- page is one walk of an index.
create table listing_category (
  product_id uuid not null references listing (product_id) on delete cascade,
  -- The node's path in lower case, such as electronics/mobile phones.
  path_key text not null,
  -- The path of the node above; empty for roots.
  parent_key text not null,
  -- The path as the seller wrote it.
  path text not null,
  created_at timestamptz not null,
  primary key (product_id, path_key)
);

create index listing_category_page_idx on listing_category (path_key, created_at desc, product_id desc);
create index listing_category_children_idx on listing_category (parent_key, path_key);
