CREATE SCHEMA IF NOT EXISTS keys;
REVOKE ALL ON SCHEMA keys FROM PUBLIC;

CREATE TABLE keys.user_key (
    owner TEXT NOT NULL,
    version INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    wrapped BYTEA NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    retired TIMESTAMP WITH TIME ZONE,
    CONSTRAINT user_key_key PRIMARY KEY (owner, version)
);

CREATE UNIQUE INDEX user_key_current ON keys.user_key (owner) WHERE retired IS NULL;

CREATE TABLE mover.account (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    role TEXT NOT NULL CONSTRAINT account_role CHECK (role IN ('owner', 'manager', 'operator', 'auditor')),
    password TEXT,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    disabled TIMESTAMP WITH TIME ZONE,
    CONSTRAINT account_key PRIMARY KEY (id),
    CONSTRAINT account_name_unique UNIQUE (name)
);

CREATE TABLE mover.audit_checkpoint (
    size BIGINT NOT NULL CONSTRAINT audit_checkpoint_size CHECK (size > 0),
    root BYTEA NOT NULL CONSTRAINT audit_checkpoint_root CHECK (octet_length(root) = 32),
    note TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT audit_checkpoint_key PRIMARY KEY (size)
);

CREATE TABLE mover.audit_entry (
    index BIGINT NOT NULL CONSTRAINT audit_entry_index CHECK (index >= 0),
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    line TEXT NOT NULL,
    nodes BYTEA NOT NULL CONSTRAINT audit_entry_leaf CHECK (substr(nodes, 1, 32) = sha256('\x00'::bytea || convert_to(line, 'UTF8'))) CONSTRAINT audit_entry_nodes CHECK (octet_length(nodes) % 32 = 0),
    event TEXT GENERATED ALWAYS AS (line::jsonb ->> 'event') STORED NOT NULL,
    actor TEXT GENERATED ALWAYS AS (line::jsonb #>> '{actor,id}') STORED NOT NULL,
    subject TEXT GENERATED ALWAYS AS (line::jsonb #>> '{subject,id}') STORED NOT NULL,
    CONSTRAINT audit_entry_key PRIMARY KEY (index),
    CONSTRAINT audit_entry_place CHECK ((line::jsonb ->> 'index')::bigint = index)
);

CREATE INDEX audit_entry_actor_index ON mover.audit_entry (actor, index);

CREATE INDEX audit_entry_event_index ON mover.audit_entry (event, index);

CREATE INDEX audit_entry_subject_index ON mover.audit_entry (subject, index);

CREATE TABLE mover.audit_receipt (
    size BIGINT NOT NULL,
    witness TEXT NOT NULL,
    proof BYTEA NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT audit_receipt_key PRIMARY KEY (size, witness)
);

CREATE TABLE mover.control (
    id TEXT NOT NULL,
    seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT control_key PRIMARY KEY (id)
);

CREATE TABLE mover.credential (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    owner TEXT NOT NULL,
    purpose TEXT NOT NULL,
    record TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    version BIGINT DEFAULT 1 NOT NULL,
    updated TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT credential_key PRIMARY KEY (id),
    CONSTRAINT credential_owner_purpose_record_unique UNIQUE (owner, purpose, record)
);

CREATE TABLE mover.item (
    migration BIGINT NOT NULL,
    pair BIGINT NOT NULL,
    path BYTEA NOT NULL,
    key_id BYTEA NOT NULL,
    run BIGINT NOT NULL,
    batch BIGINT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts SMALLINT DEFAULT 0 NOT NULL,
    size BIGINT,
    modified DOUBLE PRECISION,
    version BYTEA,
    target BYTEA,
    code TEXT,
    detail TEXT,
    proof JSONB,
    updated TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT item_key PRIMARY KEY (migration, pair, path, key_id)
)
 PARTITION BY LIST (migration);

CREATE INDEX item_of_batch ON mover.item (batch) WHERE batch IS NOT NULL;

CREATE TABLE mover.runner (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    pool TEXT,
    signing_key BYTEA NOT NULL,
    box_key BYTEA NOT NULL,
    lease_count BIGINT DEFAULT 0 NOT NULL,
    journal_count BIGINT DEFAULT 0 NOT NULL,
    enrolled TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    seen TIMESTAMP WITH TIME ZONE,
    removed TIMESTAMP WITH TIME ZONE,
    CONSTRAINT runner_key PRIMARY KEY (id)
);

CREATE TABLE mover.sign_in_counter (
    kind TEXT NOT NULL,
    subject BYTEA NOT NULL,
    failures INTEGER NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    touched TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT sign_in_counter_key PRIMARY KEY (kind, subject)
);

CREATE INDEX sign_in_counter_touched_index ON mover.sign_in_counter (touched);

CREATE TABLE mover.api_key (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account BIGINT NOT NULL,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash BYTEA NOT NULL,
    scopes TEXT[] NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires TIMESTAMP WITH TIME ZONE,
    used TIMESTAMP WITH TIME ZONE,
    revoked TIMESTAMP WITH TIME ZONE,
    CONSTRAINT api_key_key PRIMARY KEY (id),
    CONSTRAINT api_key_account_of FOREIGN KEY(account) REFERENCES mover.account (id) ON DELETE CASCADE,
    CONSTRAINT api_key_prefix_unique UNIQUE (prefix)
);

CREATE INDEX api_key_account_index ON mover.api_key (account);

CREATE TABLE mover.connection (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    owner BIGINT NOT NULL,
    name TEXT NOT NULL,
    connector TEXT NOT NULL,
    options JSONB DEFAULT '{}'::jsonb NOT NULL,
    pool TEXT,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT connection_key PRIMARY KEY (id),
    CONSTRAINT connection_owner_name_unique UNIQUE (owner, name),
    CONSTRAINT connection_owner_of FOREIGN KEY(owner) REFERENCES mover.account (id) ON DELETE CASCADE
);

CREATE INDEX connection_owner_index ON mover.connection (owner);

CREATE TABLE mover.enrolment (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    made_by BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    pool TEXT,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    runner TEXT,
    CONSTRAINT enrolment_key PRIMARY KEY (id),
    CONSTRAINT enrolment_made_by_of FOREIGN KEY(made_by) REFERENCES mover.account (id) ON DELETE CASCADE,
    CONSTRAINT enrolment_hash_unique UNIQUE (hash)
);

CREATE TABLE mover.invitation (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account BIGINT NOT NULL,
    made_by BIGINT,
    hash BYTEA NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    used TIMESTAMP WITH TIME ZONE,
    CONSTRAINT invitation_key PRIMARY KEY (id),
    CONSTRAINT invitation_account_of FOREIGN KEY(account) REFERENCES mover.account (id) ON DELETE CASCADE,
    CONSTRAINT invitation_made_by_of FOREIGN KEY(made_by) REFERENCES mover.account (id) ON DELETE SET NULL,
    CONSTRAINT invitation_hash_unique UNIQUE (hash)
);

CREATE INDEX invitation_account_index ON mover.invitation (account);

CREATE TABLE mover.oauth_pending (
    state BYTEA NOT NULL,
    session BYTEA NOT NULL,
    account BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    begun TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT oauth_pending_key PRIMARY KEY (state),
    CONSTRAINT oauth_pending_account_of FOREIGN KEY(account) REFERENCES mover.account (id) ON DELETE CASCADE
);

CREATE INDEX oauth_pending_account_index ON mover.oauth_pending (account);

CREATE TABLE mover.passkey (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account BIGINT NOT NULL,
    name TEXT NOT NULL,
    credential_id BYTEA NOT NULL,
    public_key BYTEA NOT NULL,
    sign_count BIGINT NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    used TIMESTAMP WITH TIME ZONE,
    CONSTRAINT passkey_key PRIMARY KEY (id),
    CONSTRAINT passkey_account_of FOREIGN KEY(account) REFERENCES mover.account (id) ON DELETE CASCADE,
    CONSTRAINT passkey_credential_id_unique UNIQUE (credential_id)
);

CREATE INDEX passkey_account_index ON mover.passkey (account);

CREATE TABLE mover.passkey_challenge (
    hash BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    account BIGINT,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT passkey_challenge_key PRIMARY KEY (hash),
    CONSTRAINT passkey_challenge_account_of FOREIGN KEY(account) REFERENCES mover.account (id) ON DELETE CASCADE
);

CREATE INDEX passkey_challenge_account_index ON mover.passkey_challenge (account);

CREATE INDEX passkey_challenge_expires_index ON mover.passkey_challenge (expires);

CREATE TABLE mover.recovery_code (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    used TIMESTAMP WITH TIME ZONE,
    CONSTRAINT recovery_code_key PRIMARY KEY (id),
    CONSTRAINT recovery_code_account_of FOREIGN KEY(account) REFERENCES mover.account (id) ON DELETE CASCADE
);

CREATE INDEX recovery_code_account_index ON mover.recovery_code (account);

CREATE TABLE mover.session (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    method TEXT NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    expires TIMESTAMP WITH TIME ZONE NOT NULL,
    authenticated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    address TEXT,
    agent TEXT,
    CONSTRAINT session_key PRIMARY KEY (id),
    CONSTRAINT session_account_of FOREIGN KEY(account) REFERENCES mover.account (id) ON DELETE CASCADE,
    CONSTRAINT session_hash_unique UNIQUE (hash)
);

CREATE INDEX session_account_index ON mover.session (account);

CREATE TABLE mover.totp (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    account BIGINT NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    confirmed TIMESTAMP WITH TIME ZONE,
    last_step BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT totp_key PRIMARY KEY (id),
    CONSTRAINT totp_account_of FOREIGN KEY(account) REFERENCES mover.account (id) ON DELETE CASCADE
);

CREATE INDEX totp_account_index ON mover.totp (account);

CREATE UNIQUE INDEX totp_in_use ON mover.totp (account) WHERE confirmed IS NOT NULL;

CREATE TABLE mover.bucket (
    connection BIGINT NOT NULL,
    tokens DOUBLE PRECISION DEFAULT 0 NOT NULL,
    per_second DOUBLE PRECISION,
    filled TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    blocked_until TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    CONSTRAINT bucket_key PRIMARY KEY (connection),
    CONSTRAINT bucket_connection_of FOREIGN KEY(connection) REFERENCES mover.connection (id) ON DELETE CASCADE
);

CREATE TABLE mover.migration (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    owner BIGINT NOT NULL,
    name TEXT NOT NULL,
    source BIGINT NOT NULL,
    destination BIGINT NOT NULL,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    filters JSONB DEFAULT '{}'::jsonb NOT NULL,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT migration_key PRIMARY KEY (id),
    CONSTRAINT migration_owner_name_unique UNIQUE (owner, name),
    CONSTRAINT migration_owner_of FOREIGN KEY(owner) REFERENCES mover.account (id) ON DELETE CASCADE,
    CONSTRAINT migration_source_of FOREIGN KEY(source) REFERENCES mover.connection (id) ON DELETE RESTRICT,
    CONSTRAINT migration_destination_of FOREIGN KEY(destination) REFERENCES mover.connection (id) ON DELETE RESTRICT
);

CREATE INDEX migration_destination_index ON mover.migration (destination);

CREATE INDEX migration_owner_index ON mover.migration (owner);

CREATE INDEX migration_source_index ON mover.migration (source);

CREATE TABLE mover.oauth_turn (
    connection BIGINT NOT NULL,
    generation BIGINT DEFAULT 0 NOT NULL,
    holder TEXT,
    until TIMESTAMP WITH TIME ZONE,
    asked TIMESTAMP WITH TIME ZONE,
    saved_by TEXT,
    saved TIMESTAMP WITH TIME ZONE,
    CONSTRAINT oauth_turn_key PRIMARY KEY (connection),
    CONSTRAINT oauth_turn_connection_of FOREIGN KEY(connection) REFERENCES mover.connection (id) ON DELETE CASCADE
);

CREATE TABLE mover.pair (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    migration BIGINT NOT NULL,
    source_path TEXT NOT NULL,
    destination_path TEXT NOT NULL,
    mark TEXT NOT NULL,
    CONSTRAINT pair_key PRIMARY KEY (id),
    CONSTRAINT pair_migration_source_path_destination_path_unique UNIQUE (migration, source_path, destination_path),
    CONSTRAINT pair_migration_of FOREIGN KEY(migration) REFERENCES mover.migration (id) ON DELETE CASCADE
);

CREATE INDEX pair_migration_index ON mover.pair (migration);

CREATE TABLE mover.run (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    migration BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT NOT NULL CONSTRAINT run_state CHECK (state IN ('running', 'pausing', 'paused', 'stopping', 'stopped', 'done', 'failed')),
    dry_run BOOLEAN DEFAULT false NOT NULL,
    bytes_per_second BIGINT,
    asked TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    ended TIMESTAMP WITH TIME ZONE,
    code TEXT,
    reason TEXT,
    advice TEXT,
    totals JSONB,
    CONSTRAINT run_key PRIMARY KEY (id),
    CONSTRAINT run_migration_number_unique UNIQUE (migration, number),
    CONSTRAINT run_migration_of FOREIGN KEY(migration) REFERENCES mover.migration (id) ON DELETE CASCADE,
    CONSTRAINT run_owner_of FOREIGN KEY(owner) REFERENCES mover.account (id) ON DELETE CASCADE
);

CREATE INDEX run_migration_index ON mover.run (migration);

CREATE UNIQUE INDEX run_under_way ON mover.run (migration) WHERE state IN ('running', 'pausing', 'stopping');

CREATE TABLE mover.attempt (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    pair BIGINT NOT NULL,
    path BYTEA NOT NULL,
    key_id BYTEA NOT NULL,
    run BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    CONSTRAINT attempt_key PRIMARY KEY (id),
    CONSTRAINT attempt_pair_of FOREIGN KEY(pair) REFERENCES mover.pair (id) ON DELETE CASCADE,
    CONSTRAINT attempt_run_of FOREIGN KEY(run) REFERENCES mover.run (id) ON DELETE CASCADE
);

CREATE INDEX attempt_of_item ON mover.attempt (pair, path, key_id);

CREATE TABLE mover.batch (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    run BIGINT NOT NULL,
    pair BIGINT NOT NULL,
    migration BIGINT NOT NULL,
    owner BIGINT NOT NULL,
    work TEXT NOT NULL CONSTRAINT batch_work CHECK (work IN ('scan', 'copy', 'tidy')),
    state TEXT DEFAULT 'ready' NOT NULL CONSTRAINT batch_state CHECK (state IN ('ready', 'offered', 'leased', 'done', 'failed', 'quarantined', 'withdrawn')),
    pools JSONB DEFAULT '[]'::jsonb NOT NULL,
    fence BIGINT DEFAULT 0 NOT NULL,
    claims INTEGER DEFAULT 0 NOT NULL,
    seq INTEGER DEFAULT 0 NOT NULL,
    report BIGINT DEFAULT 0 NOT NULL,
    runner TEXT,
    leased_until TIMESTAMP WITH TIME ZONE,
    not_before TIMESTAMP WITH TIME ZONE,
    created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    touched TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    items INTEGER DEFAULT 0 NOT NULL,
    bytes BIGINT DEFAULT 0 NOT NULL,
    manifest BYTEA,
    counts JSONB DEFAULT '{}'::jsonb NOT NULL,
    bytes_moved BIGINT DEFAULT 0 NOT NULL,
    code TEXT,
    reason TEXT,
    advice TEXT,
    CONSTRAINT batch_key PRIMARY KEY (id),
    CONSTRAINT batch_run_of FOREIGN KEY(run) REFERENCES mover.run (id) ON DELETE CASCADE,
    CONSTRAINT batch_pair_of FOREIGN KEY(pair) REFERENCES mover.pair (id) ON DELETE CASCADE,
    CONSTRAINT batch_migration_of FOREIGN KEY(migration) REFERENCES mover.migration (id) ON DELETE CASCADE,
    CONSTRAINT batch_owner_of FOREIGN KEY(owner) REFERENCES mover.account (id) ON DELETE CASCADE
);

CREATE INDEX batch_of_run ON mover.batch (run, work, state);

CREATE INDEX batch_open ON mover.batch (state, work, id) WHERE state IN ('ready', 'offered', 'leased');

CREATE TABLE mover.upload (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    pair BIGINT NOT NULL,
    path BYTEA NOT NULL,
    key_id BYTEA NOT NULL,
    version BYTEA NOT NULL,
    state BYTEA NOT NULL,
    CONSTRAINT upload_key PRIMARY KEY (id),
    CONSTRAINT upload_pair_of FOREIGN KEY(pair) REFERENCES mover.pair (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX upload_of_item ON mover.upload (pair, path, key_id);

CREATE TABLE mover.upload_part (
    upload BIGINT NOT NULL,
    number INTEGER NOT NULL,
    size BIGINT NOT NULL,
    tag TEXT NOT NULL,
    CONSTRAINT upload_part_key PRIMARY KEY (upload, number),
    CONSTRAINT upload_part_upload_of FOREIGN KEY(upload) REFERENCES mover.upload (id) ON DELETE CASCADE
);

ALTER TABLE mover.batch SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE FUNCTION mover.add_item_partition(migration bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format(
        'CREATE TABLE IF NOT EXISTS mover.%I PARTITION OF mover.item FOR VALUES IN (%s)
         WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02)',
        'item_' || migration, migration);
END $$;

CREATE FUNCTION mover.drop_item_partition(migration bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS mover.%I', 'item_' || migration);
END $$;

REVOKE ALL ON FUNCTION mover.add_item_partition(bigint), mover.drop_item_partition(bigint) FROM PUBLIC;

CREATE FUNCTION mover.audit_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is never changed: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION mover.audit_in_order() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF NEW.index > 0 AND NOT EXISTS (SELECT FROM mover.audit_entry e WHERE e.index = NEW.index - 1) THEN
    RAISE EXCEPTION 'the audit log has no gaps: entry % has none before it', NEW.index USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER in_order BEFORE INSERT ON mover.audit_entry FOR EACH ROW EXECUTE FUNCTION mover.audit_in_order();
ALTER TABLE mover.audit_entry ENABLE ALWAYS TRIGGER in_order;

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON mover.audit_entry FOR EACH STATEMENT EXECUTE FUNCTION mover.audit_refuse();
ALTER TABLE mover.audit_entry ENABLE ALWAYS TRIGGER never_changed;

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON mover.audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION mover.audit_refuse();
ALTER TABLE mover.audit_checkpoint ENABLE ALWAYS TRIGGER never_changed;

CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON mover.audit_receipt FOR EACH STATEMENT EXECUTE FUNCTION mover.audit_refuse();
ALTER TABLE mover.audit_receipt ENABLE ALWAYS TRIGGER never_changed;
