-- The simulator's own books, as a provider would keep them on its side: written in transactions of their own,
-- never with a payment's. Tests count charges here.
create table simulator_charge (
  charge_key varchar(100) primary key,
  amount_minor bigint not null,
  currency char(3) not null,
  token varchar(200) not null,
  state varchar(20) not null
    check (state in ('needs_action', 'authorized', 'captured', 'declined', 'cancelled')),
  decline_code varchar(50) not null default '',
  refunded_minor bigint not null default 0,
  created_at timestamptz not null,
  check (refunded_minor between 0 and amount_minor)
);

create table simulator_refund (
  refund_key varchar(100) primary key,
  charge_key varchar(100) not null references simulator_charge (charge_key),
  amount_minor bigint not null,
  created_at timestamptz not null
);

create index simulator_refund_charge_key_idx on simulator_refund (charge_key);
