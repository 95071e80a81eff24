-- What a gateway left whose store had schema 12: two events, two webhooks that did not get the second, and the number of a
-- third webhook that was removed.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 12;
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
, epoch INTEGER NOT NULL DEFAULT 1, last_seq INTEGER) STRICT;
INSERT INTO "attempts" VALUES(1,2,2,1,1796071014834618,0,'{"event_id":"yluk32vu-2","message_id":"yluk32vu-2","events":1,"kind":"delivery","outcome":"connection_refused","status_code":null,"times":{"connect_us":394,"total_us":446},"request":{"url":"http://127.0.0.1:9/b","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"yluk32vu","content-type":"application/json","webhook-id":"yluk32vu-2","webhook-timestamp":"1796071014","webhook-signature":"v1,M0t7Z2kECVw63laMBpXGOk+UEewp797k6377N0EJyLE="},"body_bytes":143},"public":false,"answer":null}',1,NULL);
INSERT INTO "attempts" VALUES(2,1,2,1,1796071014834975,0,'{"event_id":"yluk32vu-2","message_id":"yluk32vu-2","events":1,"kind":"delivery","outcome":"http_5xx","status_code":503,"times":{"connect_us":788,"wait_us":612,"body_us":12,"total_us":1493},"request":{"url":"http://127.0.0.1:36695/a","headers":{"host":"127.0.0.1:36695","user-agent":"Fanfare/0.1.0","fanfare-via":"yluk32vu","content-type":"application/json","webhook-id":"yluk32vu-2","webhook-timestamp":"1796071014","webhook-signature":"v1,oi07Gtd0dvz1JlLXf9NzpK3kHvHYfC2qWRivI9+MohE="},"body_bytes":143},"public":false,"answer":{"headers":{"date":"Mon, 30 Nov 2026 20:36:54 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}',1,NULL);
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
INSERT INTO "channels" VALUES(1,'builds.web',2,2,1796071014831934);
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
INSERT INTO "deliveries" VALUES(1,1,2,1,0,1796073962121896,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(2,1,2,1,0,1796075312480048,'connection_refused',NULL,NULL);
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE
, shared_to INTEGER) STRICT;
INSERT INTO "epochs" VALUES(1,'yluk32vu',NULL);
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
INSERT INTO "events" VALUES(1,1,NULL,NULL,NULL,1796071014801526,0,NULL,NULL,NULL,NULL,'first',NULL,'Python-urllib/3.11',NULL,4285418458,NULL);
INSERT INTO "events" VALUES(2,1,NULL,NULL,NULL,1796071014831934,91,NULL,NULL,NULL,NULL,'second',NULL,'Python-urllib/3.11',NULL,32971494,NULL);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
, digest BLOB) STRICT;
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
INSERT INTO "log" VALUES(1,'yluk32vu',2,1796071014831934,183,1796071014831934,1,1,0,0,0);
CREATE TABLE "readers" (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL, epoch INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
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
INSERT INTO "webhook_cursors" VALUES(1,2,1);
INSERT INTO "webhook_cursors" VALUES(2,2,1);
CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;
INSERT INTO "webhook_states" VALUES(1,'{"paused":null,"paused_since":null,"failing_since":1796071014836541,"failures":1,"last_success":null,"last_failure":[1796071014836541,"http_5xx"],"epoch":null,"lost_in":null,"lost_up_to":null,"batches":[]}');
INSERT INTO "webhook_states" VALUES(2,'{"paused":null,"paused_since":null,"failing_since":1796071014835173,"failures":1,"last_success":null,"last_failure":[1796071014835173,"connection_refused"],"epoch":null,"lost_in":null,"lost_up_to":null,"batches":[]}');
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
INSERT INTO "webhooks" VALUES(1,'local','wh_fc47iwyliwaovkbz','http://127.0.0.1:36695/a','{"url":"http://127.0.0.1:36695/a","options":"{\"patterns\":[\">\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":\"busy\",\"retry\":\"1h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_1jsyqsOhgVq7p/MgDFyfJ6Ibm3n5Q9bTZOBBw3MF6Ck=","previous":[]},"ed25519":{"current":"whsk_eSogCEjg/i9rmyo8tHvHxusM4NXzDGK/XeN6W4oYqoR9JPLz9zIlhRTn6lwhjsJVOKzFwljXR2OrM2Rvd90H+g==","previous":[]},"epoch":"yluk32vu","begins_after":1}',1796071014806674,1);
INSERT INTO "webhooks" VALUES(2,'local','wh_73afj3ci2mklftjq','http://127.0.0.1:9/b','{"url":"http://127.0.0.1:9/b","options":"{\"patterns\":[\"builds.>\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"1h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_qDz2hXhmPukTuQwtT+pxuH7ruUtMKbeQOWUKnbMpfmE=","previous":[]},"ed25519":{"current":"whsk_9ZfQZEJddYslTorg4ZQQmAu5DkmdhyZsk20NZmeeM2jgueBiFRYXIkSqeCrbu6ByCJff19/7u0our5CvOmljpw==","previous":[]},"epoch":"yluk32vu","begins_after":1}',1796071014810535,1);
CREATE TABLE zeros (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id);
CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, epoch, seq);
CREATE INDEX deliveries_by_position ON deliveries (epoch, seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;
CREATE INDEX kept_events_by_channel ON kept_events (channel);
CREATE INDEX attempts_by_last_seq ON attempts (epoch, last_seq) WHERE last_seq IS NOT NULL;
CREATE INDEX traces_by_last ON traces (last);
CREATE UNIQUE INDEX spared_by_seq ON spared (seq);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('webhooks',3);
INSERT INTO "sqlite_sequence" VALUES('attempts',2);
COMMIT;
