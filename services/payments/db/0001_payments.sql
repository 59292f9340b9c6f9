-- PAY-01. One payment per checkout: the unique constraint is what stops a second charge.
create table payments (
  id uuid primary key,
  checkout_id uuid not null unique,
  order_id varchar(64) not null,
  user_id varchar(64) not null,
  amount_minor bigint not null check (amount_minor >= 0),
  currency char(3) not null,
  captured_minor bigint not null default 0 check (captured_minor in (0, amount_minor)),
  refunded_minor bigint not null default 0,
  payment_method varchar(20) not null check (payment_method in ('card', 'cod')),
  payment_gateway varchar(20) not null,
  status varchar(20) not null check (
    status in (
      'pending', 'processing', 'completed', 'failed', 'refunded', 'pending_cod', 'authorized', 'unknown'
    )
  ),
  -- What the provider knows the card by; emptied when the payment has ended. Never a card number (PAY-12).
  token varchar(200) not null,
  gateway_transaction_id varchar(100) not null default '',
  card_last4 varchar(4) not null default '',
  card_brand varchar(20) not null default '',
  decline_code varchar(50) not null default '',
  next_action_url text not null default '',
  -- Who is talking to the provider about this payment at the moment: nobody else may until then (K14).
  lease_until timestamptz,
  retry_count integer not null default 0,
  last_retry_at timestamptz,
  -- When the provider is to be asked again about a payment whose answer was lost.
  look_up_at timestamptz,
  look_ups integer not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check (refunded_minor between 0 and captured_minor)
);

create index payments_order_id_idx on payments (order_id, created_at desc, id desc);
create index payments_user_id_idx on payments (user_id, created_at desc, id desc);
create index payments_status_idx on payments (status, created_at);
create index payments_created_at_idx on payments (created_at desc, id desc);
create index payments_look_up_at_idx on payments (look_up_at) where look_up_at is not null;
create index payments_gateway_transaction_id_idx on payments (gateway_transaction_id);

-- Money on its way back. The amount counts against the payment from the moment the row is there, before the
-- provider hears of it: parallel refunds can never add up to more than was taken (PAY-10).
create table refunds (
  id uuid primary key,
  payment_id uuid not null references payments (id),
  request_id uuid not null,
  amount_minor bigint not null check (amount_minor > 0),
  status varchar(20) not null check (status in ('pending', 'completed', 'failed')),
  reason varchar(500) not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (payment_id, request_id)
);

create index refunds_pending_idx on refunds (updated_at) where status = 'pending';
