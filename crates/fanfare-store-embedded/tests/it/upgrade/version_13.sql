-- What a gateway left whose store had schema 13: three events, a reader and a webhook.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 13;
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
, epoch INTEGER NOT NULL DEFAULT 1, last_seq INTEGER, status INTEGER, outcome TEXT) STRICT;
CREATE TABLE channel_blocks (
    channel INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (channel, block)
) STRICT, WITHOUT ROWID;
INSERT INTO "channel_blocks" VALUES(1,0);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    events INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL
) STRICT;
INSERT INTO "channels" VALUES(1,'builds.web',3,3,1796072963994222);
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
, shared_to INTEGER) STRICT;
INSERT INTO "epochs" VALUES(1,'sjxfpuno',NULL);
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
INSERT INTO "events" VALUES(1,1,NULL,NULL,NULL,1796072963470205,0,NULL,NULL,NULL,NULL,'one',NULL,'fanfare-cli/0.1.0',NULL,3404199548,NULL);
INSERT INTO "events" VALUES(2,1,NULL,NULL,NULL,1796072963795462,88,NULL,NULL,NULL,NULL,'two',NULL,'fanfare-cli/0.1.0',NULL,3419972464,NULL);
INSERT INTO "events" VALUES(3,1,NULL,NULL,NULL,1796072963994222,176,NULL,NULL,NULL,NULL,'three',NULL,'fanfare-cli/0.1.0',NULL,66977361,NULL);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
, digest BLOB) STRICT;
INSERT INTO "idempotency_keys" VALUES(1,1796072963470205,'cli-25bfd866faa128e7ec5902cd05e9f391',X'339E33B613C4D5194533D63CA41C50B3');
INSERT INTO "idempotency_keys" VALUES(2,1796072963795462,'cli-df7c5c8f70e23a80b863e11da459a6f7',X'936DBDE359D7C96626C9B07B123D1D58');
INSERT INTO "idempotency_keys" VALUES(3,1796072963994222,'cli-0cc3aeb2f838531480c64c881e01f144',X'1A9E1EEA0D24904AAA930A195E7AC1EC');
CREATE TABLE imported (
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (epoch, first)
) STRICT, WITHOUT ROWID;
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
, last_arrival INTEGER NOT NULL DEFAULT 0, checksums_from INTEGER NOT NULL DEFAULT 1, last_channel INTEGER NOT NULL DEFAULT 0, untraced_to INTEGER NOT NULL DEFAULT 0, removed INTEGER NOT NULL DEFAULT 0, untraced_at INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "log" VALUES(1,'sjxfpuno',3,1796072963994222,266,1796072963994222,1,1,0,0,0);
CREATE TABLE "readers" (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "readers" VALUES('local','ann',3,'{"patterns":["builds.>"],"types":[],"min_priority":"min"}',1796072964126051,1);
CREATE TABLE removed_webhooks (
    webhook INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE spared (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE traces (
    channel TEXT NOT NULL,
    type TEXT NOT NULL,
    priority TEXT NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL, at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (channel, type, priority)
) STRICT, WITHOUT ROWID;
CREATE TABLE webhook_cursors (
    webhook INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
, epoch INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO "webhook_cursors" VALUES(1,3,1);
CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;
INSERT INTO "webhook_states" VALUES(1,'{"paused":null,"paused_since":null,"failing_since":null,"failures":0,"last_success":null,"last_failure":null,"epoch":null,"lost_in":null,"lost_up_to":null,"batches":[]}');
CREATE TABLE "webhooks" (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    name TEXT,             -- NULL: none
    url TEXT NOT NULL,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1
) STRICT;
INSERT INTO "webhooks" VALUES(1,'local','wh_fghcpr44umoivhdp',NULL,'http://127.0.0.1:9/hook','{"url":"http://127.0.0.1:9/hook","options":"{\"patterns\":[\">\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"5s,5m,30m,2h,5h,10h,10h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_MfxnbDu6+ULTcNEopugHM200x91k31kCdL29KSM8c1w=","previous":[]},"ed25519":{"current":"whsk_Ffsah5D4IOfh4cM5QeGpbnsGRM/MDiBBwdZPLThkJsNYPNuCaJ7EfyEAmogK3ixhIJNnSCBtyIZax1rO/tXxOQ==","previous":[]},"epoch":"sjxfpuno","begins_after":3}',1796072964260315,1);
CREATE TABLE zeros (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('webhooks',1);
COMMIT;
