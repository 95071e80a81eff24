-- What a gateway left whose store had schema 1: three events, one of them with everything, and a durable reader.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
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
INSERT INTO "channels" VALUES(1,'default',2,3,1795274570811090);
INSERT INTO "channels" VALUES(2,'builds.web',1,2,1795274570811090);
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
) STRICT;
INSERT INTO "events" VALUES(1,1,NULL,NULL,NULL,1795274570811090,0,NULL,NULL,NULL,NULL,'one',NULL);
INSERT INTO "events" VALUES(2,2,'high','build.failed',NULL,1795274570811090,71,NULL,NULL,NULL,'k','two
lines','{"x":1.50}');
INSERT INTO "events" VALUES(3,1,NULL,NULL,NULL,1795274570811090,167,NULL,NULL,NULL,NULL,'three',NULL);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "idempotency_keys" VALUES(2,1795274570811090,'once');
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO "log" VALUES(1,'fzv2we1b',0,0,0);
CREATE TABLE readers (
    name TEXT PRIMARY KEY,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "readers" VALUES('ann',3,'{"patterns":["builds.*"],"types":[],"min_priority":"min"}',1795274570848053);
COMMIT;
