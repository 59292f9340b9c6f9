-- A delivery note has a line for each SKU, and a delivery may be split between warehouses.
alter table receipt drop constraint receipt_pkey, add primary key (seller_id, document_id, sku, warehouse_id);
