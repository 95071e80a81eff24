-- What a gateway left whose store had schema 5: three events. The clock was 30 days ahead when the second came, and
-- right again when the third did; both have the time that it showed then. Two idempotency keys.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 5;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO log VALUES(1,'wgxsqb2f',3,1798606164289387,277);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    events INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL
) STRICT;
INSERT INTO channels VALUES(1,'a',2,2,1798606164289387);
INSERT INTO channels VALUES(2,'b',1,3,1798606164289387);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    priority TEXT,         -- NULL: default
    type TEXT,             -- NULL: info
    expires INTEGER,
    timestamp INTEGER NOT NULL,
    bytes_before INTEGER NOT NULL, -- of all earlier events: what bytes retention removes is found by bisection
    audience TEXT,         -- NULL: all
    door TEXT,             -- NULL: http
    principal TEXT,        -- NULL: local
    key TEXT,
    message TEXT NOT NULL,
    data TEXT
, agent TEXT) STRICT;
INSERT INTO events VALUES(1,1,NULL,NULL,NULL,1796014164085348,0,NULL,NULL,NULL,NULL,'one',NULL,'Python-urllib/3.11');
INSERT INTO events VALUES(2,1,NULL,NULL,1798609764289387,1798606164289387,89,NULL,NULL,NULL,NULL,'two',NULL,'Python-urllib/3.11');
INSERT INTO events VALUES(3,2,NULL,NULL,NULL,1798606164289387,178,NULL,NULL,NULL,NULL,'three','{"x": 1}','Python-urllib/3.11');
CREATE TABLE channel_blocks (
    channel INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (channel, block)
) STRICT, WITHOUT ROWID;
INSERT INTO channel_blocks VALUES(1,0);
INSERT INTO channel_blocks VALUES(2,0);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO idempotency_keys VALUES(1,1796014164085348,'once');
INSERT INTO idempotency_keys VALUES(2,1798606164289387,'ahead');
CREATE TABLE webhook_cursors (
    webhook INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
, epoch INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;
CREATE TABLE removed_webhooks (
    webhook INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    is_delivered INTEGER NOT NULL,
    detail TEXT NOT NULL
, epoch INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE IF NOT EXISTS "readers" (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS "webhooks" (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1,
    UNIQUE (owner, url)
) STRICT;
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO epochs VALUES(1,'wgxsqb2f');
CREATE TABLE IF NOT EXISTS "deliveries" (
    webhook INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    dead INTEGER NOT NULL, -- 1: given up
    at INTEGER NOT NULL,   -- dead: since when; otherwise when it is tried again
    failure TEXT NOT NULL,
    batch_first INTEGER,   -- NULL: it was sent alone
    batch_last INTEGER,
    PRIMARY KEY (webhook, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS "kept_events" (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    priority TEXT,
    type TEXT,
    expires INTEGER,
    timestamp INTEGER NOT NULL,
    audience TEXT,
    door TEXT,
    principal TEXT,
    key TEXT,
    message TEXT NOT NULL,
    data TEXT,
    agent TEXT,
    PRIMARY KEY (epoch, seq)
) STRICT;
DELETE FROM sqlite_sequence;
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id);
CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, epoch, seq);
CREATE INDEX deliveries_by_position ON deliveries (epoch, seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;
COMMIT;
