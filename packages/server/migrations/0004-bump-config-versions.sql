SET LOCAL search_path = ownkey, pg_temp;

-- Every change that may change a decision moves the company's version (or the installation's) in the same transaction, and
-- tells the workers. reserve() compares versions, so a decision on an older one never reaches a provider.
CREATE FUNCTION bump_company(company text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  IF company IS NULL THEN
    UPDATE installation SET config_version = config_version + 1;
    PERFORM pg_notify('ownkey_config', '*');
  ELSE
    UPDATE companies SET config_version = config_version + 1 WHERE id = company;
    PERFORM pg_notify('ownkey_config', company);
  END IF;
END $$;

CREATE FUNCTION bump_on_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM bump_company(OLD.company_id); END IF;
  IF TG_OP = 'INSERT' THEN PERFORM bump_company(NEW.company_id);
  ELSIF TG_OP = 'UPDATE' AND NEW.company_id IS DISTINCT FROM OLD.company_id THEN PERFORM bump_company(NEW.company_id); END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER keys_bump_row AFTER INSERT OR DELETE ON keys FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER keys_bump_change AFTER UPDATE OF enabled, position, allowed_models, status, version, base_url, destination,
  last4, slug ON keys FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER sources_bump AFTER INSERT OR UPDATE OR DELETE ON sources FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER tokens_bump_row AFTER INSERT OR DELETE ON tokens FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER tokens_bump_change AFTER UPDATE OF scopes, expires_at, user_id, company_id, hash ON tokens
  FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER users_bump_row AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION bump_on_change();
CREATE TRIGGER users_bump_change AFTER UPDATE OF role ON users FOR EACH ROW EXECUTE FUNCTION bump_on_change();

CREATE FUNCTION bump_on_company_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM bump_company(NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER companies_bump AFTER UPDATE OF plan, ai_enabled, zero_retention, settings ON companies
  FOR EACH ROW EXECUTE FUNCTION bump_on_company_change();

CREATE FUNCTION bump_on_plan_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM bump_company(NULL);
  RETURN NULL;
END $$;
CREATE TRIGGER plans_bump AFTER INSERT OR UPDATE OR DELETE ON plans FOR EACH STATEMENT EXECUTE FUNCTION bump_on_plan_change();
CREATE TRIGGER companies_bump_delete AFTER DELETE ON companies FOR EACH STATEMENT EXECUTE FUNCTION bump_on_plan_change();

-- Removing, turning off or replacing a key ends its running streams and pools on every worker.
CREATE FUNCTION tell_key_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM pg_notify('ownkey_key_gone', OLD.id || ' ' || OLD.version);
  RETURN NULL;
END $$;
CREATE TRIGGER keys_tell_removed AFTER DELETE ON keys FOR EACH ROW EXECUTE FUNCTION tell_key_gone();
CREATE TRIGGER keys_tell_changed AFTER UPDATE OF enabled, version ON keys FOR EACH ROW
  WHEN ((OLD.enabled AND NOT NEW.enabled) OR OLD.version <> NEW.version) EXECUTE FUNCTION tell_key_gone();

CREATE FUNCTION tell_job() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ownkey, pg_temp AS $$
BEGIN
  PERFORM pg_notify(CASE WHEN NEW.state = 'queued' THEN 'ownkey_job' ELSE 'ownkey_job_done' END, NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER worker_jobs_tell_new AFTER INSERT ON worker_jobs FOR EACH ROW EXECUTE FUNCTION tell_job();
CREATE TRIGGER worker_jobs_tell_step AFTER UPDATE OF state, steps ON worker_jobs FOR EACH ROW EXECUTE FUNCTION tell_job();
