SET LOCAL search_path = ownkey, pg_temp;

-- One row per AI call (also probes and model lists): inserted by reserve() before the provider is called, updated by settle().
CREATE TABLE requests (
  id text NOT NULL,
  day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
  company_id text,                     -- null = operator's own probes of platform keys
  user_id text,
  token_id text,
  account text,
  operation text,
  kind text NOT NULL DEFAULT 'call' CHECK (kind IN ('call', 'probe', 'models')),
  wire text,
  streaming boolean NOT NULL DEFAULT false,
  provider text NOT NULL,
  slug text NOT NULL,
  model text NOT NULL,
  key_id text,
  key_version int,
  last4 text,
  key_source text NOT NULL CHECK (key_source IN ('own', 'platform')),
  fallback_reason text,
  reserved_nano_usd bigint NOT NULL DEFAULT 0 CHECK (reserved_nano_usd >= 0),
  state text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'settled', 'released', 'expired')),
  http_status int,
  error_code text,
  provider_request_id text,
  input_tokens bigint NOT NULL DEFAULT 0,
  cached_tokens bigint NOT NULL DEFAULT 0,
  cache_write_5m_tokens bigint NOT NULL DEFAULT 0,
  cache_write_1h_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  reasoning_tokens bigint NOT NULL DEFAULT 0,
  cost_nano_usd bigint,                -- null = no price known
  cost_basis text CHECK (cost_basis IN ('reported', 'counted', 'estimated')),
  over_reservation boolean NOT NULL DEFAULT false,
  latency_ms int,
  ttfb_ms int,
  worker_id text,
  created_at timestamptz NOT NULL DEFAULT now(),
  settled_at timestamptz,
  PRIMARY KEY (day, id)
) PARTITION BY RANGE (day);
CREATE TABLE requests_other PARTITION OF requests DEFAULT WITH (fillfactor = 70);
-- settle() changes no indexed column, so that its update stays on the row's page and touches no index.
CREATE INDEX requests_by_company ON requests (company_id, created_at DESC);

-- Calls that are running, until when they are held. Small: a row lives as long as its call.
CREATE TABLE reservations (
  day date NOT NULL,
  id text NOT NULL,
  lease_until timestamptz NOT NULL DEFAULT now() + interval '60 seconds',
  PRIMARY KEY (day, id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Partitions of this and the next month; called by migrate and by the control plane every day. Safe to call at any time.
CREATE FUNCTION ensure_partitions() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
DECLARE first date; partition text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.partitions'));
  FOR offset_months IN 0..1 LOOP
    first := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => offset_months))::date;
    partition := 'requests_' || to_char(first, 'YYYY_MM');
    IF to_regclass('ownkey.' || partition) IS NULL
       AND NOT EXISTS (SELECT 1 FROM requests_other WHERE day >= first AND day < (first + interval '1 month')::date) THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF requests FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 70)',
        partition, first, (first + interval '1 month')::date);
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
    END IF;
  END LOOP;
END $$;
SELECT ensure_partitions();

-- Append-only. xid gives the sealer a horizon: below the oldest running transaction nothing new can appear.
CREATE TABLE audit_events (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- Begins with the time, so that new entries meet in one place of the index.
  id text NOT NULL UNIQUE DEFAULT 'aud_' || lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
    || substr(replace(gen_random_uuid()::text, '-', ''), 1, 20),
  company_id text,                     -- null = the installation
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL,                  -- 'call.started', 'call.settled', 'key.connected', 'source.changed', ...
  actor text NOT NULL DEFAULT 'system',
  user_id text,
  request_id text,
  request_day date,
  key_id text,
  provider text,
  last4 text,
  data jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_events_to_seal ON audit_events (xid, seq);
CREATE INDEX audit_events_by_company ON audit_events (company_id, seq DESC);
CREATE INDEX audit_events_by_request ON audit_events (request_id) WHERE request_id IS NOT NULL;

-- The text an entry's hash covers; jsonb's own text form is canonical.
CREATE FUNCTION audit_text(e audit_events) RETURNS text LANGUAGE sql STABLE SET search_path = ownkey, pg_temp AS $$
  SELECT jsonb_build_array(e.id, e.company_id, extract(epoch FROM e.at)::text, e.kind, e.actor, e.user_id, e.request_id,
    e.request_day, e.key_id, e.provider, e.last4, e.data)::text
$$;

CREATE TABLE audit_chain (
  company_id text NOT NULL,            -- '' = the installation
  n bigint NOT NULL,
  event_id text NOT NULL UNIQUE,
  hash bytea NOT NULL,                 -- SHA-256(previous hash || audit_text)
  PRIMARY KEY (company_id, n)
);
CREATE TABLE audit_heads (
  company_id text PRIMARY KEY,
  n bigint NOT NULL,
  hash bytea NOT NULL,
  mac bytea NOT NULL,                  -- HMAC of company, n and hash with a key derived from the KEK
  kek_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE audit_sealer (
  id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  xid xid8 NOT NULL DEFAULT '0',
  seq bigint NOT NULL DEFAULT 0
);
INSERT INTO audit_sealer DEFAULT VALUES;

-- Hourly sums, kept in the settle transaction; dashboards read these, never `requests`.
CREATE TABLE usage_hourly (
  company_id text NOT NULL,
  hour timestamptz NOT NULL,
  provider text NOT NULL,
  slug text NOT NULL,
  model text NOT NULL,
  operation text NOT NULL,             -- '' = untagged
  user_id text NOT NULL,               -- '' = none
  key_id text NOT NULL,
  key_source text NOT NULL,
  requests bigint NOT NULL DEFAULT 0,
  errors bigint NOT NULL DEFAULT 0,
  fallbacks bigint NOT NULL DEFAULT 0,
  unpriced bigint NOT NULL DEFAULT 0,
  estimated bigint NOT NULL DEFAULT 0,
  input_tokens bigint NOT NULL DEFAULT 0,
  cached_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  cost_nano_usd bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source)
);
