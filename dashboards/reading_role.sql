-- A role for Grafana that can read what dashboards show, and nothing else: no dead letters, no writing, no long query.
-- Run it in Roomwatch's database as the owner of its tables, with the right to make roles; then give it a password:
--   psql "$ROOMWATCH_OWNER_URL" -f reading_role.sql -c '\password roomwatch_grafana'
-- It may be run again.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'roomwatch_grafana') THEN
    CREATE ROLE roomwatch_grafana LOGIN CONNECTION LIMIT 8;
  END IF;
END
$$;
ALTER ROLE roomwatch_grafana SET default_transaction_read_only = on;
ALTER ROLE roomwatch_grafana SET statement_timeout = '15s';
GRANT USAGE ON SCHEMA public TO roomwatch_grafana;
-- What is asked through a partitioned table needs no right on its partitions.
GRANT SELECT ON sessions, outages, events, rollups, rollup_fives, whole_fives, rollup_hours, whole_hours TO roomwatch_grafana;
