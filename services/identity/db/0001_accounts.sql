-- U-04. email keeps the letters as given; email_key is what uniqueness and sign-in look at.
create table users (
  id uuid primary key,
  name varchar(255) not null,
  email varchar(255) not null,
  email_key varchar(255) generated always as (lower(email)) stored,
  password_hash varchar(255) not null,
  roles text[] not null check (cardinality(roles) > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint users_email_key unique (email_key)
);

-- Sign-ins that failed in a row, by address whether or not an account has it: the answer must not tell.
create table sign_in_failure (
  email_key varchar(255) primary key,
  failures integer not null check (failures > 0),
  first_failed_at timestamptz not null
);

create table address (
  id uuid primary key,
  user_id uuid not null references users (id),
  name varchar(255) not null,
  line1 varchar(255) not null,
  line2 varchar(255) not null,
  city varchar(100) not null,
  region varchar(100) not null,
  postal_code varchar(20) not null,
  country char(2) not null,
  created_at timestamptz not null
);

create index address_user_id_idx on address (user_id, created_at, id);

create table preference (
  user_id uuid primary key references users (id),
  locale varchar(35) not null,
  currency char(3) not null,
  marketing_consent boolean not null,
  updated_at timestamptz not null
);

-- Cards that paid before, as their owner recognises them. Learnt from payment.completed; never a number or a
-- token.
create table payment_method (
  user_id uuid not null,
  brand varchar(20) not null,
  last4 varchar(4) not null,
  last_used_at timestamptz not null,
  primary key (user_id, brand, last4)
);
