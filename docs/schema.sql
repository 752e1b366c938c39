-- Written by tools/schema.mjs from the migrations. Do not edit.

CREATE TABLE alerts (
  id text NOT NULL DEFAULT (('alr_'::text || lpad(to_hex(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint), 12, '0'::text)) || substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 1, 14)),
  company_id text NOT NULL,
  meter text NOT NULL,
  kind text NOT NULL,
  start timestamp with time zone NOT NULL,
  threshold integer NOT NULL,
  cap_nano_usd bigint NOT NULL,
  settled_nano_usd bigint NOT NULL,
  reserved_nano_usd bigint NOT NULL,
  cause text NOT NULL,
  actor text,
  silent boolean NOT NULL DEFAULT false,
  at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  told_at timestamp with time zone,
  CONSTRAINT alerts_cause_check CHECK ((cause = ANY (ARRAY['spent'::text, 'refused'::text, 'cap_lowered'::text]))),
  CONSTRAINT alerts_company_id_meter_kind_start_threshold_key UNIQUE (company_id, meter, kind, start, threshold),
  CONSTRAINT alerts_pkey PRIMARY KEY (id),
  CONSTRAINT alerts_threshold_check CHECK ((threshold = ANY (ARRAY[80, 100])))
);
CREATE INDEX alerts_untold ON ownkey.alerts USING btree (at) WHERE ((told_at IS NULL) AND (NOT silent));
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER alerts_tell AFTER INSERT ON ownkey.alerts FOR EACH ROW WHEN ((NOT new.silent)) EXECUTE FUNCTION tell_alert();
GRANT SELECT ON alerts TO ownkey_control;
GRANT UPDATE (told_at) ON alerts TO ownkey_control;

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

CREATE TABLE audit_checkpoints (
  company_id text NOT NULL,
  day date NOT NULL,
  n bigint NOT NULL,
  hash bytea NOT NULL,
  mac bytea NOT NULL,
  kek_id text NOT NULL,
  cut_at timestamp with time zone,
  done_at timestamp with time zone,
  CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (company_id, day)
);
CREATE INDEX audit_checkpoints_open ON ownkey.audit_checkpoints USING btree (day) WHERE (done_at IS NULL);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check null
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER audit_checkpoints_kek BEFORE INSERT OR UPDATE OF kek_id ON ownkey.audit_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_closed_kek();
GRANT SELECT ON audit_checkpoints TO ownkey_control;
GRANT INSERT ON audit_checkpoints TO ownkey_worker;
GRANT SELECT ON audit_checkpoints TO ownkey_worker;
GRANT UPDATE (kek_id, mac) ON audit_checkpoints TO ownkey_worker;

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
CREATE TRIGGER audit_heads_kek BEFORE INSERT OR UPDATE OF kek_id ON ownkey.audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_closed_kek();
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

CREATE TABLE caps (
  company_id text NOT NULL,
  subject text NOT NULL,
  period text NOT NULL,
  amount_nano_usd bigint,
  raised_to_nano_usd bigint,
  raised_from date,
  raised_until date,
  changed_by text,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT caps_amount_nano_usd_check CHECK ((amount_nano_usd >= 0)),
  CONSTRAINT caps_check CHECK ((((raised_to_nano_usd IS NULL) = (raised_from IS NULL)) AND ((raised_from IS NULL) = (raised_until IS NULL)))),
  CONSTRAINT caps_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT caps_period_check CHECK ((period = ANY (ARRAY['request'::text, 'day'::text, 'month'::text]))),
  CONSTRAINT caps_pkey PRIMARY KEY (company_id, subject, period),
  CONSTRAINT caps_raised_to_nano_usd_check CHECK ((raised_to_nano_usd >= 0))
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER caps_bump AFTER INSERT OR DELETE OR UPDATE ON ownkey.caps FOR EACH ROW EXECUTE FUNCTION bump_on_change();
GRANT DELETE ON caps TO ownkey_control;
GRANT INSERT ON caps TO ownkey_control;
GRANT SELECT ON caps TO ownkey_control;
GRANT UPDATE ON caps TO ownkey_control;
GRANT SELECT ON caps TO ownkey_worker;

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
  caps_version bigint NOT NULL DEFAULT 1,
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
CREATE TRIGGER companies_notice AFTER UPDATE OF zero_retention ON ownkey.companies FOR EACH ROW WHEN ((new.zero_retention AND (NOT old.zero_retention))) EXECUTE FUNCTION notice_rule_change();
CREATE TRIGGER companies_tell_removed AFTER DELETE ON ownkey.companies FOR EACH ROW EXECUTE FUNCTION tell_company_gone();
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
CREATE TRIGGER envelopes_kek BEFORE INSERT OR UPDATE OF kek_id ON ownkey.envelopes FOR EACH ROW EXECUTE FUNCTION refuse_closed_kek();
GRANT INSERT ON envelopes TO ownkey_worker;
GRANT SELECT ON envelopes TO ownkey_worker;
GRANT UPDATE ON envelopes TO ownkey_worker;

CREATE TABLE installation (
  id integer NOT NULL DEFAULT 1,
  config_version bigint NOT NULL DEFAULT 1,
  settings jsonb NOT NULL DEFAULT '{}'::jsonb,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  prices_version bigint NOT NULL DEFAULT 1,
  CONSTRAINT installation_id_check CHECK ((id = 1)),
  CONSTRAINT installation_pkey PRIMARY KEY (id)
);
-- row security: off
CREATE TRIGGER installation_bump AFTER UPDATE OF settings ON ownkey.installation FOR EACH STATEMENT EXECUTE FUNCTION bump_on_plan_change();
CREATE TRIGGER installation_notice AFTER UPDATE OF settings ON ownkey.installation FOR EACH ROW WHEN ((((new.settings #>> '{policies,on_failure,choice}'::text[]) = 'stop'::text) AND ((old.settings #>> '{policies,on_failure,choice}'::text[]) IS DISTINCT FROM 'stop'::text))) EXECUTE FUNCTION notice_rule_change();
GRANT SELECT ON installation TO ownkey_control;
GRANT UPDATE (settings) ON installation TO ownkey_control;
GRANT SELECT ON installation TO ownkey_worker;

CREATE TABLE invitations (
  id text NOT NULL,
  company_id text NOT NULL,
  email text NOT NULL,
  name text,
  role text NOT NULL,
  created_by text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  CONSTRAINT invitations_company_id_email_key UNIQUE (company_id, email),
  CONSTRAINT invitations_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT invitations_email_check CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 254)))),
  CONSTRAINT invitations_pkey PRIMARY KEY (id),
  CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text])))
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
GRANT DELETE ON invitations TO ownkey_control;
GRANT INSERT ON invitations TO ownkey_control;
GRANT SELECT ON invitations TO ownkey_control;

CREATE TABLE kek_holders (
  worker_id text NOT NULL,
  kek_ids text[] NOT NULL,
  writes text NOT NULL,
  seen_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT kek_holders_pkey PRIMARY KEY (worker_id)
);
-- row security: off
GRANT SELECT ON kek_holders TO ownkey_control;
GRANT DELETE ON kek_holders TO ownkey_worker;
GRANT INSERT ON kek_holders TO ownkey_worker;
GRANT SELECT ON kek_holders TO ownkey_worker;
GRANT UPDATE ON kek_holders TO ownkey_worker;

CREATE TABLE kek_rotations (
  id text NOT NULL,
  ordered_by text NOT NULL,
  step text NOT NULL DEFAULT 'ordered'::text,
  to_kek text,
  destroy_old boolean NOT NULL DEFAULT false,
  rows_total bigint NOT NULL DEFAULT 0,
  rows_done bigint NOT NULL DEFAULT 0,
  damaged text[] NOT NULL DEFAULT '{}'::text[],
  waiting_for text[] NOT NULL DEFAULT '{}'::text[],
  ordered_at timestamp with time zone NOT NULL DEFAULT now(),
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  finished_at timestamp with time zone,
  CONSTRAINT kek_rotations_pkey PRIMARY KEY (id),
  CONSTRAINT kek_rotations_step_check CHECK ((step = ANY (ARRAY['ordered'::text, 'spreading'::text, 'switching'::text, 'rewrapping'::text, 'closing'::text, 'done'::text])))
);
CREATE UNIQUE INDEX kek_rotations_open ON ownkey.kek_rotations USING btree ((true)) WHERE (finished_at IS NULL);
-- row security: off
GRANT INSERT (id, ordered_by) ON kek_rotations TO ownkey_control;
GRANT SELECT ON kek_rotations TO ownkey_control;
GRANT INSERT ON kek_rotations TO ownkey_worker;
GRANT SELECT ON kek_rotations TO ownkey_worker;
GRANT UPDATE ON kek_rotations TO ownkey_worker;

CREATE TABLE keks (
  id text NOT NULL,
  check_value text NOT NULL,
  source text NOT NULL,
  state text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  current_at timestamp with time zone,
  replaced_at timestamp with time zone,
  destroyed_at timestamp with time zone,
  CONSTRAINT keks_pkey PRIMARY KEY (id),
  CONSTRAINT keks_source_check CHECK ((source = ANY (ARRAY['file'::text, 'transit'::text]))),
  CONSTRAINT keks_state_check CHECK ((state = ANY (ARRAY['new'::text, 'current'::text, 'old'::text, 'closed'::text, 'destroyed'::text])))
);
CREATE UNIQUE INDEX keks_current ON ownkey.keks USING btree (state) WHERE (state = 'current'::text);
-- row security: off
GRANT SELECT ON keks TO ownkey_control;
GRANT INSERT ON keks TO ownkey_worker;
GRANT SELECT ON keks TO ownkey_worker;
GRANT UPDATE ON keks TO ownkey_worker;

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
  allowed_users text[],
  zero_retention boolean NOT NULL DEFAULT false,
  CONSTRAINT keys_check CHECK (((owner = 'platform'::text) = (company_id IS NULL))),
  CONSTRAINT keys_check1 CHECK (((owner = 'user'::text) = (user_id IS NOT NULL))),
  CONSTRAINT keys_check2 CHECK (((provider = 'custom'::text) = (slug IS NOT NULL))),
  CONSTRAINT keys_check3 CHECK (((owner <> 'platform'::text) OR (provider <> 'custom'::text))),
  CONSTRAINT keys_check4 CHECK (((owner = 'platform'::text) OR (NOT zero_retention))),
  CONSTRAINT keys_check5 CHECK (((owner = 'company'::text) OR (allowed_users IS NULL))),
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
CREATE TRIGGER keys_bump_change AFTER UPDATE OF enabled, "position", allowed_models, allowed_users, zero_retention, status, version, tested_at, base_url, destination, last4, slug ON ownkey.keys FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER keys_bump_row AFTER INSERT OR DELETE ON ownkey.keys FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER keys_note_removed AFTER DELETE ON ownkey.keys FOR EACH ROW EXECUTE FUNCTION note_removed_key();
CREATE TRIGGER keys_notice_change AFTER UPDATE OF status, version, enabled ON ownkey.keys FOR EACH ROW WHEN (((old.status <> new.status) OR (old.version <> new.version) OR (old.enabled <> new.enabled))) EXECUTE FUNCTION notice_key_change();
CREATE TRIGGER keys_notice_new AFTER INSERT ON ownkey.keys FOR EACH ROW WHEN ((new.enabled AND (new.status <> ALL (ARRAY['valid'::text, 'limited'::text, 'pending'::text])))) EXECUTE FUNCTION notice_key_change();
CREATE TRIGGER keys_notice_removed AFTER DELETE ON ownkey.keys FOR EACH ROW EXECUTE FUNCTION notice_key_change();
CREATE TRIGGER keys_tell_changed AFTER UPDATE OF enabled, version ON ownkey.keys FOR EACH ROW WHEN (((old.enabled AND (NOT new.enabled)) OR (old.version <> new.version))) EXECUTE FUNCTION tell_key_gone();
CREATE TRIGGER keys_tell_removed AFTER DELETE ON ownkey.keys FOR EACH ROW EXECUTE FUNCTION tell_key_gone();
GRANT DELETE ON keys TO ownkey_control;
GRANT SELECT ON keys TO ownkey_control;
GRANT UPDATE (allowed_models, allowed_users, changed_at, changed_by, enabled, label, position, row_version, zero_retention) ON keys TO ownkey_control;
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

CREATE TABLE meters (
  company_id text NOT NULL,
  meter text NOT NULL,
  kind text NOT NULL,
  start timestamp with time zone NOT NULL,
  settled bigint NOT NULL DEFAULT 0,
  reserved bigint NOT NULL DEFAULT 0,
  refused bigint NOT NULL DEFAULT 0,
  cap bigint,
  CONSTRAINT meters_kind_check CHECK ((kind = ANY (ARRAY['day'::text, 'month'::text, 'minute'::text, 'running'::text]))),
  CONSTRAINT meters_pkey PRIMARY KEY (company_id, meter, kind, start)
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
GRANT SELECT ON meters TO ownkey_control;
GRANT SELECT ON meters TO ownkey_worker;

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

CREATE TABLE notices (
  id text NOT NULL DEFAULT (('ntc_'::text || lpad(to_hex(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint), 12, '0'::text)) || substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 1, 14)),
  company_id text NOT NULL,
  kind text NOT NULL,
  key_id text NOT NULL,
  slug text NOT NULL,
  last4 text,
  user_id text,
  reason text NOT NULL,
  detail jsonb,
  started_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamp with time zone,
  resolution text,
  dismissed_by text[] NOT NULL DEFAULT '{}'::text[],
  start_told_at timestamp with time zone,
  end_told_at timestamp with time zone,
  CONSTRAINT notices_check CHECK (((ended_at IS NULL) = (resolution IS NULL))),
  CONSTRAINT notices_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT notices_kind_check CHECK ((kind = ANY (ARRAY['key'::text, 'fallback'::text]))),
  CONSTRAINT notices_pkey PRIMARY KEY (id),
  CONSTRAINT notices_resolution_check CHECK ((resolution = ANY (ARRAY['recovered'::text, 'replaced'::text, 'removed'::text, 'off'::text, 'switched'::text]))),
  CONSTRAINT notices_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX notices_by_company ON ownkey.notices USING btree (company_id, started_at DESC);
CREATE INDEX notices_untold ON ownkey.notices USING btree (started_at) WHERE ((start_told_at IS NULL) OR ((ended_at IS NOT NULL) AND (end_told_at IS NULL)));
CREATE UNIQUE INDEX notices_open ON ownkey.notices USING btree (key_id, kind) WHERE (ended_at IS NULL);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER notices_tell AFTER INSERT ON ownkey.notices FOR EACH ROW EXECUTE FUNCTION tell_alert();
CREATE TRIGGER notices_tell_end AFTER UPDATE OF ended_at ON ownkey.notices FOR EACH ROW EXECUTE FUNCTION tell_alert();
GRANT SELECT ON notices TO ownkey_control;
GRANT UPDATE (dismissed_by, end_told_at, start_told_at) ON notices TO ownkey_control;
GRANT SELECT ON notices TO ownkey_worker;

CREATE TABLE one_time_codes (
  hash bytea NOT NULL,
  purpose text NOT NULL,
  login_id text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  expires_at timestamp with time zone NOT NULL,
  invitation_id text,
  CONSTRAINT one_time_codes_check CHECK (((purpose = 'invite'::text) = (invitation_id IS NOT NULL))),
  CONSTRAINT one_time_codes_hash_check CHECK ((length(hash) = 32)),
  CONSTRAINT one_time_codes_invitation_id_fkey FOREIGN KEY (invitation_id) REFERENCES invitations(id) ON DELETE CASCADE,
  CONSTRAINT one_time_codes_login_id_fkey FOREIGN KEY (login_id) REFERENCES logins(id) ON DELETE CASCADE,
  CONSTRAINT one_time_codes_pkey PRIMARY KEY (hash),
  CONSTRAINT one_time_codes_purpose_check CHECK ((purpose = ANY (ARRAY['set-up'::text, 'reset'::text, 'invite'::text])))
);
-- row security: off
GRANT DELETE ON one_time_codes TO ownkey_control;
GRANT INSERT ON one_time_codes TO ownkey_control;
GRANT SELECT ON one_time_codes TO ownkey_control;

CREATE TABLE operation_models (
  company_id text NOT NULL,
  operation text NOT NULL,
  model text NOT NULL,
  row_version bigint NOT NULL DEFAULT 1,
  changed_by text,
  changed_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT operation_models_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT operation_models_model_check CHECK (((length(model) >= 3) AND (length(model) <= 256))),
  CONSTRAINT operation_models_operation_check CHECK ((length(operation) <= 128)),
  CONSTRAINT operation_models_pkey PRIMARY KEY (company_id, operation)
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER operation_models_bump AFTER INSERT OR DELETE OR UPDATE ON ownkey.operation_models FOR EACH ROW EXECUTE FUNCTION bump_on_change();
GRANT DELETE ON operation_models TO ownkey_control;
GRANT INSERT ON operation_models TO ownkey_control;
GRANT SELECT ON operation_models TO ownkey_control;
GRANT UPDATE ON operation_models TO ownkey_control;
GRANT SELECT ON operation_models TO ownkey_worker;

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

CREATE TABLE outbox (
  id text NOT NULL,
  company_id text,
  channel text NOT NULL,
  event text NOT NULL,
  dedupe_key text NOT NULL,
  alert_id text,
  target text NOT NULL,
  payload jsonb,
  state text NOT NULL DEFAULT 'queued'::text,
  attempts integer NOT NULL DEFAULT 0,
  next_try_at timestamp with time zone NOT NULL DEFAULT now(),
  leased_until timestamp with time zone,
  give_up_at timestamp with time zone NOT NULL,
  http_status integer,
  last_error text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  sent_at timestamp with time zone,
  CONSTRAINT outbox_channel_check CHECK ((channel = ANY (ARRAY['mail'::text, 'webhook'::text]))),
  CONSTRAINT outbox_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT outbox_dedupe_key_key UNIQUE (dedupe_key),
  CONSTRAINT outbox_pkey PRIMARY KEY (id),
  CONSTRAINT outbox_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sent'::text, 'failed'::text])))
);
CREATE INDEX outbox_by_age ON ownkey.outbox USING btree (created_at) WHERE (state <> 'queued'::text);
CREATE INDEX outbox_by_alert ON ownkey.outbox USING btree (alert_id) WHERE (alert_id IS NOT NULL);
CREATE INDEX outbox_by_company ON ownkey.outbox USING btree (company_id);
CREATE INDEX outbox_by_target ON ownkey.outbox USING btree (target, id) WHERE (channel = 'webhook'::text);
CREATE INDEX outbox_due ON ownkey.outbox USING btree (channel, next_try_at) WHERE (state = 'queued'::text);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
CREATE TRIGGER outbox_tell AFTER INSERT ON ownkey.outbox FOR EACH STATEMENT EXECUTE FUNCTION tell_alert();
GRANT DELETE ON outbox TO ownkey_control;
GRANT INSERT ON outbox TO ownkey_control;
GRANT SELECT ON outbox TO ownkey_control;
GRANT UPDATE (attempts, http_status, last_error, leased_until, next_try_at, payload, sent_at, state) ON outbox TO ownkey_control;

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

CREATE TABLE prices (
  id text NOT NULL,
  origin text NOT NULL,
  company_id text,
  slug text NOT NULL,
  model text NOT NULL,
  match jsonb,
  rates jsonb NOT NULL,
  context_tokens bigint,
  valid_from timestamp with time zone NOT NULL DEFAULT now(),
  ended_at timestamp with time zone,
  source text,
  created_by text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  position integer NOT NULL DEFAULT 0,
  CONSTRAINT prices_check CHECK (((origin = 'company'::text) = (company_id IS NOT NULL))),
  CONSTRAINT prices_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT prices_origin_check CHECK ((origin = ANY (ARRAY['company'::text, 'operator'::text, 'catalogue'::text, 'sandbox'::text]))),
  CONSTRAINT prices_pkey PRIMARY KEY (id)
);
CREATE INDEX prices_by_company ON ownkey.prices USING btree (company_id) WHERE (company_id IS NOT NULL);
CREATE INDEX prices_open ON ownkey.prices USING btree (slug, model) WHERE (ended_at IS NULL);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy control_shared (r) to ownkey_control: using (company_id IS NULL); check null
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER prices_bump_change AFTER UPDATE ON ownkey.prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION bump_on_price_change();
CREATE TRIGGER prices_bump_new AFTER INSERT ON ownkey.prices REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION bump_on_price_change();
GRANT INSERT ON prices TO ownkey_control;
GRANT SELECT ON prices TO ownkey_control;
GRANT UPDATE (ended_at) ON prices TO ownkey_control;
GRANT SELECT ON prices TO ownkey_worker;

CREATE TABLE removed_keys (
  key_id text NOT NULL,
  seq bigint NOT NULL IDENTITY,
  removed_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT removed_keys_pkey PRIMARY KEY (key_id),
  CONSTRAINT removed_keys_seq_key UNIQUE (seq)
);
-- row security: off
GRANT SELECT ON removed_keys TO ownkey_worker;

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
  price_id text,
  running_meters text[],
  fallback_for text,
  after_id text,
  CONSTRAINT requests_cost_basis_check CHECK ((cost_basis = ANY (ARRAY['reported'::text, 'counted'::text, 'estimated'::text]))),
  CONSTRAINT requests_key_source_check CHECK ((key_source = ANY (ARRAY['own'::text, 'platform'::text]))),
  CONSTRAINT requests_kind_check CHECK ((kind = ANY (ARRAY['call'::text, 'probe'::text, 'models'::text]))),
  CONSTRAINT requests_pkey PRIMARY KEY (day, id),
  CONSTRAINT requests_reserved_nano_usd_check CHECK ((reserved_nano_usd >= 0)),
  CONSTRAINT requests_state_check CHECK ((state = ANY (ARRAY['reserved'::text, 'settled'::text, 'released'::text, 'expired'::text])))
); PARTITION BY RANGE (day)
CREATE INDEX requests_by_company ON ONLY ownkey.requests USING btree (company_id, created_at DESC);
CREATE INDEX requests_fallbacks ON ONLY ownkey.requests USING btree (company_id, fallback_for, created_at) WHERE (fallback_for IS NOT NULL);
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
  price_id text,
  running_meters text[],
  fallback_for text,
  after_id text,
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
CREATE TRIGGER sealing_keys_kek BEFORE INSERT OR UPDATE OF kek_id ON ownkey.sealing_keys FOR EACH ROW EXECUTE FUNCTION refuse_closed_kek();
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
  operation text NOT NULL DEFAULT ''::text,
  CONSTRAINT sources_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT sources_on_failure_check CHECK ((on_failure = ANY (ARRAY['stop'::text, 'platform'::text]))),
  CONSTRAINT sources_pkey PRIMARY KEY (company_id, provider, account, operation),
  CONSTRAINT sources_source_check CHECK ((source = ANY (ARRAY['own'::text, 'platform'::text])))
);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
-- policy worker_all (*) to ownkey_worker: using true; check true
CREATE TRIGGER sources_bump AFTER INSERT OR DELETE OR UPDATE ON ownkey.sources FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER sources_notice AFTER INSERT OR UPDATE ON ownkey.sources FOR EACH ROW WHEN (((new.account = ''::text) AND (new.operation = ''::text) AND ((new.source = 'platform'::text) OR (new.on_failure = 'stop'::text)))) EXECUTE FUNCTION notice_source_change();
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
  requests_per_minute integer,
  concurrent_requests integer,
  expired_use_at timestamp with time zone,
  CONSTRAINT tokens_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT tokens_concurrent_requests_check CHECK ((concurrent_requests > 0)),
  CONSTRAINT tokens_hash_check CHECK ((length(hash) = 32)),
  CONSTRAINT tokens_hash_key UNIQUE (hash),
  CONSTRAINT tokens_kind_check CHECK ((kind = ANY (ARRAY['token'::text, 'embed'::text]))),
  CONSTRAINT tokens_pkey PRIMARY KEY (id),
  CONSTRAINT tokens_requests_per_minute_check CHECK ((requests_per_minute > 0)),
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
GRANT UPDATE (concurrent_requests, expires_at, last_used_at, name, requests_per_minute) ON tokens TO ownkey_control;
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

CREATE TABLE webhooks (
  id text NOT NULL,
  company_id text NOT NULL,
  url text NOT NULL,
  secret bytea NOT NULL,
  events text[] NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  created_by text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  last_tried_at timestamp with time zone,
  last_delivered_at timestamp with time zone,
  last_status integer,
  CONSTRAINT webhooks_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies(id) ON DELETE CASCADE,
  CONSTRAINT webhooks_pkey PRIMARY KEY (id)
);
CREATE INDEX webhooks_by_company ON ownkey.webhooks USING btree (company_id, id);
-- row security: forced
-- policy control_company (*) to ownkey_control: using ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true))); check ((current_setting('ownkey.company'::text, true) = '*'::text) OR (company_id = current_setting('ownkey.company'::text, true)))
GRANT DELETE ON webhooks TO ownkey_control;
GRANT INSERT ON webhooks TO ownkey_control;
GRANT SELECT ON webhooks TO ownkey_control;
GRANT UPDATE (enabled, events, last_delivered_at, last_status, last_tried_at, url) ON webhooks TO ownkey_control;

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

CREATE OR REPLACE FUNCTION ownkey.audit_days(company text)
 RETURNS integer
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
  SELECT CASE WHEN c.settings ? 'audit_retention_days' THEN (c.settings ->> 'audit_retention_days')::int
    ELSE (i.settings #>> '{policies,retention,audit_days}')::int END
  FROM installation i LEFT JOIN companies c ON c.id = company
$function$;
-- audit_days(company text) may be called by: ownkey_control, ownkey_worker

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

CREATE OR REPLACE FUNCTION ownkey.bump_on_price_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE company text;
BEGIN
  IF EXISTS (SELECT FROM changed WHERE company_id IS NULL) THEN
    UPDATE installation SET prices_version = prices_version + 1;
    PERFORM bump_company(NULL);
  END IF;
  FOR company IN SELECT DISTINCT company_id FROM changed WHERE company_id IS NOT NULL ORDER BY 1 LOOP
    PERFORM bump_company(company);
  END LOOP;
  RETURN NULL;
END $function$;
-- bump_on_price_change() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.bury_keys(ids text[])
 RETURNS TABLE(key_id text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH dead AS (DELETE FROM keys k WHERE k.id = ANY (ids) RETURNING k.*),
  told AS (
    INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
    SELECT d.company_id, 'key.removed', 'system', d.user_id, d.id, coalesce(d.slug, d.provider), d.last4,
      jsonb_build_object('label', d.label, 'scope', d.owner, 'because', 'removed before the restored backup was put back')
    FROM dead d)
  SELECT d.id FROM dead d;
END $function$;
-- bury_keys(ids text[]) may be called by: ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.clean_meters()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
  DELETE FROM meters WHERE kind = 'minute' AND start < now() - interval '10 minutes'
$function$;
-- clean_meters() may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.company_lock(company text)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
  SELECT hashtextextended('ownkey.company ' || company, 0)
$function$;
-- company_lock(company text) may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.drop_old_partitions()
 RETURNS text[]
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE
  p record;
  needed boolean;
  dropped text[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.partitions'));
  FOR p IN SELECT c.relname AS name, (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month')::date AS after
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'requests'::regclass AND c.relname ~ '^requests_\d{4}_\d{2}$' ORDER BY 1
  LOOP
    CONTINUE WHEN p.after > ((ledger_now() AT TIME ZONE 'UTC')::date - 31);
    -- Asked of the whole table: a partition's own row security shows its rows to nobody.
    needed := EXISTS (SELECT 1 FROM requests r WHERE r.day >= (p.after - interval '1 month')::date AND r.day < p.after
      AND (r.state = 'reserved' OR NOT EXISTS (SELECT 1 FROM audit_checkpoints k
        WHERE k.company_id = coalesce(r.company_id, '') AND k.cut_at IS NOT NULL AND k.day >= p.after)));
    CONTINUE WHEN needed;
    BEGIN
      EXECUTE format('DROP TABLE %I', p.name);
      dropped := dropped || p.name;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
  RETURN dropped;
END $function$;
-- drop_old_partitions() may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.due_retention(most integer)
 RETURNS TABLE(company text, cut_day date)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
  SELECT DISTINCT ON (p.company_id) p.company_id, p.day
  FROM audit_checkpoints p
  WHERE p.done_at IS NULL AND p.day <= (now() AT TIME ZONE 'UTC')::date - audit_days(p.company_id)
  ORDER BY p.company_id, p.day DESC LIMIT most
$function$;
-- due_retention(most integer) may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.end_notices(of_key text, how text, of_kinds text[], as_actor text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
  WITH ended AS (
    UPDATE notices SET ended_at = clock_timestamp(), resolution = how, dismissed_by = '{}'
    WHERE key_id = of_key AND kind = ANY (of_kinds) AND ended_at IS NULL RETURNING *)
  INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
  SELECT company_id, CASE kind WHEN 'key' THEN 'key.recovered' ELSE 'fallback.ended' END, as_actor, user_id, key_id, slug, last4,
    jsonb_build_object('reason', reason, 'resolution', how, 'notice', id)
  FROM ended WHERE EXISTS (SELECT FROM companies c WHERE c.id = ended.company_id)
$function$;
-- end_notices(of_key text, how text, of_kinds text[], as_actor text) may be called by: ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.ensure_partitions()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
 SET lock_timeout TO '2s'
AS $function$
DECLARE first date; after date; partition text; waiting int;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.partitions'));
  FOR offset_months IN 0..2 LOOP
    first := (date_trunc('month', ledger_now() AT TIME ZONE 'UTC') + make_interval(months => offset_months))::date;
    after := (first + interval '1 month')::date;
    partition := 'requests_' || to_char(first, 'YYYY_MM');
    CONTINUE WHEN to_regclass('ownkey.' || partition) IS NOT NULL;
    SELECT count(*) INTO waiting FROM (SELECT 1 FROM requests r WHERE r.day >= first AND r.day < after LIMIT 50001) x;
    CONTINUE WHEN waiting > 50000;
    BEGIN
      EXECUTE format('CREATE TABLE %I (LIKE requests INCLUDING ALL) WITH (fillfactor = 70)', partition);
      IF waiting > 0 THEN
        LOCK TABLE requests IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE format('WITH moved AS (DELETE FROM requests r WHERE r.day >= %L AND r.day < %L RETURNING r.*)
          INSERT INTO %I SELECT * FROM moved', first, after, partition);
      END IF;
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', partition);
      EXECUTE format('ALTER TABLE requests ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, first, after);
    EXCEPTION WHEN lock_not_available THEN
      NULL;   -- the ledger is busy: the default partition takes what comes, and it is tried again in an hour
    END;
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
  PERFORM pg_advisory_xact_lock(company_lock(company));
  -- The sealer would put entries of the record into the chain that are being removed.
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.audit'));
  IF NOT EXISTS (SELECT 1 FROM companies WHERE id = company) THEN RETURN false; END IF;
  PERFORM erase_rows(company);
  INSERT INTO audit_events (kind, actor, data) VALUES ('company.erased', by_actor, jsonb_build_object('company', company));
  RETURN true;
END $function$;
-- erase_company(company text, by_actor text) may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.erase_rows(company text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE t text;
BEGIN
  DELETE FROM reservations v USING requests r WHERE r.company_id = company AND v.day = r.day AND v.id = r.id;
  DELETE FROM requests WHERE company_id = company;
  DELETE FROM companies WHERE id = company;
  FOR t IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
    WHERE c.relnamespace = 'ownkey'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT a.attisdropped
      AND c.relname <> 'requests' ORDER BY 1
  LOOP
    EXECUTE format('DELETE FROM %I WHERE company_id = $1', t) USING company;
  END LOOP;
END $function$;
-- erase_rows(company text) may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.erase_user(company text, person text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE mails text[];
BEGIN
  SELECT array_agg(DISTINCT lower(m.mail)) INTO mails FROM users u LEFT JOIN logins l ON l.id = u.login_id
    CROSS JOIN LATERAL (VALUES (u.email), (l.email)) AS m (mail)
    WHERE u.company_id = company AND u.id = person AND m.mail IS NOT NULL;
  DELETE FROM worker_jobs j WHERE j.company_id = company AND (j.actor = person OR j.payload ->> 'user_id' = person
    OR j.payload ->> 'key_id' IN (SELECT k.id FROM keys k WHERE k.user_id = person));
  DELETE FROM users u WHERE u.company_id = company AND u.id = person;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM caps c WHERE c.company_id = company AND c.subject IN (person, 'me:' || person);
  DELETE FROM outbox o WHERE o.company_id = company AND o.channel = 'mail' AND lower(o.target) = ANY (mails);
  DELETE FROM invitations i WHERE i.company_id = company AND i.email = ANY (mails);
  UPDATE companies c SET settings = jsonb_set(c.settings, '{notice_recipients}', (
      SELECT coalesce(jsonb_agg(r.mail), '[]') FROM jsonb_array_elements_text(c.settings -> 'notice_recipients') AS r (mail)
      WHERE lower(r.mail) <> ALL (mails)))
    WHERE c.id = company AND EXISTS (
      SELECT 1 FROM jsonb_array_elements_text(c.settings -> 'notice_recipients') AS r (mail) WHERE lower(r.mail) = ANY (mails));
  RETURN true;
END $function$;
-- erase_user(company text, person text) may be called by: ownkey_control

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

CREATE OR REPLACE FUNCTION ownkey.kek_rows()
 RETURNS TABLE(kek_id text, kind text, rows bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
  SELECT kek_id, 'stored keys', count(*) FROM envelopes GROUP BY 1
  UNION ALL SELECT kek_id, 'sealing keys', count(*) FROM sealing_keys GROUP BY 1
  UNION ALL SELECT kek_id, 'audit heads', count(*)
    FROM (SELECT kek_id FROM audit_heads UNION ALL SELECT kek_id FROM audit_checkpoints) heads GROUP BY 1
$function$;
-- kek_rows() may be called by: ownkey_control, ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.ledger_now()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$ SELECT now() $function$;
-- ledger_now() may be called by: ownkey_control, ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.meet_caps(company text, by_actor text, new_caps jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE
  this_day timestamptz := date_trunc('day', ledger_now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  this_month timestamptz := date_trunc('month', ledger_now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
  c record;
  m meters;
  old_cap bigint;
BEGIN
  FOR c IN SELECT x.meter, x.kind, x.cap, CASE x.kind WHEN 'day' THEN this_day ELSE this_month END AS start
    FROM jsonb_to_recordset(new_caps) AS x (meter text, kind text, cap bigint)
    WHERE x.kind IN ('day', 'month') ORDER BY 1, 2
  LOOP
    SELECT * INTO m FROM meters w WHERE w.company_id = company AND w.meter = c.meter AND w.kind = c.kind AND w.start = c.start
      FOR NO KEY UPDATE;
    CONTINUE WHEN NOT FOUND OR m.cap IS NOT DISTINCT FROM c.cap;
    old_cap := m.cap;
    UPDATE meters w SET cap = c.cap WHERE w.company_id = company AND w.meter = c.meter AND w.kind = c.kind AND w.start = c.start;
    IF c.cap IS NOT NULL AND (old_cap IS NULL OR c.cap < old_cap) AND c.meter = '' THEN
      PERFORM note_alert(company, c.meter, c.kind, c.start, c.cap, m.settled, m.reserved, 'cap_lowered', by_actor);
    END IF;
  END LOOP;
END $function$;
-- meet_caps(company text, by_actor text, new_caps jsonb) may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.note_alert(company text, of_meter text, of_kind text, of_start timestamp with time zone, of_cap bigint, spent bigint, held bigint, why text, by_actor text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE
  near boolean := spent::numeric * 100 >= of_cap::numeric * 80;
  reached boolean := spent >= of_cap
    OR (why = 'refused' AND spent::numeric * 100 >= of_cap::numeric * 80 AND (spent + held)::numeric * 100 >= of_cap::numeric * 95);
BEGIN
  IF NOT near THEN RETURN; END IF;
  INSERT INTO alerts (company_id, meter, kind, start, threshold, cap_nano_usd, settled_nano_usd, reserved_nano_usd, cause,
    actor, silent)
  SELECT company, of_meter, of_kind, of_start, t, of_cap, spent, held, why, by_actor, t = 80 AND reached
  FROM unnest(CASE WHEN reached THEN ARRAY[80, 100] ELSE ARRAY[80] END) t
  ON CONFLICT DO NOTHING;
END $function$;
-- note_alert(company text, of_meter text, of_kind text, of_start timestamp with time zone, of_cap bigint, spent bigint, held bigint, why text, by_actor text) may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.note_expired_use(token text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE t record;
BEGIN
  UPDATE tokens k SET expired_use_at = now() WHERE k.id = token AND k.expires_at <= now()
    AND (k.expired_use_at IS NULL OR k.expired_use_at < now() - interval '1 day')
    RETURNING k.id, k.company_id, k.user_id, k.name INTO t;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO audit_events (company_id, kind, actor, user_id, data)
  VALUES (t.company_id, 'token.used_after_end', t.id, t.user_id, jsonb_build_object('token', t.id));
END $function$;
-- note_expired_use(token text) may be called by: ownkey_control, ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.note_removed_key()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  INSERT INTO removed_keys (key_id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $function$;
-- note_removed_key() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.notice_fallbacks(asked reserve_call[], admitted integer[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  -- In key order: two groups that open the same notices do not wait for each other in a circle.
  PERFORM open_notice('fallback', k, f.reason, 'system')
    FROM (SELECT DISTINCT ON (a.fallback_for) a.fallback_for, a.fallback_reason AS reason
      FROM unnest(asked) a WHERE a.i = ANY (admitted) AND a.fallback_for IS NOT NULL ORDER BY a.fallback_for, a.i) f
    JOIN keys k ON k.id = f.fallback_for;
END $function$;
-- notice_fallbacks(asked reserve_call[], admitted integer[]) may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.notice_key_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM end_notices(OLD.id, 'removed', '{key,fallback}', 'system');
  ELSIF TG_OP = 'INSERT' THEN
    PERFORM open_notice('key', NEW, NEW.status, 'system');
  ELSIF NOT NEW.enabled THEN
    PERFORM end_notices(NEW.id, 'off', '{key,fallback}', 'system');
  ELSIF NEW.status IN ('valid', 'limited') THEN
    PERFORM end_notices(NEW.id, CASE WHEN NEW.version > OLD.version THEN 'replaced' ELSE 'recovered' END, '{key,fallback}', 'system');
  ELSIF NEW.status <> 'pending' THEN
    PERFORM open_notice('key', NEW, NEW.status, 'system');
  END IF;
  RETURN NULL;
END $function$;
-- notice_key_change() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.notice_rule_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  PERFORM end_notices(n.key_id, 'switched', '{fallback}', 'system')
    FROM notices n WHERE n.ended_at IS NULL AND n.kind = 'fallback'
      AND (TG_TABLE_NAME = 'installation' OR n.company_id = to_jsonb(NEW) ->> 'id');
  RETURN NULL;
END $function$;
-- notice_rule_change() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.notice_source_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  PERFORM end_notices(k.id, 'switched', CASE NEW.source WHEN 'platform' THEN '{key,fallback}'::text[] ELSE '{fallback}' END, 'system')
    FROM keys k WHERE k.company_id = NEW.company_id AND coalesce(k.slug, k.provider) = NEW.provider
      AND EXISTS (SELECT FROM notices n WHERE n.key_id = k.id AND n.ended_at IS NULL);
  RETURN NULL;
END $function$;
-- notice_source_change() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.open_notice(of_kind text, k keys, why text, as_actor text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE opened text;
BEGIN
  IF k.company_id IS NULL THEN RETURN; END IF;
  INSERT INTO notices (company_id, kind, key_id, slug, last4, user_id, reason, detail)
    VALUES (k.company_id, of_kind, k.id, coalesce(k.slug, k.provider), k.last4, k.user_id, why, k.status_detail)
    ON CONFLICT (key_id, kind) WHERE ended_at IS NULL DO NOTHING RETURNING id INTO opened;
  IF opened IS NULL THEN
    UPDATE notices n SET reason = why, detail = k.status_detail, dismissed_by = '{}'
      WHERE n.key_id = k.id AND n.kind = of_kind AND n.ended_at IS NULL AND n.reason <> why;
    RETURN;
  END IF;
  INSERT INTO audit_events (company_id, kind, actor, user_id, key_id, provider, last4, data)
    VALUES (k.company_id, CASE of_kind WHEN 'key' THEN 'key.failing' ELSE 'fallback.started' END, as_actor, k.user_id, k.id,
      coalesce(k.slug, k.provider), k.last4, jsonb_build_object('reason', why, 'notice', opened));
END $function$;
-- open_notice(of_kind text, k keys, why text, as_actor text) may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.refuse_closed_kek()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE found text;
BEGIN
  SELECT state INTO found FROM keks WHERE id = NEW.kek_id FOR SHARE;
  IF found IN ('closed', 'destroyed') THEN
    RAISE EXCEPTION 'master key % is % and takes no more writes', NEW.kek_id, found USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  RETURN NEW;
END $function$;
-- refuse_closed_kek() may be called by: the owner alone

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
 RETURNS TABLE(id text, outcome text, day text, granted_nano_usd bigint, remaining_nano_usd bigint, at_ms bigint, refusal jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
 SET jit TO 'off'
AS $function$
BEGIN
  -- A statement of its own: reserve_held() looks only once the locks are there.
  PERFORM pg_advisory_xact_lock_shared(company_lock(c.company)) FROM (
    SELECT DISTINCT x.call ->> 'company_id' AS company FROM jsonb_array_elements(calls) AS x (call) ORDER BY 1) c
  WHERE c.company IS NOT NULL;
  RETURN QUERY SELECT * FROM reserve_held(calls);
END $function$;
-- reserve(calls jsonb) may be called by: ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.reserve_held(calls jsonb)
 RETURNS TABLE(id text, outcome text, day text, granted_nano_usd bigint, remaining_nano_usd bigint, at_ms bigint, refusal jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET jit TO 'off'
 SET enable_seqscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
DECLARE
  moment timestamptz := ledger_now();
  today date := (moment AT TIME ZONE 'UTC')::date;
  this_day timestamptz := today::timestamp AT TIME ZONE 'UTC';
  this_month timestamptz := date_trunc('month', today::timestamp) AT TIME ZONE 'UTC';
  this_minute timestamptz := date_trunc('minute', moment);
  -- An id may be asked again a few seconds after its first try: only right after midnight that try can lie on the day before.
  days date[] := CASE WHEN (moment AT TIME ZONE 'UTC')::time < '00:10' THEN ARRAY[today - 1, today] ELSE ARRAY[today] END;
  installation_version bigint;
  asked reserve_call[];
  touches meter_touch[];
  t meter_touch;
  broken meter_touch;
  keys meter_touch[];              -- one per row, by n
  used bigint[];
  add_settled bigint[];
  add_reserved bigint[];
  add_refused bigint[];
  caps_met bigint[];
  granted bigint[];
  remaining bigint[];
  refusals jsonb[];
  verdicts text[];                 -- 'ok' for calls that ask now, 'old' for repeated ones
  old_days date[];
  admitted int[] := '{}';
  fits boolean;
  p int := 1;
  first_touch int;
  count_touches int;
  amount bigint;
  free bigint;
  least_free bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'on', true);   -- until the caller's commit

  SELECT array_agg(ROW(x.ord, x.id, (SELECT co.id FROM companies co WHERE co.id = x.company_id), x.company_id, x.config_version,
      x.global_version, x.user_id, x.token_id, x.account, x.operation, coalesce(x.kind, 'call'), x.wire,
      coalesce(x.streaming, false), x.provider, x.slug, x.model, x.key_id, x.key_version, x.last4, x.key_source, x.fallback_reason,
      x.worker_id, x.actor, x.price_id, coalesce(x.reserved_nano_usd, 0), x.least_nano_usd, x.limits, x.fallback_for, x.after_id)::reserve_call ORDER BY x.ord)
    INTO asked
    FROM (SELECT r.*, (row_number() OVER ())::int AS ord
      FROM jsonb_to_recordset(calls) AS r (
        id text, company_id text, config_version bigint, global_version bigint, user_id text, token_id text, account text,
        operation text, kind text, wire text, streaming boolean, provider text, slug text, model text, key_id text,
        key_version int, last4 text, key_source text, fallback_reason text, worker_id text, actor text, price_id text,
        reserved_nano_usd bigint, least_nano_usd bigint, limits jsonb, fallback_for text, after_id text)) x;

  -- What each call touches: the sums it is counted in, and the limits it brings. Calls that cost nothing are in no sum of money.
  SELECT array_agg(ROW(u.i, u.n, u.company_id, u.meter, u.kind, u.start, u.cap, u.rank, u.amount, u.least, u.pause)::meter_touch
      ORDER BY u.i, u.rank)
    INTO touches
    FROM (
      SELECT s.*, CASE WHEN s.kind = 'request' THEN 0
          ELSE (dense_rank() OVER (PARTITION BY s.kind = 'request' ORDER BY s.company_id, s.meter, s.kind, s.start))::int END AS n
      FROM (
        SELECT a.i, a.company_id, b.meter, b.kind,
          CASE b.kind WHEN 'day' THEN this_day WHEN 'month' THEN this_month WHEN 'minute' THEN this_minute
            WHEN 'running' THEN '-infinity' END AS start,
          min(b.cap) AS cap,
          min(CASE WHEN b.meter = 'credits' THEN 6
            ELSE array_position(ARRAY['minute', 'running', 'request', 'day', 'month'], b.kind) END) AS rank,
          CASE WHEN b.kind IN ('minute', 'running') THEN 1 ELSE a.reserved_nano_usd END AS amount,
          CASE WHEN b.kind IN ('minute', 'running') THEN 1 ELSE coalesce(a.least_nano_usd, a.reserved_nano_usd) END AS least,
          b.meter <> 'credits' AND b.kind NOT IN ('minute', 'running') AND a.kind <> 'models' AS pause
        FROM unnest(asked) a CROSS JOIN LATERAL (
          SELECT v.meter, v.kind, NULL::bigint AS cap FROM (VALUES
            ('', 'day', true), ('', 'month', true),
            (a.user_id, 'day', a.user_id IS NOT NULL), (a.user_id, 'month', a.user_id IS NOT NULL),
            ('credits', 'month', a.key_source = 'platform'),
            ('fallback', 'day', a.fallback_reason IS NOT NULL), ('fallback', 'month', a.fallback_reason IS NOT NULL)
          ) AS v (meter, kind, counts) WHERE v.counts AND a.reserved_nano_usd > 0
          UNION ALL
          SELECT l.meter, l.kind, CASE WHEN l.raised_to IS NOT NULL AND today BETWEEN l.raised_from AND l.raised_until
            THEN l.raised_to ELSE l.cap END
          FROM jsonb_to_recordset(a.limits) AS l (meter text, kind text, cap bigint, raised_to bigint, raised_from date,
            raised_until date)
        ) b
        WHERE a.company_id IS NOT NULL
        GROUP BY a.i, a.company_id, a.reserved_nano_usd, a.least_nano_usd, a.kind, b.meter, b.kind
      ) s
    ) u;
  count_touches := coalesce(array_length(touches, 1), 0);

  IF count_touches > 0 THEN
    SELECT array_agg(ROW(NULL, d.n, d.company_id, d.meter, d.kind, d.start, NULL, NULL, NULL, NULL, NULL)::meter_touch ORDER BY d.n)
      INTO keys
      FROM (SELECT DISTINCT x.n, x.company_id, x.meter, x.kind, x.start FROM unnest(touches) x WHERE x.n > 0) d;
  END IF;
  IF keys IS NOT NULL THEN
    -- Makes what is missing and locks every row, in key order; ON CONFLICT locks a row whose update its WHERE leaves out.
    INSERT INTO meters AS m (company_id, meter, kind, start)
      SELECT x.company_id, x.meter, x.kind, x.start FROM unnest(keys) x ORDER BY x.company_id, x.meter, x.kind, x.start
      ON CONFLICT (company_id, meter, kind, start) DO UPDATE SET cap = m.cap WHERE false;
    SELECT array_agg((SELECT m.settled + m.reserved FROM meters m WHERE m.company_id = x.company_id AND m.meter = x.meter
        AND m.kind = x.kind AND m.start = x.start) ORDER BY x.n), array_agg(0::bigint), array_agg(0::bigint), array_agg(0::bigint)
      INTO used, add_settled, add_reserved, add_refused FROM unnest(keys) x;
  END IF;

  -- Judged once the rows are locked: a change that was committed while this group waited counts.
  installation_version := (SELECT i.config_version FROM installation i);
  SELECT array_agg(j.old_day ORDER BY j.i), array_agg(CASE
      WHEN j.old_day IS NOT NULL THEN 'old'         -- a repeated id whose first try was committed stands, whatever changed since
      WHEN j.wanted_company IS NOT NULL AND j.company_version IS NULL THEN 'missing'
      WHEN j.company_version <> j.config_version OR installation_version <> j.global_version THEN 'changed'
      ELSE 'ok' END ORDER BY j.i)
    INTO old_days, verdicts
    FROM (SELECT a.i, a.wanted_company, a.config_version, a.global_version,
        (SELECT co.config_version FROM companies co WHERE co.id = a.company_id) AS company_version,
        (SELECT q.day FROM requests q WHERE q.day = ANY (days) AND q.id = a.id LIMIT 1) AS old_day
      FROM unnest(asked) a) j;

  -- Where all of the group fits under every limit, its order does not matter.
  SELECT coalesce(bool_and(r.fits), true) INTO fits
    FROM (SELECT coalesce(bool_and(x.cap IS NULL OR (NOT (x.cap = 0 AND x.pause) AND x.amount <= x.cap)), true)
          AND (x.n = 0 OR min(x.cap) IS NULL OR sum(x.amount) = 0 OR used[x.n] + sum(x.amount) <= min(x.cap)) AS fits
      FROM unnest(touches) x WHERE verdicts[x.i] = 'ok' GROUP BY x.n) r;

  IF fits THEN
    SELECT coalesce(array_agg(a.i) FILTER (WHERE verdicts[a.i] = 'ok'), '{}'), array_agg(a.reserved_nano_usd ORDER BY a.i)
      INTO admitted, granted FROM unnest(asked) a;
    SELECT array_agg(CASE WHEN r.kind = 'minute' THEN r.amount ELSE 0 END ORDER BY r.n),
        array_agg(CASE WHEN r.kind = 'minute' THEN 0 ELSE r.amount END ORDER BY r.n), array_agg(r.cap ORDER BY r.n)
      INTO add_settled, add_reserved, caps_met
      FROM (SELECT x.n, min(x.kind) AS kind, coalesce(sum(x.amount) FILTER (WHERE verdicts[x.i] = 'ok'), 0)::bigint AS amount,
          min(x.cap) FILTER (WHERE verdicts[x.i] = 'ok') AS cap
        FROM unnest(touches) x WHERE x.n > 0 GROUP BY x.n) r;
    -- What is left once the whole group has its reservations.
    SELECT array_agg(r.left ORDER BY r.i) INTO remaining
      FROM (SELECT y.i, min(y.left) AS left
        FROM (SELECT x.i, greatest(x.cap - used[x.n] - add_reserved[x.n], 0) AS left FROM unnest(touches) x
            WHERE x.n > 0 AND x.cap IS NOT NULL AND x.kind IN ('day', 'month') AND x.meter <> 'credits'
          UNION ALL SELECT g, NULL FROM generate_series(1, array_length(asked, 1)) g) y
        GROUP BY y.i) r;
  ELSE
    caps_met := array_fill(NULL::bigint, ARRAY[coalesce(array_length(keys, 1), 1)]);
    FOR i IN 1..array_length(asked, 1) LOOP
      amount := asked[i].reserved_nano_usd;
      least_free := NULL;
      broken := NULL;
      first_touch := p;
      WHILE p <= count_touches LOOP
        t := touches[p];
        EXIT WHEN t.i <> i;
        p := p + 1;
        CONTINUE WHEN t.cap IS NULL OR verdicts[i] <> 'ok';
        IF t.n > 0 AND t.meter <> 'credits' THEN caps_met[t.n] := least(caps_met[t.n], t.cap); END IF;
        -- What is left for this call. A cap of 0 is a pause: it also stops what costs nothing, lists of models apart.
        free := CASE WHEN t.n = 0 THEN t.cap ELSE t.cap - used[t.n] END;
        IF t.n > 0 AND t.kind IN ('day', 'month') AND t.meter <> 'credits' THEN least_free := least(least_free, free); END IF;
        CONTINUE WHEN broken.kind IS NOT NULL;
        IF (t.cap = 0 AND t.pause) OR (t.amount > 0 AND free < t.least) THEN
          broken := t;
        ELSIF t.kind NOT IN ('minute', 'running') THEN
          amount := least(amount, greatest(free, 0));
        END IF;
      END LOOP;
      CONTINUE WHEN verdicts[i] <> 'ok';

      IF broken.kind IS NOT NULL THEN
        remaining[i] := CASE WHEN least_free IS NOT NULL THEN greatest(least_free, 0) END;
        IF broken.n > 0 THEN add_refused[broken.n] := add_refused[broken.n] + 1; END IF;
        refusals[i] := jsonb_build_object('meter', broken.meter, 'kind', broken.kind, 'cap', broken.cap,
          'used', CASE WHEN broken.n > 0 THEN used[broken.n] ELSE 0 END,
          'resets_at', CASE broken.kind WHEN 'day' THEN to_char((today + 1), 'YYYY-MM-DD') || 'T00:00:00Z'
            WHEN 'month' THEN to_char(date_trunc('month', today) + interval '1 month', 'YYYY-MM-DD') || 'T00:00:00Z' END,
          'seconds', CASE broken.kind WHEN 'minute' THEN ceil(extract(epoch FROM this_minute + interval '1 minute' - moment)) END);
        CONTINUE;
      END IF;

      admitted := admitted || i;
      granted[i] := amount;
      remaining[i] := CASE WHEN least_free IS NOT NULL THEN greatest(least_free - amount, 0) END;
      FOR q IN first_touch..p - 1 LOOP
        t := touches[q];
        CONTINUE WHEN t.n = 0;
        IF t.kind = 'minute' THEN
          add_settled[t.n] := add_settled[t.n] + 1;
          used[t.n] := used[t.n] + 1;
        ELSE
          free := CASE WHEN t.kind = 'running' THEN 1 ELSE amount END;
          add_reserved[t.n] := add_reserved[t.n] + free;
          used[t.n] := used[t.n] + free;
        END IF;
      END LOOP;
    END LOOP;
  END IF;

  IF keys IS NOT NULL THEN
    UPDATE meters m SET settled = m.settled + add_settled[x.n], reserved = m.reserved + add_reserved[x.n],
      refused = m.refused + add_refused[x.n], cap = coalesce(caps_met[x.n], m.cap)
    FROM unnest(keys) x
    WHERE m.company_id = x.company_id AND m.meter = x.meter AND m.kind = x.kind AND m.start = x.start
      AND (add_settled[x.n] <> 0 OR add_reserved[x.n] <> 0 OR add_refused[x.n] <> 0 OR m.cap IS DISTINCT FROM coalesce(caps_met[x.n], m.cap));
    IF NOT fits THEN
      PERFORM note_alert(m.company_id, m.meter, m.kind, m.start, m.cap, m.settled, m.reserved, 'refused', NULL)
        FROM unnest(keys) x JOIN meters m ON m.company_id = x.company_id AND m.meter = x.meter AND m.kind = x.kind AND m.start = x.start
        WHERE add_refused[x.n] > 0 AND m.meter = '' AND m.kind IN ('day', 'month');
    END IF;
  END IF;

  IF EXISTS (SELECT FROM unnest(asked) a WHERE a.fallback_for IS NOT NULL) THEN
    PERFORM notice_fallbacks(asked, admitted);
  END IF;

  RETURN QUERY
  WITH inserted AS (
    INSERT INTO requests (id, day, created_at, company_id, user_id, token_id, account, operation, kind, wire, streaming, provider,
      slug, model, key_id, key_version, last4, key_source, fallback_reason, reserved_nano_usd, worker_id, price_id, fallback_for, after_id, running_meters)
    SELECT a.id, today, moment, a.company_id, a.user_id, a.token_id, a.account, a.operation, a.kind, a.wire, a.streaming,
      a.provider, a.slug, a.model, a.key_id, a.key_version, a.last4, a.key_source, a.fallback_reason, granted[a.i], a.worker_id,
      a.price_id, a.fallback_for, a.after_id, (SELECT array_agg(DISTINCT l.meter) FROM jsonb_to_recordset(a.limits) AS l (meter text, kind text)
        WHERE l.kind = 'running')
    FROM unnest(asked) a WHERE a.i = ANY (admitted)
    ON CONFLICT DO NOTHING
    RETURNING requests.id, requests.day, requests.reserved_nano_usd
  ), held AS (
    INSERT INTO reservations (day, id) SELECT ins.day, ins.id FROM inserted ins
  ), evented AS (
    INSERT INTO audit_events (company_id, kind, actor, user_id, request_id, request_day, key_id, provider, last4, data)
    SELECT j.company_id, j.kind || '.started', coalesce(j.actor, 'system'), j.user_id, j.id, today,
      j.key_id, j.slug, j.last4, jsonb_strip_nulls(jsonb_build_object('model', j.model, 'key_source', j.key_source,
        'operation', j.operation, 'account', j.account, 'wire', j.wire, 'fallback_reason', j.fallback_reason, 'fallback_for', j.fallback_for, 'after', j.after_id,
        'reserved_nano_usd', granted[j.i], 'price', j.price_id))
    FROM inserted ins JOIN unnest(asked) j ON j.id = ins.id
  )
  -- Without a day: the same id is being inserted elsewhere at this moment. The caller asks again and finds it.
  SELECT a.id, CASE WHEN refusals[a.i] IS NOT NULL THEN 'refused' WHEN verdicts[a.i] = 'old' THEN 'ok' ELSE verdicts[a.i] END,
    coalesce(old_days[a.i], ins.day)::text,
    coalesce(ins.reserved_nano_usd,
      (SELECT q.reserved_nano_usd FROM requests q WHERE q.day = old_days[a.i] AND q.id = a.id)),
    remaining[a.i],
    (extract(epoch FROM coalesce((SELECT q.created_at FROM requests q WHERE q.day = old_days[a.i] AND q.id = a.id), moment))
      * 1000)::bigint,
    refusals[a.i]
  FROM unnest(asked) a LEFT JOIN inserted ins ON ins.id = a.id;
END $function$;
-- reserve_held(calls jsonb) may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.retain_step(company text, cut_day date, step integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE
  cut audit_checkpoints;
  entries int;
  calls int;
BEGIN
  SELECT * INTO cut FROM audit_checkpoints p WHERE p.company_id = company AND p.day = cut_day FOR UPDATE;
  IF NOT FOUND OR coalesce(cut_day > (now() AT TIME ZONE 'UTC')::date - audit_days(company), true) THEN RETURN 0; END IF;
  IF cut.cut_at IS NULL THEN
    UPDATE audit_checkpoints p SET cut_at = now() WHERE p.company_id = company AND p.day = cut_day;
    DELETE FROM audit_checkpoints p WHERE p.company_id = company AND p.day < cut_day;
  END IF;
  WITH gone AS (
    DELETE FROM audit_chain c WHERE c.company_id = company AND c.n = ANY (ARRAY(
      SELECT o.n FROM audit_chain o WHERE o.company_id = company AND o.n <= cut.n ORDER BY o.n LIMIT step))
    RETURNING c.event_id
  ), events AS (
    DELETE FROM audit_events e USING gone WHERE e.id = gone.event_id
  )
  SELECT count(*) INTO entries FROM gone;
  WITH old AS (
    SELECT r.day, r.id FROM requests r
    WHERE (r.company_id = nullif(company, '') OR (company = '' AND r.company_id IS NULL)) AND r.day < cut_day
      AND r.state <> 'reserved' LIMIT step
  )
  DELETE FROM requests r USING old WHERE r.day = old.day AND r.id = old.id;
  GET DIAGNOSTICS calls = ROW_COUNT;
  IF entries + calls = 0 THEN
    UPDATE audit_checkpoints p SET done_at = now() WHERE p.company_id = company AND p.day = cut_day;
  END IF;
  RETURN entries + calls;
END $function$;
-- retain_step(company text, cut_day date, step integer) may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.retain_sums(step integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE
  kept int := (SELECT (settings #>> '{policies,retention,usage_days}')::int FROM installation);
  line timestamptz := least(date_trunc('day', now() AT TIME ZONE 'UTC') - make_interval(days => kept),
    date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month') AT TIME ZONE 'UTC';
  removed int;
  total int := 0;
BEGIN
  IF kept IS NULL THEN RETURN 0; END IF;
  DELETE FROM usage_hourly u USING (
    SELECT h.ctid FROM usage_hourly h WHERE h.hour < line LIMIT step) old WHERE u.ctid = old.ctid;
  GET DIAGNOSTICS removed = ROW_COUNT;
  total := total + removed;
  DELETE FROM meters m USING (
    SELECT o.ctid FROM meters o WHERE o.kind IN ('day', 'month') AND o.start < line - interval '1 month' LIMIT step) old
    WHERE m.ctid = old.ctid;
  GET DIAGNOSTICS removed = ROW_COUNT;
  total := total + removed;
  DELETE FROM alerts a USING (SELECT o.ctid FROM alerts o WHERE o.at < line LIMIT step) old WHERE a.ctid = old.ctid;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN total + removed;
END $function$;
-- retain_sums(step integer) may be called by: ownkey_control

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
      price_id text, latency_ms int, ttfb_ms int)
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
      price_id = coalesce(i.price_id, r.price_id),
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
        'output_tokens', a.output_tokens, 'cost_nano_usd', a.cost_nano_usd, 'cost_basis', a.cost_basis, 'price', a.price_id,
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
      coalesce(a.cost_nano_usd, 0) - coalesce(b.cost_nano_usd, 0), a.day, a.fallback_reason IS NOT NULL,
      CASE WHEN b.state = 'reserved' THEN a.reserved_nano_usd ELSE 0 END,
      CASE WHEN b.state = 'reserved' THEN a.running_meters END)::settled_call)
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

  FOR k IN
    INSERT INTO meters AS m (company_id, meter, kind, start, settled, reserved)
    SELECT s.company_id, b.meter, b.kind, b.start, sum(b.settled), sum(b.reserved)
    FROM unnest(added) s
    CROSS JOIN LATERAL (VALUES (s.day::timestamp AT TIME ZONE 'UTC', date_trunc('month', s.day::timestamp) AT TIME ZONE 'UTC'))
      AS period (day, month)
    CROSS JOIN LATERAL (
      SELECT v.meter, v.kind, v.start, s.cost_nano_usd AS settled, -s.freed_nano_usd AS reserved
      FROM (VALUES
        ('', 'day', period.day, true), ('', 'month', period.month, true),
        (s.user_id, 'day', period.day, s.user_id <> ''), (s.user_id, 'month', period.month, s.user_id <> ''),
        ('credits', 'month', period.month, s.key_source = 'platform'),
        ('fallback', 'day', period.day, s.fallback), ('fallback', 'month', period.month, s.fallback)
      ) AS v (meter, kind, start, counts)
      WHERE v.counts AND (s.cost_nano_usd <> 0 OR s.freed_nano_usd <> 0)
      UNION ALL
      SELECT r.meter, 'running', '-infinity', 0, -1 FROM unnest(s.running_meters) AS r (meter)
    ) b
    WHERE s.company_id IS NOT NULL
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (company_id, meter, kind, start) DO UPDATE
      SET settled = m.settled + excluded.settled, reserved = m.reserved + excluded.reserved
    RETURNING m.company_id, m.meter, m.kind, m.start, m.cap, m.settled, m.reserved
  LOOP
    IF k.meter = '' AND k.cap IS NOT NULL THEN
      PERFORM note_alert(k.company_id, k.meter, k.kind, k.start, k.cap, k.settled, k.reserved, 'spent', NULL);
    END IF;
  END LOOP;
  RETURN QUERY SELECT unnest(moved);
END $function$;
-- settle(calls jsonb) may be called by: ownkey_worker

CREATE OR REPLACE FUNCTION ownkey.sweep_erased()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
DECLARE gone text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ownkey.audit'));
  FOR gone IN SELECT DISTINCT e.data ->> 'company' FROM audit_events e
    WHERE e.company_id IS NULL AND e.kind = 'company.erased' AND e.at > now() - interval '3 days'
      AND NOT EXISTS (SELECT 1 FROM companies c WHERE c.id = e.data ->> 'company')
  LOOP
    PERFORM erase_rows(gone);
  END LOOP;
END $function$;
-- sweep_erased() may be called by: ownkey_control

CREATE OR REPLACE FUNCTION ownkey.tell_alert()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  PERFORM pg_notify('ownkey_outbox', '');
  RETURN NULL;
END $function$;
-- tell_alert() may be called by: the owner alone

CREATE OR REPLACE FUNCTION ownkey.tell_company_gone()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'ownkey', 'pg_temp'
AS $function$
BEGIN
  PERFORM pg_notify('ownkey_company_gone', OLD.id);
  RETURN NULL;
END $function$;
-- tell_company_gone() may be called by: the owner alone

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
