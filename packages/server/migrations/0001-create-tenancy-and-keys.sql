-- Everything lives in one schema; ownkey_control and ownkey_worker have it as their search_path.
CREATE SCHEMA IF NOT EXISTS ownkey;
SET LOCAL search_path = ownkey, pg_temp;

-- One row: what is true for the whole installation. config_version moves with plans, platform keys and host tokens.
CREATE TABLE installation (
  id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  config_version bigint NOT NULL DEFAULT 1,
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation DEFAULT VALUES;

CREATE TABLE plans (
  id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  name text NOT NULL,
  byok boolean NOT NULL,
  byok_providers text[],               -- null = every provider
  personal_keys boolean NOT NULL DEFAULT true,
  platform_models text[],              -- null = every model of a platform key; '{}' = none
  credits_nano_usd bigint,             -- per UTC month; null = no limit
  requests_per_minute int CHECK (requests_per_minute > 0),
  concurrent_requests int CHECK (concurrent_requests > 0),
  upgrade_url text,
  position int NOT NULL DEFAULT 0
);
INSERT INTO plans (id, name, byok, credits_nano_usd, requests_per_minute, concurrent_requests, position) VALUES
  ('free', 'Free', false, 1000000000, 60, 5, 1),
  ('pro', 'Pro', true, 10000000000, 600, 50, 2),
  ('business', 'Business', true, 100000000000, NULL, NULL, 3);

CREATE TABLE companies (
  id text PRIMARY KEY,
  external_id text UNIQUE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 10000),
  plan text NOT NULL REFERENCES plans (id),
  ai_enabled boolean NOT NULL DEFAULT true,
  ai_changed_at timestamptz NOT NULL DEFAULT now(),
  ai_changed_by text,
  zero_retention boolean NOT NULL DEFAULT false,
  settings jsonb NOT NULL DEFAULT '{}',
  settings_version bigint NOT NULL DEFAULT 1,
  config_version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
  id text PRIMARY KEY,
  company_id text NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
  external_id text,
  role text NOT NULL DEFAULT 'member' CHECK (role IN ('admin', 'member')),
  email text,
  name text,
  login_id text UNIQUE,                -- id of the sign-in account, where the user has one
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (company_id, external_id)
);
CREATE INDEX users_by_company ON users (company_id, created_at);

CREATE TABLE tokens (
  id text PRIMARY KEY,
  hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),   -- SHA-256 of the token; the token itself is shown once
  prefix text NOT NULL,                                   -- first characters, for recognising it
  last4 text NOT NULL,
  name text NOT NULL,
  company_id text REFERENCES companies (id) ON DELETE CASCADE,   -- null = the host's or an operator's
  user_id text REFERENCES users (id) ON DELETE CASCADE,          -- set for embed sessions and personal tokens
  scopes text[] NOT NULL,
  kind text NOT NULL DEFAULT 'token' CHECK (kind IN ('token', 'embed')),
  parent_origins text[],
  created_by text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  last_used_at timestamptz
);
CREATE INDEX tokens_by_company ON tokens (company_id, created_at);

-- HPKE key pairs the browser seals to. The private half is wrapped by the KEK; only the worker may read it.
CREATE TABLE sealing_keys (
  kid text PRIMARY KEY,
  public_key bytea NOT NULL,
  fingerprint text NOT NULL,
  wrapped_private bytea NOT NULL,
  kek_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz
);

CREATE TABLE keys (
  id text PRIMARY KEY,
  owner text NOT NULL CHECK (owner IN ('company', 'user', 'platform')),
  company_id text REFERENCES companies (id) ON DELETE CASCADE,
  user_id text REFERENCES users (id) ON DELETE CASCADE,
  provider text NOT NULL,              -- catalogue id, or 'custom'
  slug text,                           -- custom endpoints: first segment of their model names
  preset text,
  base_url text,
  destination text NOT NULL,           -- 'catalogue:<id>' or the origin of a custom endpoint; part of the envelope's AAD
  keyless boolean NOT NULL DEFAULT false,
  label text NOT NULL DEFAULT '',
  mask text NOT NULL DEFAULT '',
  last4 text CHECK (last4 IS NULL OR length(last4) = 4),
  enabled boolean NOT NULL DEFAULT true,
  position int NOT NULL DEFAULT 0,
  allowed_models text[],
  status text NOT NULL DEFAULT 'pending' CHECK (status IN
    ('pending', 'valid', 'limited', 'no_credit', 'rate_limited', 'invalid', 'unreachable', 'undecryptable')),
  status_detail jsonb,                 -- {http_status, code, provider_message, since, ...}, scrubbed
  permissions jsonb,
  models_count int,
  latency_ms int,
  version int NOT NULL DEFAULT 1,
  row_version bigint NOT NULL DEFAULT 1,      -- ETag: moves with every change a person made
  changed_by text,
  created_by text,
  created_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  tested_at timestamptz,
  last_used_at timestamptz,
  requests_handled bigint NOT NULL DEFAULT 0,
  CHECK ((owner = 'platform') = (company_id IS NULL)),
  CHECK ((owner = 'user') = (user_id IS NOT NULL)),
  CHECK ((provider = 'custom') = (slug IS NOT NULL)),
  CHECK (owner <> 'platform' OR provider <> 'custom')
);
CREATE UNIQUE INDEX keys_slug ON keys (company_id, coalesce(user_id, ''), slug) WHERE slug IS NOT NULL;
CREATE INDEX keys_by_company ON keys (company_id, provider, position);

-- What opens to the key, with the KEK. Control has no right to read it; deleting the key row deletes it.
CREATE TABLE envelopes (
  key_id text PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
  version int NOT NULL,
  kek_id text NOT NULL,
  wrapped_dek bytea NOT NULL,
  commitment bytea NOT NULL,
  body bytea NOT NULL
);
CREATE INDEX envelopes_by_kek ON envelopes (kek_id);

-- Whose key pays, per provider and sub-account ('' = all). No row: own keys are used where there are any.
CREATE TABLE sources (
  company_id text NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
  provider text NOT NULL,              -- catalogue id or the slug of a custom endpoint
  account text NOT NULL DEFAULT '',
  source text NOT NULL CHECK (source IN ('own', 'platform')),
  on_failure text NOT NULL DEFAULT 'platform' CHECK (on_failure IN ('stop', 'platform')),
  row_version bigint NOT NULL DEFAULT 1,
  changed_by text,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, provider, account)
);

-- The last good model list of a key, written by the worker; `error` says why the newest attempt failed.
CREATE TABLE model_lists (
  key_id text PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
  company_id text REFERENCES companies (id) ON DELETE CASCADE,
  models jsonb NOT NULL DEFAULT '[]',
  fetched_at timestamptz,
  tried_at timestamptz NOT NULL DEFAULT now(),
  error jsonb
);

-- The only way the control plane asks the worker for anything. `sealed` is nulled as soon as the job is taken.
CREATE TABLE worker_jobs (
  id text PRIMARY KEY,
  kind text NOT NULL,
  company_id text REFERENCES companies (id) ON DELETE CASCADE,   -- null = platform keys
  payload jsonb NOT NULL DEFAULT '{}',
  sealed text,
  idempotency_key text,
  actor text,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
  steps jsonb NOT NULL DEFAULT '[]',
  result jsonb,
  error_code text,
  attempts int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL DEFAULT now() + interval '5 minutes',
  taken_at timestamptz,
  finished_at timestamptz
);
CREATE INDEX worker_jobs_open ON worker_jobs (created_at) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX worker_jobs_idempotency ON worker_jobs (coalesce(company_id, ''), kind, idempotency_key)
  WHERE idempotency_key IS NOT NULL;

-- Nonces of sealed keys, kept until they expire: a sealed blob is used once.
CREATE TABLE used_nonces (
  nonce text PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
CREATE INDEX used_nonces_by_expiry ON used_nonces (expires_at);
