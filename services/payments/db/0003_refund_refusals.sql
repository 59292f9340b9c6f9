-- A provider may refuse a refund. Its money then counts as not given back, and its repeat tries again after a
-- while, under a key of its own at the provider.
alter table refunds add column attempts integer not null default 1 check (attempts > 0);
alter table refunds add column refusal varchar(100) not null default '';
