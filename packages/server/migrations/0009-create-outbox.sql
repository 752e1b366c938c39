SET LOCAL search_path = ownkey, pg_temp;

-- Mails and webhook deliveries on their way. Written in the transaction of what they tell about, sent by whichever server takes
-- them first; the unique dedupe_key keeps two writers from telling one thing twice.
CREATE TABLE outbox (
  id text PRIMARY KEY,                       -- also the mail's Message-ID and the delivery's webhook-id, the same at every try
  company_id text REFERENCES companies (id) ON DELETE CASCADE,   -- null = the installation's
  channel text NOT NULL CHECK (channel IN ('mail', 'webhook')),
  event text NOT NULL,                       -- 'cap.near', 'cap.reached', 'webhook.test', 'reset', 'invitation'
  dedupe_key text NOT NULL UNIQUE,
  alert_id text,
  target text NOT NULL,                      -- an email address, or the id of a webhook
  payload jsonb,                             -- facts, not text; codes in it are encrypted, and blanked once it is sent or given up
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed')),
  attempts int NOT NULL DEFAULT 0,
  next_try_at timestamptz NOT NULL DEFAULT now(),
  leased_until timestamptz,                  -- a server has it in hand until then
  give_up_at timestamptz NOT NULL,
  http_status int,                           -- of the last try of a webhook
  last_error text,                           -- for the operator; a tenant sees the status alone
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz
);
CREATE INDEX outbox_due ON outbox (channel, next_try_at) WHERE state = 'queued';
CREATE INDEX outbox_by_target ON outbox (target, id) WHERE channel = 'webhook';
CREATE INDEX outbox_by_alert ON outbox (alert_id) WHERE alert_id IS NOT NULL;
CREATE INDEX outbox_by_company ON outbox (company_id);
CREATE INDEX outbox_by_age ON outbox (created_at) WHERE state <> 'queued';
CREATE TRIGGER outbox_tell AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION tell_alert();

CREATE TABLE webhooks (
  id text PRIMARY KEY,
  company_id text NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
  url text NOT NULL,
  secret bytea NOT NULL,                     -- encrypted with a key derived from OWNKEY_AUTH_SECRET, bound to this row
  events text[] NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  created_by text,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_tried_at timestamptz,
  last_delivered_at timestamptz,
  last_status int                            -- null = no answer
);
CREATE INDEX webhooks_by_company ON webhooks (company_id, id);

-- People asked to join; a row is gone when they did, or when it is withdrawn.
CREATE TABLE invitations (
  id text PRIMARY KEY,
  company_id text NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
  email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  name text,
  role text NOT NULL CHECK (role IN ('admin', 'member')),
  created_by text,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  UNIQUE (company_id, email)
);

ALTER TABLE one_time_codes
  DROP CONSTRAINT one_time_codes_purpose_check,
  ADD CONSTRAINT one_time_codes_purpose_check CHECK (purpose IN ('set-up', 'reset', 'invite')),
  ADD COLUMN invitation_id text REFERENCES invitations (id) ON DELETE CASCADE,
  ADD CHECK ((purpose = 'invite') = (invitation_id IS NOT NULL));

GRANT SELECT, INSERT, DELETE ON outbox, webhooks, invitations TO ownkey_control;
GRANT UPDATE (payload, state, attempts, next_try_at, leased_until, http_status, last_error, sent_at) ON outbox TO ownkey_control;
GRANT UPDATE (url, events, enabled, last_tried_at, last_delivered_at, last_status) ON webhooks TO ownkey_control;

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['outbox', 'webhooks', 'invitations'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format($p$CREATE POLICY control_company ON %I TO ownkey_control
      USING (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true))
      WITH CHECK (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true))$p$, t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;
