SET LOCAL search_path = ownkey, pg_temp;

-- The model a company chose for one of the product's operations; '' = for those without a choice of their own. A call that names the
-- model `auto` gets it.
CREATE TABLE operation_models (
  company_id text NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
  operation text NOT NULL CHECK (length(operation) <= 128),
  model text NOT NULL CHECK (length(model) BETWEEN 3 AND 256),
  row_version bigint NOT NULL DEFAULT 1,
  changed_by text,
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (company_id, operation)
);
CREATE TRIGGER operation_models_bump AFTER INSERT OR UPDATE OR DELETE ON operation_models FOR EACH ROW
  EXECUTE FUNCTION bump_on_change();
GRANT SELECT, INSERT, UPDATE, DELETE ON operation_models TO ownkey_control;
GRANT SELECT ON operation_models TO ownkey_worker;

ALTER TABLE operation_models ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY control_company ON operation_models TO ownkey_control
  USING (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true))
  WITH CHECK (current_setting('ownkey.company', true) = '*' OR company_id = current_setting('ownkey.company', true));
CREATE POLICY worker_all ON operation_models TO ownkey_worker USING (true) WITH CHECK (true);
CREATE POLICY owner_all ON operation_models TO CURRENT_USER USING (true) WITH CHECK (true);
