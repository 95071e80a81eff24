-- What a gateway left whose store had schema 2: four events, a durable reader that is behind, two webhooks, of which one is
-- tried again with two events, and their attempts.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    is_delivered INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;
INSERT INTO "attempts" VALUES(1,1,2,1,1795977955513430,0,'{"event_id":"cjwxdwy7-2","message_id":"cjwxdwy7-2","events":1,"kind":"delivery","category":"connection_refused","status":null,"times":{"connect_us":3807,"total_us":3893},"request":{"url":"http://127.0.0.1:9/hook","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"cjwxdwy7","content-type":"application/json","webhook-id":"cjwxdwy7-2","webhook-timestamp":"1795977955","webhook-signature":"v1,wzwJDH6WFrcybCnL/9rs+IiuOI/PQHdfGzlw/k7wfy4="},"body_bytes":170},"answer":null}');
INSERT INTO "attempts" VALUES(2,1,4,1,1795977955558611,0,'{"event_id":"cjwxdwy7-4","message_id":"cjwxdwy7-4","events":1,"kind":"delivery","category":"connection_refused","status":null,"times":{"connect_us":177,"total_us":210},"request":{"url":"http://127.0.0.1:9/hook","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"cjwxdwy7","content-type":"application/json","webhook-id":"cjwxdwy7-4","webhook-timestamp":"1795977955","webhook-signature":"v1,xuss0xoMzOi6cR7SH/a+WreR1TWpfgptowSp6Oqs/4c="},"body_bytes":141},"answer":null}');
INSERT INTO "attempts" VALUES(3,2,3,1,1795977955557682,0,'{"event_id":"cjwxdwy7-3","message_id":"cjwxdwy7-3","events":1,"kind":"delivery","category":"connection_refused","status":null,"times":{"connect_us":1361,"total_us":1420},"request":{"url":"http://127.0.0.1:9/second","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"cjwxdwy7","content-type":"application/json","webhook-id":"cjwxdwy7-3","webhook-timestamp":"1795977955","webhook-signature":"v1,g3I7BR3vay7yLc6Zfq22ckNRDC9uPbCai0SZbywk04g="},"body_bytes":139},"answer":null}');
INSERT INTO "attempts" VALUES(4,2,4,1,1795977955558006,0,'{"event_id":"cjwxdwy7-4","message_id":"cjwxdwy7-4","events":1,"kind":"delivery","category":"connection_refused","status":null,"times":{"connect_us":1204,"total_us":1215},"request":{"url":"http://127.0.0.1:9/second","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"cjwxdwy7","content-type":"application/json","webhook-id":"cjwxdwy7-4","webhook-timestamp":"1795977955","webhook-signature":"v1,lDnfCnJN7MFm0Za6NfA2AzBOc07gS8CGsxaglf0Khxw="},"body_bytes":141},"answer":null}');
INSERT INTO "attempts" VALUES(5,2,3,2,1795977966613886,0,'{"event_id":"cjwxdwy7-3","message_id":"cjwxdwy7-3","events":1,"kind":"delivery","category":"connection_refused","status":null,"times":{"connect_us":306,"total_us":364},"request":{"url":"http://127.0.0.1:9/second","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"cjwxdwy7","content-type":"application/json","webhook-id":"cjwxdwy7-3","webhook-timestamp":"1795977966","webhook-signature":"v1,EPDCNApE4rMV0+82jXeJ4xvqJn1a1pzpk53EfSqHMho="},"body_bytes":139},"answer":null}');
INSERT INTO "attempts" VALUES(6,2,4,2,1795977966614149,0,'{"event_id":"cjwxdwy7-4","message_id":"cjwxdwy7-4","events":1,"kind":"delivery","category":"connection_refused","status":null,"times":{"connect_us":197,"total_us":212},"request":{"url":"http://127.0.0.1:9/second","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"cjwxdwy7","content-type":"application/json","webhook-id":"cjwxdwy7-4","webhook-timestamp":"1795977966","webhook-signature":"v1,BHC2smTjxm1zLD6/shjG0gzV80wzv5nxFnHOXzAU5+I="},"body_bytes":141},"answer":null}');
INSERT INTO "attempts" VALUES(7,1,2,2,1795977966611277,0,'{"event_id":"cjwxdwy7-2","message_id":"cjwxdwy7-2","events":1,"kind":"delivery","category":"connection_refused","status":null,"times":{"connect_us":4814,"total_us":4882},"request":{"url":"http://127.0.0.1:9/hook","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"cjwxdwy7","content-type":"application/json","webhook-id":"cjwxdwy7-2","webhook-timestamp":"1795977966","webhook-signature":"v1,APH1epFwfGXERLN8HvunTqA1w3e5sL797oywtQXLNL4="},"body_bytes":170},"answer":null}');
INSERT INTO "attempts" VALUES(8,1,4,2,1795977966616056,0,'{"event_id":"cjwxdwy7-4","message_id":"cjwxdwy7-4","events":1,"kind":"delivery","category":"connection_refused","status":null,"times":{"connect_us":1722,"total_us":1768},"request":{"url":"http://127.0.0.1:9/hook","headers":{"host":"127.0.0.1:9","user-agent":"Fanfare/0.1.0","fanfare-via":"cjwxdwy7","content-type":"application/json","webhook-id":"cjwxdwy7-4","webhook-timestamp":"1795977966","webhook-signature":"v1,+GD60jNk0BvFbEVpAgXdSUo5pJwaPBrjLFx6RiqhuHM="},"body_bytes":141},"answer":null}');
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
INSERT INTO "channels" VALUES(1,'default',2,3,1795977955554551);
INSERT INTO "channels" VALUES(2,'builds.web',2,4,1795977955554551);
CREATE TABLE deliveries (
    webhook INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    dead INTEGER NOT NULL, -- 1: given up
    at INTEGER NOT NULL,   -- dead: since when; otherwise when it is tried again
    failure TEXT NOT NULL,
    batch_first INTEGER,   -- NULL: it was sent alone
    batch_last INTEGER,
    PRIMARY KEY (webhook, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO "deliveries" VALUES(1,2,2,0,1795978299339383,'connection_refused',NULL,NULL);
INSERT INTO "deliveries" VALUES(1,4,2,0,1795978297072010,'connection_refused',NULL,NULL);
INSERT INTO "deliveries" VALUES(2,3,2,0,1795978241741060,'connection_refused',NULL,NULL);
INSERT INTO "deliveries" VALUES(2,4,2,0,1795978239972751,'connection_refused',NULL,NULL);
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
INSERT INTO "events" VALUES(1,1,NULL,NULL,NULL,1795977955472113,0,NULL,NULL,NULL,NULL,'one',NULL);
INSERT INTO "events" VALUES(2,2,'high','build.failed',NULL,1795977955472113,71,NULL,NULL,NULL,'k','two
lines','{"x":1.50}');
INSERT INTO "events" VALUES(3,1,NULL,NULL,NULL,1795977955554551,167,NULL,NULL,NULL,NULL,'three',NULL);
INSERT INTO "events" VALUES(4,2,NULL,NULL,NULL,1795977955554551,240,NULL,NULL,NULL,NULL,'four',NULL);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "idempotency_keys" VALUES(3,1795977955554551,'once');
CREATE TABLE kept_events (
    seq INTEGER PRIMARY KEY,
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
    data TEXT
) STRICT;
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO "log" VALUES(1,'cjwxdwy7',4,1795977955554551,312);
CREATE TABLE readers (
    name TEXT PRIMARY KEY,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "readers" VALUES('ann',2,'{"patterns":[">"],"types":[],"min_priority":"min"}',1795977968559635);
CREATE TABLE removed_webhooks (
    webhook INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE webhook_cursors (
    webhook INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO "webhook_cursors" VALUES(1,4);
INSERT INTO "webhook_cursors" VALUES(2,4);
CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;
INSERT INTO "webhook_states" VALUES(1,'{"paused":null,"paused_since":null,"failing_since":1795977955517499,"failures":4,"last_success":null,"last_failure":[1795977966617953,"connection_refused"],"lost_up_to":null,"batches":[]}');
INSERT INTO "webhook_states" VALUES(2,'{"paused":null,"paused_since":null,"failing_since":1795977955559219,"failures":4,"last_success":null,"last_failure":[1795977966614715,"connection_refused"],"lost_up_to":null,"batches":[]}');
CREATE TABLE webhooks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;
INSERT INTO "webhooks" VALUES(1,'wh_kyi52jtnofu75prv','http://127.0.0.1:9/hook','{"url":"http://127.0.0.1:9/hook","options":"{\"patterns\":[\"builds.*\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":\"to the pager\",\"retry\":\"5s,5m,30m,2h,5h,10h,10h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","previous":[]},"ed25519":{"current":"whsk_fngVb3Z8eTc3q2DB984nq4X8BAxF6Nit5f+GzMu1beZ9ysDA+bzLU9RdRVrbvC2t4kBR/RTrHIeW9d64OicO5A==","previous":[]},"begins_after":0}',1795977955501629);
INSERT INTO "webhooks" VALUES(2,'wh_wiblkoghmcz6dimy','http://127.0.0.1:9/second','{"url":"http://127.0.0.1:9/second","options":"{\"patterns\":[\">\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"5s,5m,30m,2h,5h,10h,10h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_iuiMtyKMg1zQI1sM3b3YNlrHsqQBCt5dUejQ8OLexy0=","previous":[]},"ed25519":{"current":"whsk_qxq3jYYocDe9oH61iv0wMDGg2ypGkJHmIiD6EEuOICm2mhHMq+1B8YFKFbCB6bB/Ll+usAkfSaXXiKjR71yP5A==","previous":[]},"begins_after":2}',1795977955526270);
CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, seq);
CREATE INDEX deliveries_by_seq ON deliveries (seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('webhooks',2);
INSERT INTO "sqlite_sequence" VALUES('attempts',8);
COMMIT;
