-- What a gateway left whose store had schema 8: two events, pushed with idempotency keys, and a reader that has both.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 8;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    is_delivered INTEGER NOT NULL,
    detail TEXT NOT NULL
, epoch INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE channel_blocks (
    channel INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (channel, block)
) STRICT, WITHOUT ROWID;
INSERT INTO "channel_blocks" VALUES(1,0);
INSERT INTO "channel_blocks" VALUES(2,0);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    events INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL
) STRICT;
INSERT INTO "channels" VALUES(1,'default',1,1,1796032716367232);
INSERT INTO "channels" VALUES(2,'builds.web',1,2,1796032716391951);
CREATE TABLE "deliveries" (
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
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "epochs" VALUES(1,'y6yz12mm');
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
, agent TEXT, arrival INTEGER, checksum INTEGER) STRICT;
INSERT INTO "events" VALUES(1,1,NULL,NULL,NULL,1796032716367232,0,NULL,NULL,NULL,NULL,'one',NULL,'fanfare-cli/0.1.0',NULL,1056966369);
INSERT INTO "events" VALUES(2,2,NULL,NULL,NULL,1796032716391951,88,NULL,NULL,NULL,NULL,'two',NULL,'fanfare-cli/0.1.0',NULL,2533632765);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
, digest BLOB) STRICT;
INSERT INTO "idempotency_keys" VALUES(1,1796032716367232,'cli-d65fa0e14fe2ce0668ae014ea18ca104',X'A39DF55DFB2203C405E3316873934351');
INSERT INTO "idempotency_keys" VALUES(2,1796032716391951,'cli-39362c53a0e930870d5ed9481edfd35f',X'936DBDE359D7C96626C9B07B123D1D58');
CREATE TABLE "kept_events" (
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
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
, last_arrival INTEGER NOT NULL DEFAULT 0, checksums_from INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO "log" VALUES(1,'y6yz12mm',2,1796032716391951,176,1796032716391951,1);
CREATE TABLE "readers" (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "readers" VALUES('local','ann',2,'{"patterns":[">"],"types":[],"min_priority":"min"}',1796032716416265,1);
CREATE TABLE removed_webhooks (
    webhook INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE webhook_cursors (
    webhook INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
, epoch INTEGER NOT NULL DEFAULT 1) STRICT;
CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;
CREATE TABLE "webhooks" (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1,
    UNIQUE (owner, url)
) STRICT;
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id);
CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, epoch, seq);
CREATE INDEX deliveries_by_position ON deliveries (epoch, seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;
DELETE FROM "sqlite_sequence";
COMMIT;
