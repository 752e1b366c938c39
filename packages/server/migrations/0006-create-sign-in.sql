SET LOCAL search_path = ownkey, pg_temp;

-- Sign-in accounts: of a company's user (users.login_id) or of an operator, never both. Emails are stored in lower case.
CREATE TABLE logins (
  id text PRIMARY KEY,
  email text NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  password_hash text NOT NULL,         -- scrypt with its parameters and salt
  created_at timestamptz NOT NULL DEFAULT now(),
  password_changed_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE users ADD CONSTRAINT users_login_id_fkey FOREIGN KEY (login_id) REFERENCES logins (id);

CREATE TABLE operators (
  id text PRIMARY KEY,
  login_id text NOT NULL UNIQUE REFERENCES logins (id) ON DELETE CASCADE,
  name text,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Console sessions. The cookie's value is not here: `hash` is its HMAC with a secret outside the database.
CREATE TABLE sessions (
  id text PRIMARY KEY,
  hash bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
  login_id text NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_seen_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  user_agent text,
  address text
);
CREATE INDEX sessions_by_login ON sessions (login_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Failed tries per subject (address of the account, of the client) within a window; shared by all servers.
CREATE TABLE sign_in_tries (
  subject bytea PRIMARY KEY CHECK (length(subject) = 32),   -- SHA-256: what people typed may be anything, also a password
  tries int NOT NULL,
  since timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sign_in_tries_by_age ON sign_in_tries (since);

-- Codes that are shown or mailed once: of `ownkey init`, of a password reset.
CREATE TABLE one_time_codes (
  hash bytea PRIMARY KEY CHECK (length(hash) = 32),
  purpose text NOT NULL CHECK (purpose IN ('set-up', 'reset')),
  login_id text REFERENCES logins (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);

-- A person who is removed, alone or with the company, can no longer sign in.
CREATE FUNCTION remove_login() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  DELETE FROM logins WHERE id = OLD.login_id;
  RETURN NULL;
END $$;
CREATE TRIGGER users_remove_login AFTER DELETE ON users FOR EACH ROW WHEN (OLD.login_id IS NOT NULL)
  EXECUTE FUNCTION remove_login();

-- Who a token is, from its hash alone: the one question the control plane asks before it knows the company.
CREATE FUNCTION find_token(wanted bytea) RETURNS TABLE (id text, name text, company_id text, user_id text, role text,
  kind text, scopes text[], expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
#variable_conflict use_column
BEGIN
  UPDATE tokens t SET last_used_at = now()
    WHERE t.hash = wanted AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute');
  RETURN QUERY SELECT t.id, t.name, t.company_id, t.user_id, u.role, t.kind, t.scopes, t.expires_at
    FROM tokens t LEFT JOIN users u ON u.id = t.user_id WHERE t.hash = wanted;
END $$;

-- Who a session is. `user_id` is null for operators.
CREATE FUNCTION find_session(wanted bytea) RETURNS TABLE (id text, login_id text, email text, expires_at timestamptz,
  last_seen_at timestamptz, operator_id text, operator_name text, user_id text, user_name text, role text, company_id text,
  company_name text, plan text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
  SELECT s.id, l.id, l.email, s.expires_at, s.last_seen_at, o.id, o.name, u.id, u.name, u.role, c.id, c.name, c.plan
  FROM sessions s JOIN logins l ON l.id = s.login_id
  LEFT JOIN operators o ON o.login_id = l.id
  LEFT JOIN users u ON u.login_id = l.id LEFT JOIN companies c ON c.id = u.company_id
  WHERE s.hash = wanted AND s.expires_at > now() AND (o.id IS NOT NULL OR u.id IS NOT NULL)
$$;

REVOKE ALL ON FUNCTION remove_login(), find_token(bytea), find_session(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_token(bytea), find_session(bytea) TO ownkey_control;
GRANT SELECT, INSERT, DELETE ON logins TO ownkey_control;
GRANT UPDATE (password_hash, password_changed_at) ON logins TO ownkey_control;
GRANT SELECT, INSERT, DELETE ON operators TO ownkey_control;
GRANT SELECT, INSERT, DELETE ON sessions TO ownkey_control;
GRANT UPDATE (last_seen_at, expires_at) ON sessions TO ownkey_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_tries TO ownkey_control;
GRANT SELECT, INSERT, DELETE ON one_time_codes TO ownkey_control;
