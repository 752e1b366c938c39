SET LOCAL search_path = ownkey, pg_temp;

-- Least privilege. ownkey_control never reads an envelope, a wrapped private key or a sealed blob, and never writes the ledger;
-- ownkey_worker never writes companies, plans or tokens. The whole matrix is a test (tests/security).
REVOKE ALL ON SCHEMA ownkey FROM PUBLIC;
GRANT USAGE ON SCHEMA ownkey TO ownkey_control, ownkey_worker;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ownkey FROM PUBLIC;

GRANT SELECT ON installation TO ownkey_control, ownkey_worker;
GRANT UPDATE (settings) ON installation TO ownkey_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON plans TO ownkey_control;
GRANT SELECT ON plans TO ownkey_worker;
GRANT SELECT, INSERT, UPDATE ON companies TO ownkey_control;
GRANT SELECT ON companies TO ownkey_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON users TO ownkey_control;
GRANT SELECT, INSERT ON users TO ownkey_worker;          -- an unknown user named by a host token is created as a member
GRANT SELECT, INSERT, DELETE ON tokens TO ownkey_control;
GRANT UPDATE (name, expires_at, last_used_at) ON tokens TO ownkey_control;
GRANT SELECT ON tokens TO ownkey_worker;
GRANT UPDATE (last_used_at) ON tokens TO ownkey_worker;
GRANT SELECT (kid, public_key, fingerprint, created_at, retired_at) ON sealing_keys TO ownkey_control;
GRANT SELECT, INSERT, UPDATE ON sealing_keys TO ownkey_worker;
GRANT SELECT, DELETE ON keys TO ownkey_control;
GRANT UPDATE (label, enabled, position, allowed_models, row_version, changed_by, changed_at) ON keys TO ownkey_control;
GRANT SELECT, INSERT ON keys TO ownkey_worker;
GRANT UPDATE (status, status_detail, permissions, models_count, latency_ms, last4, mask, version, base_url, destination,
  keyless, row_version, changed_by, changed_at, tested_at) ON keys TO ownkey_worker;
GRANT SELECT, INSERT, UPDATE ON envelopes TO ownkey_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON sources TO ownkey_control;
GRANT SELECT, INSERT, UPDATE ON sources TO ownkey_worker;
GRANT SELECT ON model_lists TO ownkey_control;
GRANT SELECT, INSERT, UPDATE ON model_lists TO ownkey_worker;
GRANT INSERT ON worker_jobs TO ownkey_control;
GRANT SELECT (id, kind, company_id, payload, idempotency_key, actor, state, steps, result, error_code, created_at, expires_at,
  taken_at, finished_at) ON worker_jobs TO ownkey_control;
GRANT SELECT, INSERT, UPDATE, DELETE ON worker_jobs TO ownkey_worker;
GRANT SELECT, INSERT, DELETE ON used_nonces TO ownkey_worker;
GRANT SELECT ON requests, reservations TO ownkey_control, ownkey_worker;
GRANT SELECT, INSERT ON audit_events TO ownkey_control, ownkey_worker;
GRANT SELECT ON audit_chain, audit_heads TO ownkey_control;
GRANT SELECT, INSERT ON audit_chain TO ownkey_worker;
GRANT SELECT, INSERT, UPDATE ON audit_heads TO ownkey_worker;
GRANT SELECT, UPDATE ON audit_sealer TO ownkey_worker;
GRANT SELECT ON usage_hourly TO ownkey_control;
GRANT EXECUTE ON FUNCTION reserve(jsonb), settle(jsonb), renew(jsonb), expire() TO ownkey_worker;
GRANT EXECUTE ON FUNCTION audit_text(audit_events) TO ownkey_control, ownkey_worker;
GRANT EXECUTE ON FUNCTION ensure_partitions() TO ownkey_control;

-- Control works inside one company at a time: SET LOCAL ownkey.company = '<id>', or '*' for the operator and host routes.
DO $$
DECLARE t text; col text;
BEGIN
  FOREACH t IN ARRAY ARRAY['companies', 'users', 'tokens', 'keys', 'sources', 'model_lists', 'worker_jobs', 'requests',
    'audit_events', 'audit_chain', 'audit_heads', 'usage_hourly'] LOOP
    col := CASE t WHEN 'companies' THEN 'id' ELSE 'company_id' END;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t);
    EXECUTE format($p$CREATE POLICY control_company ON %I TO ownkey_control
      USING (current_setting('ownkey.company', true) = '*' OR %I = current_setting('ownkey.company', true))
      WITH CHECK (current_setting('ownkey.company', true) = '*' OR %I = current_setting('ownkey.company', true))$p$, t, col, col);
    EXECUTE format('CREATE POLICY worker_all ON %I TO ownkey_worker USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY owner_all ON %I TO CURRENT_USER USING (true) WITH CHECK (true)', t);
  END LOOP;
END $$;

-- Erases a company: rows of every table, its audit included; what remains is one entry in the installation's own audit.
CREATE FUNCTION erase_company(company text, by_actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
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
END $$;
REVOKE ALL ON FUNCTION erase_company(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_company(text, text) TO ownkey_control;
