create table coupon (
  code varchar(50) primary key check (code = upper(code)),
  type varchar(20) not null check (type in ('percentage', 'fixed')),
  -- Hundredths of a percent: 1000 is 10%.
  basis_points integer check (basis_points between 1 and 10000),
  amount_minor bigint check (amount_minor > 0),
  currency char(3),
  valid_from timestamptz not null,
  valid_until timestamptz,
  usage_limit integer check (usage_limit > 0),
  used_count integer not null default 0 check (used_count >= 0),
  check ((type = 'percentage') = (basis_points is not null)),
  check ((type = 'fixed') = (amount_minor is not null and currency is not null))
);

-- Who used it: an order counts once, however often its event comes.
create table coupon_use (
  code varchar(50) not null references coupon (code),
  order_id varchar(64) not null,
  used_at timestamptz not null,
  primary key (code, order_id)
);

insert into coupon
  (code, type, basis_points, amount_minor, currency, valid_from, valid_until, usage_limit)
values
  ('SAVE10', 'percentage', 1000, null, null, '2025-01-01', null, null),
  ('FIRSTORDER', 'fixed', null, 500, 'USD', '2025-01-01', null, null),
  ('SUMMER24', 'percentage', 2500, null, null, '2024-06-01', '2024-09-01', null);
