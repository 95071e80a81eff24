-- What a gateway left whose store had schema 3: events through several doors, two of them kept only for deliveries; a
-- durable reader; three webhooks: one that takes everything and was changed, one that waits, one that gave up. A fourth
-- had been removed.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 3;
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
INSERT INTO "attempts" VALUES(1,3,1,1,1795976685299148,0,'{"event_id":"g3zfvvxx-1","message_id":"g3zfvvxx-1","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":116,"wait_us":3348,"body_us":9,"total_us":3600},"request":{"url":"http://127.0.0.1:8599/dead","headers":{"host":"127.0.0.1:8599","user-agent":"Fanfare/0.1.0","fanfare-via":"g3zfvvxx","content-type":"application/json","webhook-id":"g3zfvvxx-1","webhook-timestamp":"1795976685","webhook-signature":"v1,lZBa5F7uzPcu4uyfH79eXcSwdwZIDCtgCoR0huIeZpA="},"body_bytes":141},"answer":{"headers":{"date":"Sun, 29 Nov 2026 18:24:45 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(2,3,2,1,1795976685306760,0,'{"event_id":"g3zfvvxx-2","message_id":"g3zfvvxx-2","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":86,"wait_us":3150,"body_us":9,"total_us":3314},"request":{"url":"http://127.0.0.1:8599/dead","headers":{"host":"127.0.0.1:8599","user-agent":"Fanfare/0.1.0","fanfare-via":"g3zfvvxx","content-type":"application/json","webhook-id":"g3zfvvxx-2","webhook-timestamp":"1795976685","webhook-signature":"v1,Y6+BXE1PR1rldngtVuF1SHpwc4zX4y+/BkTJI7MYPws="},"body_bytes":164},"answer":{"headers":{"date":"Sun, 29 Nov 2026 18:24:45 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(3,2,2,1,1795976685305850,0,'{"event_id":"g3zfvvxx-2","message_id":"g3zfvvxx-2","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":1559,"wait_us":2986,"body_us":8,"total_us":4630},"request":{"url":"http://127.0.0.1:8599/waiting","headers":{"host":"127.0.0.1:8599","user-agent":"Fanfare/0.1.0","fanfare-via":"g3zfvvxx","content-type":"application/json","webhook-id":"g3zfvvxx-2","webhook-timestamp":"1795976685","webhook-signature":"v1,rlCkgeJrs8shzvL+hOg/4oGsgYX1Y/nVPcq03LWv/7c="},"body_bytes":164},"answer":{"headers":{"date":"Sun, 29 Nov 2026 18:24:45 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(4,3,4,1,1795976685316704,0,'{"event_id":"g3zfvvxx-4","message_id":"g3zfvvxx-4","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":1262,"wait_us":2123,"body_us":98,"total_us":3545},"request":{"url":"http://127.0.0.1:8599/dead","headers":{"host":"127.0.0.1:8599","user-agent":"Fanfare/0.1.0","fanfare-via":"g3zfvvxx","content-type":"application/json","webhook-id":"g3zfvvxx-4","webhook-timestamp":"1795976685","webhook-signature":"v1,qRbOgLkJgofaNxBI5UOpDN/zXXmvEnPWVSTpyMlAypI="},"body_bytes":192},"answer":{"headers":{"date":"Sun, 29 Nov 2026 18:24:45 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(5,3,6,1,1795976685331070,0,'{"event_id":"g3zfvvxx-6","message_id":"g3zfvvxx-6","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":407,"wait_us":1718,"body_us":151,"total_us":2346},"request":{"url":"http://127.0.0.1:8599/dead","headers":{"host":"127.0.0.1:8599","user-agent":"Fanfare/0.1.0","fanfare-via":"g3zfvvxx","content-type":"application/json","webhook-id":"g3zfvvxx-6","webhook-timestamp":"1795976685","webhook-signature":"v1,XHmMPhzsvkzBh9eReo8iQ6Fu8ewXDzA68nZQyo0NS2w="},"body_bytes":140},"answer":{"headers":{"date":"Sun, 29 Nov 2026 18:24:45 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(6,3,7,1,1795976685336053,0,'{"event_id":"g3zfvvxx-7","message_id":"g3zfvvxx-7","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":577,"wait_us":799,"body_us":11,"total_us":1437},"request":{"url":"http://127.0.0.1:8599/dead","headers":{"host":"127.0.0.1:8599","user-agent":"Fanfare/0.1.0","fanfare-via":"g3zfvvxx","content-type":"application/json","webhook-id":"g3zfvvxx-7","webhook-timestamp":"1795976685","webhook-signature":"v1,+0JaQ+kJ7oNjNrcotZA/BdAOteKDOVssh+dv/3bUwGE="},"body_bytes":140},"answer":{"headers":{"date":"Sun, 29 Nov 2026 18:24:45 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(7,3,8,1,1795976685337311,0,'{"event_id":"g3zfvvxx-8","message_id":"g3zfvvxx-8","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":220,"wait_us":789,"body_us":8,"total_us":1050},"request":{"url":"http://127.0.0.1:8599/dead","headers":{"host":"127.0.0.1:8599","user-agent":"Fanfare/0.1.0","fanfare-via":"g3zfvvxx","content-type":"application/json","webhook-id":"g3zfvvxx-8","webhook-timestamp":"1795976685","webhook-signature":"v1,Kj/qNeOHN8dwTEt+L5RQD3HtpX8ZhjQb3vQgWsVYEAY="},"body_bytes":140},"answer":{"headers":{"date":"Sun, 29 Nov 2026 18:24:45 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
CREATE TABLE channel_blocks (
    channel INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (channel, block)
) STRICT, WITHOUT ROWID;
INSERT INTO "channel_blocks" VALUES(1,0);
INSERT INTO "channel_blocks" VALUES(2,0);
INSERT INTO "channel_blocks" VALUES(3,0);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    events INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL
) STRICT;
INSERT INTO "channels" VALUES(1,'default',8,10,1795976690000000);
INSERT INTO "channels" VALUES(2,'builds.web',1,2,1795976685304663);
INSERT INTO "channels" VALUES(3,'ingest.generic',1,4,1795976685315707);
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
INSERT INTO "deliveries" VALUES(2,2,1,0,1796052252741513,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,1,1,1,1795976685302768,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,2,1,1,1795976685310084,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,4,1,1,1795976685320282,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,6,1,1,1795976685333487,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,7,1,1,1795976685337622,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,8,1,1,1795976685338367,'http_5xx',NULL,NULL);
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
INSERT INTO "events" VALUES(4,3,NULL,NULL,NULL,1795976685315707,243,NULL,'ingest',NULL,NULL,'from elsewhere','{"message": "from elsewhere"}');
INSERT INTO "events" VALUES(5,1,NULL,NULL,NULL,1795976685321447,354,'stream','mcp',NULL,NULL,'by a tool',NULL);
INSERT INTO "events" VALUES(6,1,NULL,NULL,NULL,1795976685330564,431,NULL,NULL,NULL,NULL,'more 0',NULL);
INSERT INTO "events" VALUES(7,1,NULL,NULL,NULL,1795976685334485,505,NULL,NULL,NULL,NULL,'more 1',NULL);
INSERT INTO "events" VALUES(8,1,NULL,NULL,NULL,1795976685336394,579,NULL,NULL,NULL,NULL,'more 2',NULL);
INSERT INTO "events" VALUES(9,1,NULL,NULL,NULL,1795976685341290,653,NULL,NULL,NULL,NULL,'more 3',NULL);
INSERT INTO "events" VALUES(10,1,NULL,NULL,NULL,1795976690000000,727,NULL,'cli',NULL,NULL,'by hand again',NULL);
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "idempotency_keys" VALUES(2,1795976685304663,'once');
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
INSERT INTO "kept_events" VALUES(1,1,NULL,NULL,NULL,1795976685297951,NULL,'cli',NULL,NULL,'by hand',NULL);
INSERT INTO "kept_events" VALUES(2,2,'high','build.failed',2111336685304663,1795976685304663,NULL,NULL,NULL,'k','failed','{"x": 1}');
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO "log" VALUES(1,'g3zfvvxx',10,1795976690000000,808);
CREATE TABLE readers (
    name TEXT PRIMARY KEY,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "readers" VALUES('ann',5,'{"patterns":["builds.*"],"types":[],"min_priority":"min"}',1795976685323613);
CREATE TABLE removed_webhooks (
    webhook INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE webhook_cursors (
    webhook INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO "webhook_cursors" VALUES(1,9);
INSERT INTO "webhook_cursors" VALUES(2,9);
INSERT INTO "webhook_cursors" VALUES(3,8);
CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;
INSERT INTO "webhook_states" VALUES(1,'{"paused":null,"paused_since":null,"failing_since":null,"failures":0,"last_success":null,"last_failure":null,"lost_up_to":null,"batches":[]}');
INSERT INTO "webhook_states" VALUES(2,'{"paused":null,"paused_since":null,"failing_since":1795976685310541,"failures":1,"last_success":null,"last_failure":[1795976685310541,"http_5xx"],"lost_up_to":null,"batches":[]}');
INSERT INTO "webhook_states" VALUES(3,'{"paused":null,"paused_since":null,"failing_since":1795976685302768,"failures":6,"last_success":null,"last_failure":[1795976685338367,"http_5xx"],"lost_up_to":null,"batches":[]}');
CREATE TABLE webhooks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL
, revision INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO "webhooks" VALUES(1,'wh_t6t6ftwkzxzt65g6','http://127.0.0.1:8599/ok','{"url":"http://127.0.0.1:8599/ok","options":"{\"patterns\":[\">\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":\"all of it\",\"retry\":\"5s,5m,30m,2h,5h,10h,10h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_E2szLFfk4VbQaS0q5VaV1naL6EXr26FSlFgllQddQtg=","previous":[]},"ed25519":{"current":"whsk_F/iiz8XYrdtvqaixj/ejZQTtFhLXCKcAcmVLibKV8yDG1EHuA420T2tPitAtUzWFSM9r+w16zpOlleWtCu8Zxg==","previous":[]},"begins_after":0}',1795976685276730,2);
INSERT INTO "webhooks" VALUES(2,'wh_i3tn65cejypb4nok','http://127.0.0.1:8599/waiting','{"url":"http://127.0.0.1:8599/waiting","options":"{\"patterns\":[\"builds.*\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"1d\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB","previous":[]},"ed25519":{"current":"whsk_eapU1v51O0rvUwoQjEmkeqv56FDHoQ6B0AuYmFf0TTUTUr/oE34KJwS48mNJBE8lXC6u33JE5m3o3OUwdwCHeA==","previous":[]},"begins_after":0}',1795976685288571,1);
INSERT INTO "webhooks" VALUES(3,'wh_5glybyelrmgc4tm6','http://127.0.0.1:8599/dead','{"url":"http://127.0.0.1:8599/dead","options":"{\"patterns\":[\">\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"none\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_f0tczUNLQ5r+PPyCd6kCcVJ2krl7lqjT1SRMZA+2fgA=","previous":[]},"ed25519":{"current":"whsk_WXfyTXkxBVK+glinZVCW287oaEKrCzj/sdxDUuAZ8pzvA3x9nEj2E6IR5dafSGSXJfrk2iwzTRQqgjS9IVuZWg==","previous":[]},"begins_after":0}',1795976685291776,1);
CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, seq);
CREATE INDEX deliveries_by_seq ON deliveries (seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('webhooks',4);
INSERT INTO "sqlite_sequence" VALUES('attempts',7);
COMMIT;
