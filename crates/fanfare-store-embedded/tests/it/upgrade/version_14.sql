-- What a gateway left whose store had schema 14: three events, the last of them sent to a source, a reader and a source.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 14;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
, last_arrival INTEGER NOT NULL DEFAULT 0, checksums_from INTEGER NOT NULL DEFAULT 1, last_channel INTEGER NOT NULL DEFAULT 0, untraced_to INTEGER NOT NULL DEFAULT 0, removed INTEGER NOT NULL DEFAULT 0, untraced_at INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "log" VALUES(1,'mirnbejm',3,1796086594891539,278,1796086594891539,1,2,0,0,0);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    events INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL
) STRICT;
INSERT INTO "channels" VALUES(1,'builds.web',2,2,1796086594879750);
INSERT INTO "channels" VALUES(2,'ingest.generic',1,3,1796086594891539);
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
, agent TEXT, arrival INTEGER, checksum INTEGER, purged INTEGER) STRICT;
INSERT INTO "events" VALUES(1,1,NULL,NULL,NULL,1796086594870069,0,NULL,NULL,NULL,NULL,'one',NULL,'curl/7.88.1',NULL,2472154759,NULL);
INSERT INTO "events" VALUES(2,1,NULL,NULL,NULL,1796086594879750,82,NULL,NULL,NULL,NULL,'two','{"n":2}','curl/7.88.1',NULL,705054471,NULL);
INSERT INTO "events" VALUES(3,2,NULL,NULL,NULL,1796086594891539,171,NULL,'ingest',NULL,NULL,'received hello','{"hello":"three"}','sender/1',NULL,3318836946,NULL);
CREATE TABLE channel_blocks (
    channel INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (channel, block)
) STRICT, WITHOUT ROWID;
INSERT INTO "channel_blocks" VALUES(1,0);
INSERT INTO "channel_blocks" VALUES(2,0);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
, digest BLOB) STRICT;
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
, epoch INTEGER NOT NULL DEFAULT 1, last_seq INTEGER, status INTEGER, outcome TEXT) STRICT;
CREATE TABLE IF NOT EXISTS "readers" (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "readers" VALUES('local','ann',3,'{"patterns":[">"],"types":[],"min_priority":"min"}',1796086594910668,1);
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE
, shared_to INTEGER) STRICT;
INSERT INTO "epochs" VALUES(1,'mirnbejm',NULL);
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
    agent TEXT, arrival INTEGER, checksum INTEGER,
    PRIMARY KEY (epoch, seq)
) STRICT;
CREATE TABLE imported (
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (epoch, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE zeros (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE traces (
    channel TEXT NOT NULL,
    type TEXT NOT NULL,
    priority TEXT NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL, at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, type, priority)
) STRICT, WITHOUT ROWID;
CREATE TABLE spared (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS "webhooks" (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    name TEXT,             -- NULL: none
    url TEXT NOT NULL,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE sources (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "sources" VALUES('lab','{"kind":"gitlab","verify":"token-header:x-gitlab-token","secrets":["s3cret-s3cret-s3cret"]}');
DELETE FROM sqlite_sequence;
CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, epoch, seq);
CREATE INDEX deliveries_by_position ON deliveries (epoch, seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;
CREATE INDEX kept_events_by_channel ON kept_events (channel);
CREATE INDEX attempts_by_last_seq ON attempts (epoch, last_seq) WHERE last_seq IS NOT NULL;
CREATE INDEX traces_by_last ON traces (last);
CREATE UNIQUE INDEX spared_by_seq ON spared (seq);
CREATE UNIQUE INDEX webhooks_by_name ON webhooks (owner, name) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX webhooks_by_url ON webhooks (owner, url) WHERE name IS NULL;
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered, status, outcome, at);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id, status, outcome, at);
COMMIT;
