-- The demo shop: a small but real web shop that the example agents work on.
-- Every statement may be run again. No foreign key cascades: what a statement touches is what its preview shows.
-- Amounts are hundredths of the currency (the shop bills no zero-decimal currency).
CREATE SCHEMA IF NOT EXISTS shop;

CREATE TABLE IF NOT EXISTS shop.customers (
    id          text PRIMARY KEY CHECK (id ~ '^C-[0-9]{3,9}$'),
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    email       text NOT NULL UNIQUE CHECK (email LIKE '%_@_%'),
    language    text NOT NULL,
    country     text NOT NULL,
    is_active   boolean NOT NULL DEFAULT true,
    newsletter  boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS shop.products (
    sku          text PRIMARY KEY,
    title        text NOT NULL,
    price_cents  integer NOT NULL CHECK (price_cents > 0),
    stock        integer NOT NULL DEFAULT 0 CHECK (stock >= 0),
    discontinued boolean NOT NULL DEFAULT false
);

CREATE TABLE IF NOT EXISTS shop.orders (
    id           text PRIMARY KEY CHECK (id ~ '^A-[0-9]{5,9}$'),
    customer_id  text NOT NULL REFERENCES shop.customers (id),
    status       text NOT NULL CHECK (status IN ('unpaid', 'paid', 'shipped', 'delivered', 'returned', 'cancelled')),
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    total_cents  integer NOT NULL CHECK (total_cents > 0),
    placed_at    timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_customer ON shop.orders (customer_id, placed_at DESC);

CREATE TABLE IF NOT EXISTS shop.order_items (
    order_id    text NOT NULL REFERENCES shop.orders (id),
    line        smallint NOT NULL CHECK (line > 0),
    sku         text NOT NULL REFERENCES shop.products (sku),
    title       text NOT NULL,
    quantity    integer NOT NULL CHECK (quantity > 0),
    unit_cents  integer NOT NULL CHECK (unit_cents > 0),
    PRIMARY KEY (order_id, line)
);

-- refunded_cents is the running total that the CHECK bounds: two refunds that race cannot together exceed the payment.
CREATE TABLE IF NOT EXISTS shop.payments (
    id              text PRIMARY KEY,
    order_id        text NOT NULL UNIQUE REFERENCES shop.orders (id),
    method          text NOT NULL CHECK (method IN ('card', 'paypal', 'transfer')),
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_cents    integer NOT NULL CHECK (amount_cents > 0),
    refunded_cents  integer NOT NULL DEFAULT 0,
    captured_at     timestamptz NOT NULL,
    CONSTRAINT payments_refunded_within_paid CHECK (refunded_cents BETWEEN 0 AND amount_cents)
);

CREATE TABLE IF NOT EXISTS shop.refunds (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id       text NOT NULL REFERENCES shop.payments (id),
    order_id         text NOT NULL REFERENCES shop.orders (id),
    ticket_id        text,
    amount_cents     integer NOT NULL CHECK (amount_cents > 0),
    currency         text NOT NULL,
    reason           text NOT NULL,
    idempotency_key  text NOT NULL UNIQUE,
    created_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS shop.store_credits (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id      text NOT NULL REFERENCES shop.customers (id),
    ticket_id        text,
    amount_cents     integer NOT NULL CHECK (amount_cents BETWEEN 1 AND 100000),
    currency         text NOT NULL,
    reason           text NOT NULL,
    idempotency_key  text NOT NULL UNIQUE,
    created_at       timestamptz NOT NULL DEFAULT now(),
    voided_at        timestamptz
);

CREATE TABLE IF NOT EXISTS shop.tickets (
    id           text PRIMARY KEY CHECK (id ~ '^T-[0-9]{4,9}$'),
    customer_id  text NOT NULL REFERENCES shop.customers (id),
    language     text NOT NULL,
    subject      text NOT NULL,
    body         text NOT NULL,
    status       text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'answered', 'escalated', 'closed')),
    received_at  timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS shop.mailbox (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id        text NOT NULL REFERENCES shop.tickets (id),
    recipient        text NOT NULL,
    subject          text NOT NULL,
    body             text NOT NULL,
    idempotency_key  text NOT NULL UNIQUE,
    sent_at          timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS shop.escalations (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id        text NOT NULL REFERENCES shop.tickets (id),
    team             text NOT NULL CHECK (team IN ('support', 'payments', 'fraud', 'legal')),
    reason           text NOT NULL,
    idempotency_key  text NOT NULL UNIQUE,
    created_at       timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE shop.escalations ADD COLUMN IF NOT EXISTS withdrawn_at timestamptz;

CREATE TABLE IF NOT EXISTS shop.carts (
    id           text PRIMARY KEY,
    customer_id  text REFERENCES shop.customers (id),
    items        integer NOT NULL CHECK (items >= 0),
    updated_at   timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS shop.coupons (
    code        text PRIMARY KEY,
    percent     integer NOT NULL CHECK (percent BETWEEN 1 AND 90),
    active      boolean NOT NULL DEFAULT true,
    expires_at  timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS shop.reviews (
    id           integer PRIMARY KEY,
    sku          text NOT NULL REFERENCES shop.products (sku),
    customer_id  text REFERENCES shop.customers (id),
    stars        smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    body         text NOT NULL,
    is_spam      boolean NOT NULL DEFAULT false
);

-- One row per statement the dba agent ran, written in the statement's own transaction: it says whether it happened.
CREATE TABLE IF NOT EXISTS shop.statement_ledger (
    idempotency_key  text PRIMARY KEY,
    statement        text NOT NULL,
    rows_touched     integer NOT NULL,
    rows_sha256      text NOT NULL,
    done_at          timestamptz NOT NULL DEFAULT now()
);
