-- What a gateway left whose store had schema 4: events of which all but the last are kept only for deliveries; a durable
-- reader; an idempotency key; four webhooks: one that takes everything, one that waits, one that gave up, and one of
-- which a batch waits.
PRAGMA application_id = 1181640306;
PRAGMA user_version = 4;
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
INSERT INTO "attempts" VALUES(1,3,1,1,1795988876012266,0,'{"event_id":"e67s6lwf-1","message_id":"e67s6lwf-1","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":476,"wait_us":1028,"body_us":5,"total_us":1555},"request":{"url":"http://127.0.0.1:8598/dead","headers":{"host":"127.0.0.1:8598","user-agent":"Fanfare/0.1.0","fanfare-via":"e67s6lwf","content-type":"application/json","webhook-id":"e67s6lwf-1","webhook-timestamp":"1795988876","webhook-signature":"v1,aLa0lP7NTCe4VuvkPnn+0kP6zele/D6rlfJGii/xRIU="},"body_bytes":131},"answer":{"headers":{"content-length":"0","date":"Sun, 29 Nov 2026 21:47:56 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(2,3,2,1,1795988876016050,0,'{"event_id":"e67s6lwf-2","message_id":"e67s6lwf-2","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":142,"wait_us":458,"body_us":4,"total_us":648},"request":{"url":"http://127.0.0.1:8598/dead","headers":{"host":"127.0.0.1:8598","user-agent":"Fanfare/0.1.0","fanfare-via":"e67s6lwf","content-type":"application/json","webhook-id":"e67s6lwf-2","webhook-timestamp":"1795988876","webhook-signature":"v1,07RFXILVwDneTGNOCyyoEvQ6vYFC73IBCbuacH8Ixdg="},"body_bytes":131},"answer":{"headers":{"content-length":"0","date":"Sun, 29 Nov 2026 21:47:56 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(3,2,2,1,1795988876015906,0,'{"event_id":"e67s6lwf-2","message_id":"e67s6lwf-2","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":573,"wait_us":522,"body_us":4,"total_us":1138},"request":{"url":"http://127.0.0.1:8598/waiting","headers":{"host":"127.0.0.1:8598","user-agent":"Fanfare/0.1.0","fanfare-via":"e67s6lwf","content-type":"application/json","webhook-id":"e67s6lwf-2","webhook-timestamp":"1795988876","webhook-signature":"v1,vB6YA7UBz2d9oLckDyMjGx+b8ij8UeiiYqdFMmoYCo4="},"body_bytes":131},"answer":{"headers":{"content-length":"0","date":"Sun, 29 Nov 2026 21:47:56 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(4,3,3,1,1795988876018686,0,'{"event_id":"e67s6lwf-3","message_id":"e67s6lwf-3","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":64,"wait_us":736,"body_us":5,"total_us":841},"request":{"url":"http://127.0.0.1:8598/dead","headers":{"host":"127.0.0.1:8598","user-agent":"Fanfare/0.1.0","fanfare-via":"e67s6lwf","content-type":"application/json","webhook-id":"e67s6lwf-3","webhook-timestamp":"1795988876","webhook-signature":"v1,0iEKVuMUil7DNnGoFux01V96wp2WG+pl3hvwhR8tECU="},"body_bytes":133},"answer":{"headers":{"content-length":"0","date":"Sun, 29 Nov 2026 21:47:56 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(5,3,4,1,1795988876021275,0,'{"event_id":"e67s6lwf-4","message_id":"e67s6lwf-4","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":117,"wait_us":339,"body_us":5,"total_us":498},"request":{"url":"http://127.0.0.1:8598/dead","headers":{"host":"127.0.0.1:8598","user-agent":"Fanfare/0.1.0","fanfare-via":"e67s6lwf","content-type":"application/json","webhook-id":"e67s6lwf-4","webhook-timestamp":"1795988876","webhook-signature":"v1,e6LZcdOSpU0qCmWYWY6TV6johP7CS4GTP9vlYKv3qEc="},"body_bytes":132},"answer":{"headers":{"content-length":"0","date":"Sun, 29 Nov 2026 21:47:56 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(6,4,3,1,1795988876066621,0,'{"event_id":"e67s6lwf-3","message_id":"e67s6lwf-3_4","events":2,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":211,"wait_us":1035,"body_us":12,"total_us":1370},"request":{"url":"http://127.0.0.1:8598/batched","headers":{"host":"127.0.0.1:8598","user-agent":"Fanfare/0.1.0","fanfare-via":"e67s6lwf","content-type":"application/json","webhook-id":"e67s6lwf-3_4","webhook-timestamp":"1795988876","webhook-signature":"v1,ap3w7gzVR+mRuiMYQugDx8KwsVxmiSLDX832aig/vcM="},"body_bytes":268},"answer":{"headers":{"content-length":"0","date":"Sun, 29 Nov 2026 21:47:56 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
INSERT INTO "attempts" VALUES(7,3,5,1,1795988881529334,0,'{"event_id":"e67s6lwf-5","message_id":"e67s6lwf-5","events":1,"kind":"delivery","category":"http_5xx","status":500,"times":{"connect_us":148,"wait_us":1357,"body_us":9,"total_us":1591},"request":{"url":"http://127.0.0.1:8598/dead","headers":{"host":"127.0.0.1:8598","user-agent":"Fanfare/0.1.0","fanfare-via":"e67s6lwf","content-type":"application/json","webhook-id":"e67s6lwf-5","webhook-timestamp":"1795988881","webhook-signature":"v1,aduUUASLWycpJPyoLe6DeVP6PZoo2iL2uXMhwow1u/c="},"body_bytes":132},"answer":{"headers":{"content-length":"0","date":"Sun, 29 Nov 2026 21:48:01 GMT","server":"BaseHTTP/0.6 Python/3.11.7"},"body":"","is_cut":false}}');
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
INSERT INTO "channels" VALUES(1,'a',2,5,1795988881528316);
INSERT INTO "channels" VALUES(2,'w',1,2,1795988876014860);
INSERT INTO "channels" VALUES(3,'b',2,4,1795988876020553);
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
INSERT INTO "deliveries" VALUES(2,2,1,0,1795992805872054,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,1,1,1,1795988876013857,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,2,1,1,1795988876016723,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,3,1,1,1795988876019554,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,4,1,1,1795988876021798,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(3,5,1,1,1795988881531010,'http_5xx',NULL,NULL);
INSERT INTO "deliveries" VALUES(4,3,1,0,1795991879691792,'http_5xx',3,4);
INSERT INTO "deliveries" VALUES(4,4,1,0,1795991879691792,'http_5xx',3,4);
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
INSERT INTO "events" VALUES(5,1,NULL,NULL,NULL,1795988881528316,359,NULL,NULL,NULL,NULL,'five',NULL,'Python-urllib/3.11');
CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "idempotency_keys" VALUES(2,1795988876014860,'once');
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
, agent TEXT) STRICT;
INSERT INTO "kept_events" VALUES(1,1,NULL,NULL,NULL,1795988876011747,NULL,NULL,NULL,NULL,'one',NULL,'Python-urllib/3.11');
INSERT INTO "kept_events" VALUES(2,2,NULL,NULL,NULL,1795988876014860,NULL,NULL,NULL,NULL,'two',NULL,'Python-urllib/3.11');
INSERT INTO "kept_events" VALUES(3,3,NULL,NULL,NULL,1795988876018118,NULL,NULL,NULL,NULL,'three',NULL,'Python-urllib/3.11');
INSERT INTO "kept_events" VALUES(4,3,NULL,NULL,NULL,1795988876020553,NULL,NULL,NULL,NULL,'four',NULL,'Python-urllib/3.11');
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
INSERT INTO "log" VALUES(1,'e67s6lwf',5,1795988881528316,449);
CREATE TABLE "readers" (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "readers" VALUES('local','ann',1,'{"patterns":[">"],"types":[],"min_priority":"min"}',1795988881534819);
CREATE TABLE removed_webhooks (
    webhook INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE webhook_cursors (
    webhook INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO "webhook_cursors" VALUES(1,5);
INSERT INTO "webhook_cursors" VALUES(2,5);
INSERT INTO "webhook_cursors" VALUES(3,5);
INSERT INTO "webhook_cursors" VALUES(4,5);
CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;
INSERT INTO "webhook_states" VALUES(1,'{"paused":null,"paused_since":null,"failing_since":null,"failures":0,"last_success":null,"last_failure":null,"lost_up_to":null,"batches":[]}');
INSERT INTO "webhook_states" VALUES(2,'{"paused":null,"paused_since":null,"failing_since":1795988876017071,"failures":1,"last_success":null,"last_failure":[1795988876017071,"http_5xx"],"lost_up_to":null,"batches":[]}');
INSERT INTO "webhook_states" VALUES(3,'{"paused":null,"paused_since":null,"failing_since":1795988876013857,"failures":5,"last_success":null,"last_failure":[1795988881531010,"http_5xx"],"lost_up_to":null,"batches":[]}');
INSERT INTO "webhook_states" VALUES(4,'{"paused":null,"paused_since":null,"failing_since":1795988876068126,"failures":1,"last_success":null,"last_failure":[1795988876068126,"http_5xx"],"lost_up_to":null,"batches":[[3,4]]}');
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
INSERT INTO "webhooks" VALUES(1,'local','wh_yzslbvkdd2w5vqcz','http://127.0.0.1:8598/ok','{"url":"http://127.0.0.1:8598/ok","options":"{\"patterns\":[\">\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"5s,5m,30m,2h,5h,10h,10h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_MR65WT3e6ytACDR4cAOI2/Jpf1hCnV4Y/2Ad/IN27bU=","previous":[]},"ed25519":{"current":"whsk_88jfHWZ9V5gcl/9HnbMnUDxIU8JaTnlP0AWlkK/cQcQ4IeacuSRdXAPVirUuw9Z0Q0dYr5tYfrDLIJ0OLfc1+A==","previous":[]},"begins_after":0}',1795988876003447,1);
INSERT INTO "webhooks" VALUES(2,'local','wh_c4bdxn22h6jhusep','http://127.0.0.1:8598/waiting','{"url":"http://127.0.0.1:8598/waiting","options":"{\"patterns\":[\"w\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"1h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_eNcUlRudjK8qx6xTFUN2uvs1B7SlgzJjjvi0tsfZkno=","previous":[]},"ed25519":{"current":"whsk_qjlzoin0bzca2KnNrch48heUHuhneROzok713arbeXTE6lPZc37O7myVD2l+bWCNPqnh/F5CzviZEr4nIH126Q==","previous":[]},"begins_after":0}',1795988876006048,1);
INSERT INTO "webhooks" VALUES(3,'local','wh_yjiz6ai6bctczcuq','http://127.0.0.1:8598/dead','{"url":"http://127.0.0.1:8598/dead","options":"{\"patterns\":[\">\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":null,\"description\":null,\"retry\":\"none\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_yAjQJoY1lnkniCHSjtE4yDW2nuVGJfyvAVcXns5rEmc=","previous":[]},"ed25519":{"current":"whsk_W1dLo5B8AN9LPwiJs7fwNXY2sg3d5g//sQS8RQEA1noCowE9j3B7KugZKm+8n8r9PTN1ByU20yiSEBQ7D+ME7w==","previous":[]},"begins_after":0}',1795988876007617,1);
INSERT INTO "webhooks" VALUES(4,'local','wh_mwtjnz6d6h6xssrd','http://127.0.0.1:8598/batched','{"url":"http://127.0.0.1:8598/batched","options":"{\"patterns\":[\"b\"],\"types\":[],\"min_priority\":\"min\",\"payload\":\"seed\",\"headers\":{},\"auth\":null,\"concurrency\":16,\"rate_per_second\":null,\"ordered\":false,\"batch\":{\"max_events\":2,\"max_wait\":\"1s\"},\"description\":null,\"retry\":\"1h\",\"signatures\":[\"v1\"]}","secrets":{"current":"whsec_khjDBNAxNqDPd14KAjwk+ESj3PDxqtIiLwQpDqa5Fxs=","previous":[]},"ed25519":{"current":"whsk_d50H1JRrINuFjIa+eqweXzPfyjV7BbWKqoylDEP4KSv3Wy4nrE7VwNy/XvYO6Ok6ZVTlspxiJZYXgcgGu+RAXA==","previous":[]},"begins_after":0}',1795988876009302,1);
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
