-- Written by tools/schema.mjs from the migrations. Do not edit.

CREATE TABLE audit_chain (
  company_id text NOT NULL,
  n bigint NOT NULL,
  event_id text NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT audit_chain_event_id_key UNIQUE (event_id),
  CONSTRAINT audit_chain_pkey PRIMARY KEY (company_id, n)
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
GRANT SELECT ON audit_chain TO ownkey_control;
GRANT INSERT ON audit_chain TO ownkey_worker;
GRANT SELECT ON audit_chain TO ownkey_worker;

CREATE TABLE audit_events (
  seq bigint NOT NULL IDENTITY,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  id text NOT NULL DEFAULT (('aud_'::text || lpad(to_hex(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint), 12, '0'::text)) || substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 1, 20)),
  company_id text,
  at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  kind text NOT NULL,
  actor text NOT NULL DEFAULT 'system'::text,
  user_id text,
  request_id text,
  request_day date,
  key_id text,
  provider text,
  last4 text,
  data jsonb NOT NULL DEFAULT '{}'::jsonb,
  CONSTRAINT audit_events_id_key UNIQUE (id),
  CONSTRAINT audit_events_pkey PRIMARY KEY (seq)
);
CREATE INDEX audit_events_by_company ON ownkey.audit_events USING btree (company_id, seq DESC);
CREATE INDEX audit_events_by_request ON ownkey.audit_events USING btree (request_id) WHERE (request_id IS NOT NULL);
CREATE INDEX audit_events_to_seal ON ownkey.audit_events USING btree (xid, seq);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
GRANT INSERT ON audit_events TO ownkey_control;
GRANT SELECT ON audit_events TO ownkey_control;
GRANT INSERT ON audit_events TO ownkey_worker;
GRANT SELECT ON audit_events TO ownkey_worker;

CREATE TABLE audit_heads (
  company_id text NOT NULL,
  n bigint NOT NULL,
  hash bytea NOT NULL,
  mac bytea NOT NULL,
  kek_id text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT audit_heads_pkey PRIMARY KEY (company_id)
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
GRANT SELECT ON audit_heads TO ownkey_control;
GRANT INSERT ON audit_heads TO ownkey_worker;
GRANT SELECT ON audit_heads TO ownkey_worker;
GRANT UPDATE ON audit_heads TO ownkey_worker;

CREATE TABLE audit_sealer (
  id integer NOT NULL DEFAULT 1,
  xid xid8 NOT NULL DEFAULT '0'::xid8,
  seq bigint NOT NULL DEFAULT 0,
  CONSTRAINT audit_sealer_id_check CHECK ((id = 1)),
  CONSTRAINT audit_sealer_pkey PRIMARY KEY (id)
);
-- row security: off
GRANT SELECT ON audit_sealer TO ownkey_worker;
GRANT UPDATE ON audit_sealer TO ownkey_worker;

CREATE TABLE companies (
  id text NOT NULL,
  external_id text,
  name text NOT NULL,
  plan text NOT NULL,
  ai_enabled boolean NOT NULL DEFAULT true,
  ai_changed_at timestamp with time zone NOT NULL DEFAULT now(),
  ai_changed_by text,
  zero_retention boolean NOT NULL DEFAULT false,
  settings jsonb NOT NULL DEFAULT '{}'::jsonb,
  settings_version bigint NOT NULL DEFAULT 1,
  config_version bigint NOT NULL DEFAULT 1,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT companies_external_id_key UNIQUE (external_id),
  CONSTRAINT companies_name_check CHECK (((length(name) >= 1) AND (length(name) <= 10000))),
  CONSTRAINT companies_pkey PRIMARY KEY (id),
  CONSTRAINT companies_plan_fkey FOREIGN KEY (plan) REFERENCES plans(id)
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER companies_bump AFTER UPDATE OF plan, ai_enabled, zero_retention, settings ON ownkey.companies FOR EACH ROW EXECUTE FUNCTION bump_on_company_change();
CREATE TRIGGER companies_bump_delete AFTER DELETE ON ownkey.companies FOR EACH STATEMENT EXECUTE FUNCTION bump_on_plan_change();
GRANT INSERT ON companies TO ownkey_control;
GRANT SELECT ON companies TO ownkey_control;
GRANT UPDATE ON companies TO ownkey_control;
GRANT SELECT ON companies TO ownkey_worker;

CREATE TABLE envelopes (
  key_id text NOT NULL,
  version integer NOT NULL,
  kek_id text NOT NULL,
  wrapped_dek bytea NOT NULL,
  commitment bytea NOT NULL,
  body bytea NOT NULL,
  CONSTRAINT envelopes_key_id_fkey FOREIGN KEY (key_id) REFERENCES keys(id) ON DELETE CASCADE,
  CONSTRAINT envelopes_pkey PRIMARY KEY (key_id)
);
CREATE INDEX envelopes_by_kek ON ownkey.envelopes USING btree (kek_id);
-- row security: off
GRANT INSERT ON envelopes TO ownkey_worker;
GRANT SELECT ON envelopes TO ownkey_worker;
GRANT UPDATE ON envelopes TO ownkey_worker;

CREATE TABLE installation (
  id integer NOT NULL DEFAULT 1,
  config_version bigint NOT NULL DEFAULT 1,
  settings jsonb NOT NULL DEFAULT '{}'::jsonb,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT installation_id_check CHECK ((id = 1)),
  CONSTRAINT installation_pkey PRIMARY KEY (id)
);
-- row security: off
GRANT SELECT ON installation TO ownkey_control;
GRANT UPDATE (settings) ON installation TO ownkey_control;
GRANT SELECT ON installation TO ownkey_worker;

CREATE TABLE keys (
  id text NOT NULL,
  owner text NOT NULL,
  company_id text,
  user_id text,
  provider text NOT NULL,
  slug text,
  preset text,
  base_url text,
  destination text NOT NULL,
  keyless boolean NOT NULL DEFAULT false,
  label text NOT NULL DEFAULT ''::text,
  mask text NOT NULL DEFAULT ''::text,
  last4 text,
  enabled boolean NOT NULL DEFAULT true,
  position integer NOT NULL DEFAULT 0,
  allowed_models text[],
  status text NOT NULL DEFAULT 'pending'::text,
  status_detail jsonb,
  permissions jsonb,
  models_count integer,
  latency_ms integer,
  version integer NOT NULL DEFAULT 1,
  row_version bigint NOT NULL DEFAULT 1,
  changed_by text,
  created_by text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  tested_at timestamp with time zone,
  last_used_at timestamp with time zone,
  requests_handled bigint NOT NULL DEFAULT 0,
  CONSTRAINT keys_check CHECK (((owner = 'platform'::text) = (company_id IS NULL))),
  CONSTRAINT keys_check1 CHECK (((owner = 'user'::text) = (user_id IS NOT NULL))),
  CONSTRAINT keys_check2 CHECK (((provider = 'custom'::text) = (slug IS NOT NULL))),
  CONSTRAINT keys_check3 CHECK (((owner <> 'platform'::text) OR (provider <> 'custom'::text))),
  CONSTRAINT keys_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT keys_last4_check CHECK (((last4 IS NULL) OR (length(last4) = 4))),
  CONSTRAINT keys_owner_check CHECK ((owner = ANY (ARRAY['company'::text, 'user'::text, 'platform'::text]))),
  CONSTRAINT keys_pkey PRIMARY KEY (id),
  CONSTRAINT keys_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'valid'::text, 'limited'::text, 'no_credit'::text, 'rate_limited'::text, 'invalid'::text, 'unreachable'::text, 'undecryptable'::text]))),
  CONSTRAINT keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX keys_by_company ON ownkey.keys USING btree (company_id, provider, "position");
CREATE UNIQUE INDEX keys_slug ON ownkey.keys USING btree (company_id, COALESCE(user_id, ''::text), slug) WHERE (slug IS NOT NULL);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER keys_bump_change AFTER UPDATE OF enabled, "position", allowed_models, status, version, base_url, destination, last4, slug ON ownkey.keys FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER keys_bump_row AFTER INSERT OR DELETE ON ownkey.keys FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER keys_tell_changed AFTER UPDATE OF enabled, version ON ownkey.keys FOR EACH ROW WHEN (((old.enabled AND (NOT new.enabled)) OR (old.version <> new.version))) EXECUTE FUNCTION tell_key_gone();
CREATE TRIGGER keys_tell_removed AFTER DELETE ON ownkey.keys FOR EACH ROW EXECUTE FUNCTION tell_key_gone();
GRANT DELETE ON keys TO ownkey_control;
GRANT SELECT ON keys TO ownkey_control;
GRANT UPDATE (allowed_models, changed_at, changed_by, enabled, label, position, row_version) ON keys TO ownkey_control;
GRANT INSERT ON keys TO ownkey_worker;
GRANT SELECT ON keys TO ownkey_worker;
GRANT UPDATE (base_url, changed_at, changed_by, destination, keyless, last4, latency_ms, mask, models_count, permissions, row_version, status, status_detail, tested_at, version) ON keys TO ownkey_worker;

CREATE TABLE logins (
  id text NOT NULL,
  email text NOT NULL,
  password_hash text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  password_changed_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT logins_email_check CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 254)))),
  CONSTRAINT logins_email_key UNIQUE (email),
  CONSTRAINT logins_pkey PRIMARY KEY (id)
);
-- row security: off
GRANT DELETE ON logins TO ownkey_control;
GRANT INSERT ON logins TO ownkey_control;
GRANT SELECT ON logins TO ownkey_control;
GRANT UPDATE (password_changed_at, password_hash) ON logins TO ownkey_control;

CREATE TABLE model_lists (
  key_id text NOT NULL,
  company_id text,
  models jsonb NOT NULL DEFAULT '[]'::jsonb,
  fetched_at timestamp with time zone,
  tried_at timestamp with time zone NOT NULL DEFAULT now(),
  error jsonb,
  CONSTRAINT model_lists_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT model_lists_key_id_fkey FOREIGN KEY (key_id) REFERENCES keys(id) ON DELETE CASCADE,
  CONSTRAINT model_lists_pkey PRIMARY KEY (key_id)
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
GRANT SELECT ON model_lists TO ownkey_control;
GRANT INSERT ON model_lists TO ownkey_worker;
GRANT SELECT ON model_lists TO ownkey_worker;
GRANT UPDATE ON model_lists TO ownkey_worker;

CREATE TABLE one_time_codes (
  hash bytea NOT NULL,
  purpose text NOT NULL,
  login_id text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT one_time_codes_hash_check CHECK ((length(hash) = 32)),
  CONSTRAINT one_time_codes_login_id_fkey FOREIGN KEY (login_id) REFERENCES logins(id) ON DELETE CASCADE,
  CONSTRAINT one_time_codes_pkey PRIMARY KEY (hash),
  CONSTRAINT one_time_codes_purpose_check CHECK ((purpose = ANY (ARRAY['set-up'::text, 'reset'::text])))
);
-- row security: off
GRANT DELETE ON one_time_codes TO ownkey_control;
GRANT INSERT ON one_time_codes TO ownkey_control;
GRANT SELECT ON one_time_codes TO ownkey_control;

CREATE TABLE operators (
  id text NOT NULL,
  login_id text NOT NULL,
  name text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT operators_login_id_fkey FOREIGN KEY (login_id) REFERENCES logins(id) ON DELETE CASCADE,
  CONSTRAINT operators_login_id_key UNIQUE (login_id),
  CONSTRAINT operators_pkey PRIMARY KEY (id)
);
-- row security: off
GRANT DELETE ON operators TO ownkey_control;
GRANT INSERT ON operators TO ownkey_control;
GRANT SELECT ON operators TO ownkey_control;

CREATE TABLE plans (
  id text NOT NULL,
  name text NOT NULL,
  byok boolean NOT NULL,
  byok_providers text[],
  personal_keys boolean NOT NULL DEFAULT true,
  platform_models text[],
  credits_nano_usd bigint,
  requests_per_minute integer,
  concurrent_requests integer,
  upgrade_url text,
  position integer NOT NULL DEFAULT 0,
  CONSTRAINT plans_concurrent_requests_check CHECK ((concurrent_requests > 0)),
  CONSTRAINT plans_id_check CHECK ((id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'::text)),
  CONSTRAINT plans_pkey PRIMARY KEY (id),
  CONSTRAINT plans_requests_per_minute_check CHECK ((requests_per_minute > 0))
);
-- row security: off
CREATE TRIGGER plans_bump AFTER INSERT OR DELETE OR UPDATE ON ownkey.plans FOR EACH STATEMENT EXECUTE FUNCTION bump_on_plan_change();
GRANT DELETE ON plans TO ownkey_control;
GRANT INSERT ON plans TO ownkey_control;
GRANT SELECT ON plans TO ownkey_control;
GRANT UPDATE ON plans TO ownkey_control;
GRANT SELECT ON plans TO ownkey_worker;

CREATE TABLE requests (
  id text NOT NULL,
  day date NOT NULL DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date,
  company_id text,
  user_id text,
  token_id text,
  account text,
  operation text,
  kind text NOT NULL DEFAULT 'call'::text,
  wire text,
  streaming boolean NOT NULL DEFAULT false,
  provider text NOT NULL,
  slug text NOT NULL,
  model text NOT NULL,
  key_id text,
  key_version integer,
  last4 text,
  key_source text NOT NULL,
  fallback_reason text,
  reserved_nano_usd bigint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'reserved'::text,
  http_status integer,
  error_code text,
  provider_request_id text,
  input_tokens bigint NOT NULL DEFAULT 0,
  cached_tokens bigint NOT NULL DEFAULT 0,
  cache_write_5m_tokens bigint NOT NULL DEFAULT 0,
  cache_write_1h_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  reasoning_tokens bigint NOT NULL DEFAULT 0,
  cost_nano_usd bigint,
  cost_basis text,
  over_reservation boolean NOT NULL DEFAULT false,
  latency_ms integer,
  ttfb_ms integer,
  worker_id text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  settled_at timestamp with time zone,
  CONSTRAINT requests_cost_basis_check CHECK ((cost_basis = ANY (ARRAY['reported'::text, 'counted'::text, 'estimated'::text]))),
  CONSTRAINT requests_key_source_check CHECK ((key_source = ANY (ARRAY['own'::text, 'platform'::text]))),
  CONSTRAINT requests_kind_check CHECK ((kind = ANY (ARRAY['call'::text, 'probe'::text, 'models'::text]))),
  CONSTRAINT requests_pkey PRIMARY KEY (day, id),
  CONSTRAINT requests_reserved_nano_usd_check CHECK ((reserved_nano_usd >= 0)),
  CONSTRAINT requests_state_check CHECK ((state = ANY (ARRAY['reserved'::text, 'settled'::text, 'released'::text, 'expired'::text])))
); PARTITION BY RANGE (day)
CREATE INDEX requests_by_company ON ONLY ownkey.requests USING btree (company_id, created_at DESC);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
GRANT SELECT ON requests TO ownkey_control;
GRANT SELECT ON requests TO ownkey_worker;

CREATE TABLE requests_other (
  id text NOT NULL,
  day date NOT NULL DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date,
  company_id text,
  user_id text,
  token_id text,
  account text,
  operation text,
  kind text NOT NULL DEFAULT 'call'::text,
  wire text,
  streaming boolean NOT NULL DEFAULT false,
  provider text NOT NULL,
  slug text NOT NULL,
  model text NOT NULL,
  key_id text,
  key_version integer,
  last4 text,
  key_source text NOT NULL,
  fallback_reason text,
  reserved_nano_usd bigint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'reserved'::text,
  http_status integer,
  error_code text,
  provider_request_id text,
  input_tokens bigint NOT NULL DEFAULT 0,
  cached_tokens bigint NOT NULL DEFAULT 0,
  cache_write_5m_tokens bigint NOT NULL DEFAULT 0,
  cache_write_1h_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  reasoning_tokens bigint NOT NULL DEFAULT 0,
  cost_nano_usd bigint,
  cost_basis text,
  over_reservation boolean NOT NULL DEFAULT false,
  latency_ms integer,
  ttfb_ms integer,
  worker_id text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  settled_at timestamp with time zone,
  CONSTRAINT requests_cost_basis_check CHECK ((cost_basis = ANY (ARRAY['reported'::text, 'counted'::text, 'estimated'::text]))),
  CONSTRAINT requests_key_source_check CHECK ((key_source = ANY (ARRAY['own'::text, 'platform'::text]))),
  CONSTRAINT requests_kind_check CHECK ((kind = ANY (ARRAY['call'::text, 'probe'::text, 'models'::text]))),
  CONSTRAINT requests_reserved_nano_usd_check CHECK ((reserved_nano_usd >= 0)),
  CONSTRAINT requests_state_check CHECK ((state = ANY (ARRAY['reserved'::text, 'settled'::text, 'released'::text, 'expired'::text])))
); -- partition: DEFAULT
-- row security: off

CREATE TABLE reservations (
  day date NOT NULL,
  id text NOT NULL,
  lease_until timestamp with time zone NOT NULL DEFAULT (now() + '00:01:00'::interval),
  CONSTRAINT reservations_pkey PRIMARY KEY (day, id)
);
-- row security: off
GRANT SELECT ON reservations TO ownkey_control;
GRANT SELECT ON reservations TO ownkey_worker;

CREATE TABLE sealing_keys (
  kid text NOT NULL,
  public_key bytea NOT NULL,
  fingerprint text NOT NULL,
  wrapped_private bytea NOT NULL,
  kek_id text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  retired_at timestamp with time zone,
  CONSTRAINT sealing_keys_pkey PRIMARY KEY (kid)
);
-- row security: off
GRANT SELECT (created_at, fingerprint, kid, public_key, retired_at) ON sealing_keys TO ownkey_control;
GRANT INSERT ON sealing_keys TO ownkey_worker;
GRANT SELECT ON sealing_keys TO ownkey_worker;
GRANT UPDATE ON sealing_keys TO ownkey_worker;

CREATE TABLE sessions (
  id text NOT NULL,
  hash bytea NOT NULL,
  login_id text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  last_seen_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  user_agent text,
  address text,
  CONSTRAINT sessions_hash_check CHECK ((length(hash) = 32)),
  CONSTRAINT sessions_hash_key UNIQUE (hash),
  CONSTRAINT sessions_login_id_fkey FOREIGN KEY (login_id) REFERENCES logins(id) ON DELETE CASCADE,
  CONSTRAINT sessions_pkey PRIMARY KEY (id)
);
CREATE INDEX sessions_by_expiry ON ownkey.sessions USING btree (expires_at);
CREATE INDEX sessions_by_login ON ownkey.sessions USING btree (login_id, created_at);
-- row security: off
GRANT DELETE ON sessions TO ownkey_control;
GRANT INSERT ON sessions TO ownkey_control;
GRANT SELECT ON sessions TO ownkey_control;
GRANT UPDATE (expires_at, last_seen_at) ON sessions TO ownkey_control;

CREATE TABLE sign_in_tries (
  subject bytea NOT NULL,
  tries integer NOT NULL,
  since timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT sign_in_tries_pkey PRIMARY KEY (subject),
  CONSTRAINT sign_in_tries_subject_check CHECK ((length(subject) = 32))
);
CREATE INDEX sign_in_tries_by_age ON ownkey.sign_in_tries USING btree (since);
-- row security: off
GRANT DELETE ON sign_in_tries TO ownkey_control;
GRANT INSERT ON sign_in_tries TO ownkey_control;
GRANT SELECT ON sign_in_tries TO ownkey_control;
GRANT UPDATE ON sign_in_tries TO ownkey_control;

CREATE TABLE sources (
  company_id text NOT NULL,
  provider text NOT NULL,
  account text NOT NULL DEFAULT ''::text,
  source text NOT NULL,
  on_failure text NOT NULL DEFAULT 'platform'::text,
  row_version bigint NOT NULL DEFAULT 1,
  changed_by text,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT sources_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT sources_on_failure_check CHECK ((on_failure = ANY (ARRAY['stop'::text, 'platform'::text]))),
  CONSTRAINT sources_pkey PRIMARY KEY (company_id, provider, account),
  CONSTRAINT sources_source_check CHECK ((source = ANY (ARRAY['own'::text, 'platform'::text])))
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER sources_bump AFTER INSERT OR DELETE OR UPDATE ON ownkey.sources FOR EACH ROW EXECUTE FUNCTION bump_on_change();
GRANT DELETE ON sources TO ownkey_control;
GRANT INSERT ON sources TO ownkey_control;
GRANT SELECT ON sources TO ownkey_control;
GRANT UPDATE ON sources TO ownkey_control;
GRANT INSERT ON sources TO ownkey_worker;
GRANT SELECT ON sources TO ownkey_worker;
GRANT UPDATE ON sources TO ownkey_worker;

CREATE TABLE tokens (
  id text NOT NULL,
  hash bytea NOT NULL,
  prefix text NOT NULL,
  last4 text NOT NULL,
  name text NOT NULL,
  company_id text,
  user_id text,
  scopes text[] NOT NULL,
  kind text NOT NULL DEFAULT 'token'::text,
  parent_origins text[],
  created_by text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  CONSTRAINT tokens_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT tokens_hash_check CHECK ((length(hash) = 32)),
  CONSTRAINT tokens_hash_key UNIQUE (hash),
  CONSTRAINT tokens_kind_check CHECK ((kind = ANY (ARRAY['token'::text, 'embed'::text]))),
  CONSTRAINT tokens_pkey PRIMARY KEY (id),
  CONSTRAINT tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX tokens_by_company ON ownkey.tokens USING btree (company_id, created_at);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER tokens_bump_change AFTER UPDATE OF scopes, expires_at, user_id, company_id, hash ON ownkey.tokens FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER tokens_bump_row AFTER INSERT OR DELETE ON ownkey.tokens FOR EACH ROW EXECUTE FUNCTION bump_on_change();
GRANT DELETE ON tokens TO ownkey_control;
GRANT INSERT ON tokens TO ownkey_control;
GRANT SELECT ON tokens TO ownkey_control;
GRANT UPDATE (expires_at, last_used_at, name) ON tokens TO ownkey_control;
GRANT SELECT ON tokens TO ownkey_worker;
GRANT UPDATE (last_used_at) ON tokens TO ownkey_worker;

CREATE TABLE usage_hourly (
  company_id text NOT NULL,
  hour timestamp with time zone NOT NULL,
  provider text NOT NULL,
  slug text NOT NULL,
  model text NOT NULL,
  operation text NOT NULL,
  user_id text NOT NULL,
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
  CONSTRAINT usage_hourly_pkey PRIMARY KEY (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source)
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
GRANT SELECT ON usage_hourly TO ownkey_control;

CREATE TABLE used_nonces (
  nonce text NOT NULL,
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT used_nonces_pkey PRIMARY KEY (nonce)
);
CREATE INDEX used_nonces_by_expiry ON ownkey.used_nonces USING btree (expires_at);
-- row security: off
GRANT DELETE ON used_nonces TO ownkey_worker;
GRANT INSERT ON used_nonces TO ownkey_worker;
GRANT SELECT ON used_nonces TO ownkey_worker;

CREATE TABLE users (
  id text NOT NULL,
  company_id text NOT NULL,
  external_id text,
  role text NOT NULL DEFAULT 'member'::text,
  email text,
  name text,
  login_id text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT users_company_id_external_id_key UNIQUE (company_id, external_id),
  CONSTRAINT users_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT users_login_id_fkey FOREIGN KEY (login_id) REFERENCES logins(id),
  CONSTRAINT users_login_id_key UNIQUE (login_id),
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text])))
);
CREATE INDEX users_by_company ON ownkey.users USING btree (company_id, created_at);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER users_bump_change AFTER UPDATE OF role ON ownkey.users FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER users_bump_row AFTER DELETE ON ownkey.users FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER users_remove_login AFTER DELETE ON ownkey.users FOR EACH ROW WHEN ((old.login_id IS NOT NULL)) EXECUTE FUNCTION remove_login();
GRANT DELETE ON users TO ownkey_control;
GRANT INSERT ON users TO ownkey_control;
GRANT SELECT ON users TO ownkey_control;
GRANT UPDATE ON users TO ownkey_control;
GRANT INSERT ON users TO ownkey_worker;
GRANT SELECT ON users TO ownkey_worker;

CREATE TABLE worker_jobs (
  id text NOT NULL,
  kind text NOT NULL,
  company_id text,
  payload jsonb NOT NULL DEFAULT '{}'::jsonb,
  sealed text,
  idempotency_key text,
  actor text,
  state text NOT NULL DEFAULT 'queued'::text,
  steps jsonb NOT NULL DEFAULT '[]'::jsonb,
  result jsonb,
  error_code text,
  attempts integer NOT NULL DEFAULT 0,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL DEFAULT (now() + '00:05:00'::interval),
  taken_at timestamp with time zone,
  finished_at timestamp with time zone,
  CONSTRAINT worker_jobs_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT worker_jobs_pkey PRIMARY KEY (id),
  CONSTRAINT worker_jobs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text])))
);
CREATE INDEX worker_jobs_open ON ownkey.worker_jobs USING btree (created_at) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));
CREATE UNIQUE INDEX worker_jobs_idempotency ON ownkey.worker_jobs USING btree (COALESCE(company_id, ''::text), kind, idempotency_key) WHERE (idempotency_key IS NOT NULL);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER worker_jobs_tell_new AFTER INSERT ON ownkey.worker_jobs FOR EACH ROW EXECUTE FUNCTION tell_job();
CREATE TRIGGER worker_jobs_tell_step AFTER UPDATE OF state, steps ON ownkey.worker_jobs FOR EACH ROW EXECUTE FUNCTION tell_job();
GRANT INSERT ON worker_jobs TO ownkey_control;
GRANT SELECT (actor, company_id, created_at, error_code, expires_at, finished_at, id, idempotency_key, kind, payload, result, state, steps, taken_at) ON worker_jobs TO ownkey_control;
GRANT DELETE ON worker_jobs TO ownkey_worker;
GRANT INSERT ON worker_jobs TO ownkey_worker;
GRANT SELECT ON worker_jobs TO ownkey_worker;
GRANT UPDATE ON worker_jobs TO ownkey_worker;

CREATE OR REPLACE FUNCTION ownkey.audit_text(e audit_events)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
  SELECT jsonb_build_array(e.id, e.company_id, extract(epoch FROM e.at)::text, e.kind, e.actor, e.user_id, e.request_id,
    e.request_day, e.key_id, e.provider, e.last4, e.data)::text
$function$;
-- audit_text(e audit_events) may be called by: ownkey_control, ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.bump_company(company text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  IF company IS NULL THEN
    UPDATE installation SET config_version = config_version + 1;
    PERFORM pg_notify('ownkey_config', '*');
  ELSE
    UPDATE companies SET config_version = config_version + 1 WHERE id = company;
    PERFORM pg_notify('ownkey_config', company);
  END IF;
END $function$;
-- bump_company(company text) may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.bump_on_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM bump_company(OLD.company_id); END IF;
  IF TG_OP = 'INSERT' THEN PERFORM bump_company(NEW.company_id);
  ELSIF TG_OP = 'UPDATE' AND NEW.company_id IS DISTINCT FROM OLD.company_id THEN PERFORM bump_company(NEW.company_id); END IF;
  RETURN NULL;
END $function$;
-- bump_on_change() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.bump_on_company_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  PERFORM bump_company(NEW.id);
  RETURN NULL;
END $function$;
-- bump_on_company_change() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.bump_on_plan_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  PERFORM bump_company(NULL);
  RETURN NULL;
END $function$;
-- bump_on_plan_change() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.ensure_partitions()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
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
END $function$;
-- ensure_partitions() may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.erase_company(company text, by_actor text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  DELETE FROM companies WHERE id = company;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM reservations v USING requests r WHERE r.company_id = company AND v.day = r.day AND v.id = r.id;
  DELETE FROM requests WHERE company_id = company;
  DELETE FROM usage_hourly WHERE company_id = company;
  DELETE FROM audit_chain WHERE company_id = company;
  DELETE FROM audit_heads WHERE company_id = company;
  DELETE FROM audit_events WHERE company_id = company;
  INSERT INTO audit_events (kind, actor, data) VALUES ('company.erased', by_actor, jsonb_build_object('company', company));
  RETURN true;
END $function$;
-- erase_company(company text, by_actor text) may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.expire()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE calls jsonb; moved int;
BEGIN
  SELECT jsonb_agg(jsonb_build_object('id', r.id, 'day', r.day, 'state', 'expired', 'error_code', 'call.lost',
      'cost_nano_usd', CASE WHEN r.reserved_nano_usd > 0 THEN r.reserved_nano_usd END, 'cost_basis', 'estimated'))
    INTO calls
    FROM (SELECT v.day, v.id FROM reservations v WHERE v.lease_until < now() ORDER BY v.day, v.id LIMIT 500) late
    JOIN requests r ON r.day = late.day AND r.id = late.id;
  IF calls IS NULL THEN RETURN 0; END IF;
  SELECT count(*) INTO moved FROM settle(calls);
  RETURN moved;
END $function$;
-- expire() may be called by: ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.find_session(wanted bytea)
 RETURNS TABLE(id text, login_id text, email text, expires_at timestamp with time zone, last_seen_at timestamp with time zone, operator_id text, operator_name text, user_id text, user_name text, role text, company_id text, company_name text, plan text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
  SELECT s.id, l.id, l.email, s.expires_at, s.last_seen_at, o.id, o.name, u.id, u.name, u.role, c.id, c.name, c.plan
  FROM sessions s JOIN logins l ON l.id = s.login_id
  LEFT JOIN operators o ON o.login_id = l.id
  LEFT JOIN users u ON u.login_id = l.id LEFT JOIN companies c ON c.id = u.company_id
  WHERE s.hash = wanted AND s.expires_at > now() AND (o.id IS NOT NULL OR u.id IS NOT NULL)
$function$;
-- find_session(wanted bytea) may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.find_token(wanted bytea)
 RETURNS TABLE(id text, name text, company_id text, user_id text, role text, kind text, scopes text[], expires_at timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
#variable_conflict use_column
BEGIN
  UPDATE tokens t SET last_used_at = now()
    WHERE t.hash = wanted AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute');
  RETURN QUERY SELECT t.id, t.name, t.company_id, t.user_id, u.role, t.kind, t.scopes, t.expires_at
    FROM tokens t LEFT JOIN users u ON u.id = t.user_id WHERE t.hash = wanted;
END $function$;
-- find_token(wanted bytea) may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.remove_login()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  DELETE FROM logins WHERE id = OLD.login_id;
  RETURN NULL;
END $function$;
-- remove_login() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.renew(calls jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
DECLARE c record;
BEGIN
  FOR c IN SELECT * FROM jsonb_to_recordset(calls) AS x (id text, day date) ORDER BY day, id LOOP
    UPDATE reservations v SET lease_until = now() + interval '60 seconds' WHERE v.day = c.day AND v.id = c.id;
  END LOOP;
END $function$;
-- renew(calls jsonb) may be called by: ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.reserve(calls jsonb)
 RETURNS TABLE(id text, outcome text, day text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  -- An id may be asked again a few seconds after its first try: only right after midnight that try can lie on the day before.
  days date[] := CASE WHEN (now() AT TIME ZONE 'UTC')::time < '00:10' THEN ARRAY[today - 1, today] ELSE ARRAY[today] END;
  installation_version bigint := (SELECT i.config_version FROM installation i);
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit
  RETURN QUERY
  WITH input AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(calls) AS x (
      id text, company_id text, config_version bigint, global_version bigint, user_id text, token_id text, account text,
      operation text, kind text, wire text, streaming boolean, provider text, slug text, model text, key_id text,
      key_version int, last4 text, key_source text, fallback_reason text, reserved_nano_usd bigint, worker_id text, actor text)
  ), known AS MATERIALIZED (
    SELECT i.*, (SELECT k.config_version FROM companies k WHERE k.id = i.company_id) AS company_version,
      -- A repeated id whose first try was committed stands, whatever changed since.
      (SELECT r.day FROM requests r WHERE r.day = ANY (days) AND r.id = i.id LIMIT 1) AS old_day
    FROM input i
  ), judged AS MATERIALIZED (
    SELECT k.*, CASE
      WHEN k.old_day IS NOT NULL THEN 'ok'
      WHEN k.company_id IS NOT NULL AND k.company_version IS NULL THEN 'missing'
      WHEN k.company_version <> k.config_version OR installation_version <> k.global_version THEN 'changed'
      ELSE 'ok' END AS verdict
    FROM known k
  ), inserted AS (
    INSERT INTO requests (id, company_id, user_id, token_id, account, operation, kind, wire, streaming, provider, slug,
      model, key_id, key_version, last4, key_source, fallback_reason, reserved_nano_usd, worker_id)
    SELECT j.id, j.company_id, j.user_id, j.token_id, j.account, j.operation, coalesce(j.kind, 'call'), j.wire,
      coalesce(j.streaming, false), j.provider, j.slug, j.model, j.key_id, j.key_version, j.last4, j.key_source,
      j.fallback_reason, coalesce(j.reserved_nano_usd, 0), j.worker_id
    FROM judged j WHERE j.verdict = 'ok' AND j.old_day IS NULL
    ON CONFLICT DO NOTHING
    RETURNING requests.id, requests.day
  ), held AS (
    INSERT INTO reservations (day, id) SELECT ins.day, ins.id FROM inserted ins
  ), evented AS (
    INSERT INTO audit_events (company_id, kind, actor, user_id, request_id, request_day, key_id, provider, last4, data)
    SELECT j.company_id, coalesce(j.kind, 'call') || '.started', coalesce(j.actor, 'system'), j.user_id, j.id, ins.day,
      j.key_id, j.slug, j.last4, jsonb_strip_nulls(jsonb_build_object('model', j.model, 'key_source', j.key_source,
        'operation', j.operation, 'account', j.account, 'wire', j.wire, 'fallback_reason', j.fallback_reason,
        'reserved_nano_usd', j.reserved_nano_usd))
    FROM inserted ins JOIN judged j ON j.id = ins.id
  )
  -- Without a day: the same id is being inserted elsewhere at this moment. The caller asks again and finds it.
  SELECT j.id, j.verdict, coalesce(j.old_day, ins.day)::text FROM judged j LEFT JOIN inserted ins ON ins.id = j.id;
END $function$;
-- reserve(calls jsonb) may be called by: ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.settle(calls jsonb)
 RETURNS TABLE(id text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
  ids text[] := (SELECT array_agg(x.id) FROM jsonb_to_recordset(calls) AS x (id text));
  days date[] := (SELECT array_agg(DISTINCT x.day) FROM jsonb_to_recordset(calls) AS x (day date));
  moved text[];
  added settled_call[];
  k record;
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit
  WITH input AS MATERIALIZED (
    SELECT DISTINCT ON (x.day, x.id) * FROM jsonb_to_recordset(calls) AS x (id text, day date, state text, http_status int,
      error_code text, provider_request_id text, input_tokens bigint, cached_tokens bigint, cache_write_5m_tokens bigint,
      cache_write_1h_tokens bigint, output_tokens bigint, reasoning_tokens bigint, cost_nano_usd bigint, cost_basis text,
      latency_ms int, ttfb_ms int)
  ), before AS MATERIALIZED (
    SELECT r.day, r.id, r.state, r.http_status, r.cost_nano_usd, r.cost_basis, r.input_tokens, r.cached_tokens, r.output_tokens
    FROM requests r WHERE r.day = ANY (days) AND r.id = ANY (ids) AND r.state IN ('reserved', 'expired')
    ORDER BY r.day, r.id FOR NO KEY UPDATE
  ), after AS (
    UPDATE requests r SET
      state = coalesce(i.state, 'settled'), http_status = i.http_status, error_code = i.error_code,
      provider_request_id = i.provider_request_id, input_tokens = coalesce(i.input_tokens, 0),
      cached_tokens = coalesce(i.cached_tokens, 0), cache_write_5m_tokens = coalesce(i.cache_write_5m_tokens, 0),
      cache_write_1h_tokens = coalesce(i.cache_write_1h_tokens, 0), output_tokens = coalesce(i.output_tokens, 0),
      reasoning_tokens = coalesce(i.reasoning_tokens, 0), cost_nano_usd = i.cost_nano_usd, cost_basis = i.cost_basis,
      over_reservation = r.reserved_nano_usd > 0 AND coalesce(i.cost_nano_usd > r.reserved_nano_usd, false),
      latency_ms = i.latency_ms, ttfb_ms = i.ttfb_ms, settled_at = clock_timestamp()
    FROM input i JOIN before b ON b.day = i.day AND b.id = i.id
    WHERE r.day = ANY (days) AND r.id = ANY (ids) AND r.day = b.day AND r.id = b.id
      AND (b.state = 'reserved' OR coalesce(i.state, 'settled') <> 'expired')
    RETURNING r.*
  ), freed AS (
    DELETE FROM reservations v WHERE v.day = ANY (days) AND v.id = ANY (ids)
  ), evented AS (
    INSERT INTO audit_events (company_id, kind, user_id, request_id, request_day, key_id, provider, last4, data)
    SELECT a.company_id, a.kind || '.settled', a.user_id, a.id, a.day, a.key_id, a.slug, a.last4,
      jsonb_strip_nulls(jsonb_build_object('state', a.state, 'http_status', a.http_status, 'error_code', a.error_code,
        'model', a.model, 'key_source', a.key_source, 'input_tokens', a.input_tokens, 'cached_tokens', a.cached_tokens,
        'output_tokens', a.output_tokens, 'cost_nano_usd', a.cost_nano_usd, 'cost_basis', a.cost_basis,
        'latency_ms', a.latency_ms, 'ttfb_ms', a.ttfb_ms))
    FROM after a
  )
  -- An expired call was counted when it expired: what comes later counts by its difference.
  SELECT array_agg(a.id), array_agg(ROW(a.company_id, date_trunc('hour', a.created_at), a.provider, a.slug, a.model,
      coalesce(a.operation, ''), coalesce(a.user_id, ''), coalesce(a.key_id, ''), a.key_source, a.kind, a.settled_at,
      (b.state = 'reserved' AND a.state <> 'released')::int,
      coalesce((a.http_status >= 400)::int, 0) - coalesce((b.http_status >= 400)::int, 0),
      (b.state = 'reserved' AND a.fallback_reason IS NOT NULL)::int,
      (a.cost_nano_usd IS NULL AND a.state <> 'released')::int - (b.state = 'expired' AND b.cost_nano_usd IS NULL)::int,
      coalesce((a.cost_basis = 'estimated')::int, 0) - coalesce((b.cost_basis = 'estimated')::int, 0),
      a.input_tokens - b.input_tokens, a.cached_tokens - b.cached_tokens, a.output_tokens - b.output_tokens,
      coalesce(a.cost_nano_usd, 0) - coalesce(b.cost_nano_usd, 0))::settled_call)
    INTO moved, added
    FROM after a JOIN before b ON b.day = a.day AND b.id = a.id;
  IF moved IS NULL THEN RETURN; END IF;

  FOR k IN
    SELECT s.key_id, sum(s.requests) AS calls, max(s.at) AS last FROM unnest(added) s
    WHERE s.kind = 'call' AND s.key_id <> '' GROUP BY s.key_id ORDER BY s.key_id
  LOOP
    UPDATE keys SET requests_handled = requests_handled + k.calls, last_used_at = greatest(last_used_at, k.last)
    WHERE keys.id = k.key_id;
  END LOOP;

  INSERT INTO usage_hourly AS u (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source, requests,
    errors, fallbacks, unpriced, estimated, input_tokens, cached_tokens, output_tokens, cost_nano_usd)
  SELECT s.company_id, s.hour, s.provider, s.slug, s.model, s.operation, s.user_id, s.key_id, s.key_source, sum(s.requests),
    sum(s.errors), sum(s.fallbacks), sum(s.unpriced), sum(s.estimated), sum(s.input_tokens), sum(s.cached_tokens),
    sum(s.output_tokens), sum(s.cost_nano_usd)
  FROM unnest(added) s WHERE s.company_id IS NOT NULL AND s.kind = 'call'
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9
  ON CONFLICT (company_id, hour, provider, slug, model, operation, user_id, key_id, key_source) DO UPDATE SET
    requests = u.requests + excluded.requests, errors = u.errors + excluded.errors,
    fallbacks = u.fallbacks + excluded.fallbacks, unpriced = u.unpriced + excluded.unpriced,
    estimated = u.estimated + excluded.estimated, input_tokens = u.input_tokens + excluded.input_tokens,
    cached_tokens = u.cached_tokens + excluded.cached_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
    cost_nano_usd = u.cost_nano_usd + excluded.cost_nano_usd;
  RETURN QUERY SELECT unnest(moved);
END $function$;
-- settle(calls jsonb) may be called by: ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.tell_job()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  PERFORM pg_notify(CASE WHEN NEW.state = 'queued' THEN 'ownkey_job' ELSE 'ownkey_job_done' END, NEW.id);
  RETURN NULL;
END $function$;
-- tell_job() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.tell_key_gone()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  PERFORM pg_notify('ownkey_key_gone', OLD.id || ' ' || OLD.version);
  RETURN NULL;
END $function$;
-- tell_key_gone() may be called by: the owner alone
