-- A row lives as long as its cart, so that a note which got lost is made up for when the row falls due: a day
-- before the noted end, and once more at it.
alter table cart_expiry add column announced boolean not null default false;
drop index cart_expiry_expires_at_idx;
create index cart_expiry_due_idx on cart_expiry (announced, expires_at, user_id);
