-- What a gateway left whose store had schema 8: five events, of which it kept three; one reader, and one webhook whose
-- deliveries wait, one of them for an event that the log no longer has. One idempotency key, with its digest.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 8;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
, last_arrival INTEGER NOT NULL DEFAULT 0, checksums_from INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO log VALUES(1,'7rlu8r6e',5,1796031072753874,431,1796031072753874,1);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    events INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL
) STRICT;
INSERT INTO channels VALUES(1,'builds.web',3,4,1796031072655589);
INSERT INTO channels VALUES(2,'alerts.rare',1,2,1796031072526097);
INSERT INTO channels VALUES(3,'default',1,5,1796031072753874);
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
INSERT INTO events VALUES(3,1,NULL,NULL,NULL,1796031072564557,165,NULL,NULL,NULL,NULL,'three','{"token":"hush"}','curl/7.88.1',NULL,1185523893);
INSERT INTO events VALUES(4,1,NULL,NULL,NULL,1796031072655589,265,NULL,NULL,NULL,NULL,'four',NULL,'curl/7.88.1',NULL,3640657106);
INSERT INTO events VALUES(5,3,NULL,NULL,NULL,1796031072753874,348,NULL,NULL,NULL,NULL,'five',NULL,'curl/7.88.1',NULL,502665692);
CREATE TABLE channel_blocks (
    channel INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (channel, block)
) STRICT, WITHOUT ROWID;
INSERT INTO channel_blocks VALUES(1,0);
INSERT INTO channel_blocks VALUES(2,0);
INSERT INTO channel_blocks VALUES(3,0);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
, digest BLOB) STRICT;
INSERT INTO idempotency_keys VALUES(1,1796031072474698,'once',X'339e33b613c4d5194533d63ca41c50b3');
CREATE TABLE webhook_cursors (
    webhook INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
, epoch INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO webhook_cursors VALUES(1,5,1);
CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;
INSERT INTO webhook_states VALUES(1,'{"paused":null,"paused_since":null,"failing_since":1796031072482191,"failures":3,"last_success":null,"last_failure":[1796031072667991,"connection_refused"],"epoch":null,"lost_in":null,"lost_up_to":null,"batches":[]}');
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
INSERT INTO attempts VALUES(1,1,1,1,1796031072481738,0,'{"event_id":"7rlu8r6e-1","message_id":"7rlu8r6e-1","events":1,"kind":"delivery","outcome":"connection_refused","status_code":null,"times":{"connect_us":193,"total_us":299},"request":{"url":"http://127.0.0.1:8596/waiting","headers":{"host":"127.0.0.1:8596","user-agent":"Fanfare/0.1.0","fanfare-via":"7rlu8r6e","content-type":"application/json","webhook-id":"7rlu8r6e-1","webhook-timestamp":"1796031072","webhook-signature":"v1,wfVH/q/JNTjd8L9ILSIb8tllRnYxMbpfrn/WzDTkCvU="},"body_bytes":140},"public":false,"answer":null}',1);
INSERT INTO attempts VALUES(2,1,3,1,1796031072569832,0,'{"event_id":"7rlu8r6e-3","message_id":"7rlu8r6e-3","events":1,"kind":"delivery","outcome":"connection_refused","status_code":null,"times":{"connect_us":1035,"total_us":1538},"request":{"url":"http://127.0.0.1:8596/waiting","headers":{"host":"127.0.0.1:8596","user-agent":"Fanfare/0.1.0","fanfare-via":"7rlu8r6e","content-type":"application/json","webhook-id":"7rlu8r6e-3","webhook-timestamp":"1796031072","webhook-signature":"v1,IkQP2V+HXazp7bknwMa+zpA6pjQYEMBQbBt+i4aqAgU="},"body_bytes":166},"public":false,"answer":null}',1);
INSERT INTO attempts VALUES(3,1,4,1,1796031072667103,0,'{"event_id":"7rlu8r6e-4","message_id":"7rlu8r6e-4","events":1,"kind":"delivery","outcome":"connection_refused","status_code":null,"times":{"connect_us":273,"total_us":757},"request":{"url":"http://127.0.0.1:8596/waiting","headers":{"host":"127.0.0.1:8596","user-agent":"Fanfare/0.1.0","fanfare-via":"7rlu8r6e","content-type":"application/json","webhook-id":"7rlu8r6e-4","webhook-timestamp":"1796031072","webhook-signature":"v1,r717YAuGP8GlELWQpu16EQU8rieqe/6vt5by6aMi794="},"body_bytes":141},"public":false,"answer":null}',1);
CREATE TABLE IF NOT EXISTS "readers" (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
INSERT INTO readers VALUES('local','ann',5,'{"patterns":["alerts.rare"],"types":[],"min_priority":"min"}',1796031072789129,1);
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
INSERT INTO webhooks VALUES(1,'local','wh_iur3ogc5yuhgzjuu','http://127.0.0.1:8596/waiting','{"url":"http://127.0.0.1:8596/waiting","options":"{\"patterns\":[\"builds.web\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"1h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_KEJFVz3IwppyVqsjgz0IoUUAnbN8i0p8zjZO2CpvUns=","previous":[]},"ed25519":{"current":"whsk_grCrvB5593RNyyJ0gVR03pgEUgOMaGxHnLcigZJJvEOT1KpQuiA9XyamQ/pwsaTyjTNwdw1FKBGs6E65CMLT8g==","previous":[]},"epoch":"7rlu8r6e","begins_after":0}',1796031072407392,1);
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO epochs VALUES(1,'7rlu8r6e');
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
INSERT INTO deliveries VALUES(1,1,1,1,0,1796034981306321,'connection_refused',NULL,NULL);
INSERT INTO deliveries VALUES(1,1,3,1,0,1796034352644136,'connection_refused',NULL,NULL);
INSERT INTO deliveries VALUES(1,1,4,1,0,1796035216115621,'connection_refused',NULL,NULL);
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
INSERT INTO kept_events VALUES(1,1,1,NULL,NULL,NULL,1796031072474698,NULL,NULL,NULL,NULL,'one',NULL,'curl/7.88.1',NULL,2126160010);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('webhooks',1);
INSERT INTO sqlite_sequence VALUES('attempts',3);
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id);
CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, epoch, seq);
CREATE INDEX deliveries_by_position ON deliveries (epoch, seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;
COMMIT;
