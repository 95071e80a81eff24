//! The schema of the file, as the steps that lead to it.

/// Each step leads from the schema version that is its index to the next. A step that was released is never
/// changed: files that went through it exist.
pub(crate) const STEPS: &[&str] = &[
    LOG, WEBHOOKS, REVISIONS, OWNERS, EPOCHS, ARRIVALS, CHECKSUMS, DIGESTS, COPIES, PURGES, TRACES, FLOOR,
    NAMES, SOURCES, ORIGINALS,
];

/// Columns with their usual value are NULL: a byte instead of a word, and fast to bind and to read. Those that decide
/// whether a filter matches the row come before the long ones, so that a row is rejected without unpacking them.
const LOG: &str = "
-- The one row. The tail is as of the last sweep or close: it counts when no event is left to tell it.
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch TEXT NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;

CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    events INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_timestamp INTEGER NOT NULL
) STRICT;

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

-- In which blocks of consecutive seqs a channel has events: far smaller than an index with an entry per event,
-- and as good at passing over what a sparse channel does not have.
CREATE TABLE channel_blocks (
    channel INTEGER NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (channel, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    seq INTEGER PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE readers (
    name TEXT PRIMARY KEY,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Data that changes ten times a second (cursors) or at each failure (states, deliveries) is separate from data that is
/// long and rarely changes (settings, events): a change writes its whole row again.
const WEBHOOKS: &str = "
-- AUTOINCREMENT: the number of a webhook that was removed stands in rows that are still to be removed.
CREATE TABLE webhooks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE webhook_cursors (
    webhook INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;

CREATE TABLE webhook_states (
    webhook INTEGER PRIMARY KEY,
    state TEXT NOT NULL
) STRICT;

-- Whose deliveries and attempts are still to be removed.
CREATE TABLE removed_webhooks (
    webhook INTEGER PRIMARY KEY
) STRICT;

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

CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, seq);
CREATE INDEX deliveries_by_seq ON deliveries (seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;

-- Events that retention removed from the log while a delivery needs them; all are older than the log's first.
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

-- AUTOINCREMENT: an id is never given again.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    is_delivered INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;

-- With what a list is narrowed by, so that the long rows that it leaves out are not read.
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id);
";

/// If two callers change a webhook at once, one of them learns of the other.
const REVISIONS: &str = "
ALTER TABLE webhooks ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
";

/// Owners, and the claimed agents of callers. Before this step everything belonged to `local`. Idempotency keys need no
/// column, which would take as long as there are keys: the key of another principal has its name as a prefix.
const OWNERS: &str = "
ALTER TABLE events ADD COLUMN agent TEXT;
ALTER TABLE kept_events ADD COLUMN agent TEXT;

CREATE TABLE readers_by_owner (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    filter TEXT NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
INSERT INTO readers_by_owner SELECT 'local', name, acknowledged, filter, updated FROM readers;
DROP TABLE readers;
ALTER TABLE readers_by_owner RENAME TO readers;

CREATE TABLE webhooks_by_owner (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1,
    UNIQUE (owner, url)
) STRICT;
INSERT INTO webhooks_by_owner SELECT number, 'local', id, url, settings, created, revision FROM webhooks;
-- The numbers that were given go on from the last one, also when that webhook was removed.
DELETE FROM sqlite_sequence WHERE name = 'webhooks_by_owner';
INSERT INTO sqlite_sequence (name, seq) SELECT 'webhooks_by_owner', seq FROM sqlite_sequence WHERE name = 'webhooks';
DROP TABLE webhooks;
ALTER TABLE webhooks_by_owner RENAME TO webhooks;
";

/// Every position beside the log says to which epoch it belongs, by a number that costs a byte at most. What earlier
/// versions wrote belongs to the epoch that the log had then, which gets number 1. The log itself needs no column: its
/// events, channels and idempotency keys are all of its one epoch.
const EPOCHS: &str = "
-- Every epoch that a position belongs to, in the order in which the log had them.
CREATE TABLE epochs (
    number INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO epochs (number, epoch) SELECT 1, epoch FROM log;

ALTER TABLE readers ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE webhook_cursors ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;
ALTER TABLE attempts ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;

-- These hold positions, too.
UPDATE webhooks SET settings = json_set(settings, '$.epoch', (SELECT epoch FROM log)) WHERE json_valid(settings);
UPDATE webhook_states SET state = json_set(state, '$.epoch', (SELECT epoch FROM log)) WHERE json_valid(state);

CREATE TABLE deliveries_by_epoch (
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
INSERT INTO deliveries_by_epoch
    SELECT webhook, 1, seq, attempts, dead, at, failure, batch_first, batch_last FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE deliveries_by_epoch RENAME TO deliveries;
CREATE INDEX deliveries_by_status ON deliveries (webhook, dead, epoch, seq);
CREATE INDEX deliveries_by_position ON deliveries (epoch, seq);
CREATE INDEX deliveries_dead ON deliveries (at) WHERE dead = 1;

-- Events that a delivery needs, and that the log no longer has: those that retention removed are older than the log's
-- first, those of an earlier epoch belong to a log that was replaced.
CREATE TABLE kept_events_by_epoch (
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
INSERT INTO kept_events_by_epoch
    SELECT 1, seq, channel, priority, type, expires, timestamp, audience, door, principal, key, message, data, agent
    FROM kept_events;
DROP TABLE kept_events;
ALTER TABLE kept_events_by_epoch RENAME TO kept_events;
";

/// The time of each event on the clock of the log, which never goes back. Until this step, that was the timestamp; but
/// whatever the timestamps say, no event can arrive later than the file is opened.
const ARRIVALS: &str = "
ALTER TABLE events ADD COLUMN arrival INTEGER;      -- NULL: the timestamp
ALTER TABLE kept_events ADD COLUMN arrival INTEGER; -- NULL: the timestamp
ALTER TABLE log ADD COLUMN last_arrival INTEGER NOT NULL DEFAULT 0;
UPDATE events SET arrival = (SELECT now FROM opened)
    WHERE seq > (SELECT coalesce(max(seq), 0) FROM events WHERE timestamp <= (SELECT now FROM opened));
UPDATE kept_events SET arrival = (SELECT now FROM opened) WHERE timestamp > (SELECT now FROM opened);
UPDATE log SET last_arrival = min(last_timestamp, (SELECT now FROM opened));
UPDATE idempotency_keys SET timestamp = (SELECT now FROM opened) WHERE timestamp > (SELECT now FROM opened);
";

/// The checksums of events, by which damage is found. Events of earlier versions have none.
const CHECKSUMS: &str = "
ALTER TABLE events ADD COLUMN checksum INTEGER;
ALTER TABLE kept_events ADD COLUMN checksum INTEGER;
-- The first event that must have one.
ALTER TABLE log ADD COLUMN checksums_from INTEGER NOT NULL DEFAULT 1;
UPDATE log SET checksums_from = 1 + max(last_seq, (SELECT coalesce(max(seq), 0) FROM events));
";

/// What was pushed with an idempotency key, as a digest. Keys of earlier versions have none, and fit whatever is pushed.
const DIGESTS: &str = "
ALTER TABLE idempotency_keys ADD COLUMN digest BLOB;
";

/// Logs that came from others: by a backup, or by an import.
const COPIES: &str = "
-- The last seq that the log of the next epoch has in common with this one. NULL: the present epoch, or not known.
ALTER TABLE epochs ADD COLUMN shared_to INTEGER;

-- Which events of other logs were imported, as runs of the seqs that they have there.
CREATE TABLE imported (
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (epoch, first)
) STRICT, WITHOUT ROWID;
";

/// Purged events, and forgotten channels, whose ids are not reused.
const PURGES: &str = "
ALTER TABLE events ADD COLUMN purged INTEGER;       -- 1: its long texts are blank
ALTER TABLE log ADD COLUMN last_channel INTEGER NOT NULL DEFAULT 0;
UPDATE log SET last_channel = (SELECT coalesce(max(id), 0) FROM channels);
CREATE INDEX kept_events_by_channel ON kept_events (channel);

-- The last event of a batch; NULL if an attempt was at one event. Batches of earlier versions have none.
ALTER TABLE attempts ADD COLUMN last_seq INTEGER;
CREATE INDEX attempts_by_last_seq ON attempts (epoch, last_seq) WHERE last_seq IS NOT NULL;

-- Takes free pages to overwrite what they said, and gives them back: otherwise empty.
CREATE TABLE zeros (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
";

/// The events that retention removed: the last one of each channel, type and priority. They have names rather
/// than ids, because they outlive the channels. Nothing is known about events removed before this step.
const TRACES: &str = "
CREATE TABLE traces (
    channel TEXT NOT NULL,
    type TEXT NOT NULL,
    priority TEXT NOT NULL,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (channel, type, priority)
) STRICT, WITHOUT ROWID;
CREATE INDEX traces_by_last ON traces (last);
-- Of the events up to here, some that were removed have no trace.
ALTER TABLE log ADD COLUMN untraced_to INTEGER NOT NULL DEFAULT 0;
UPDATE log SET untraced_to = coalesce((SELECT min(seq) - 1 FROM events), last_seq);
";

/// The events that the floor of retention spares. In the part of the log before its first event without holes, these are
/// all that it has.
const FLOOR: &str = "
CREATE TABLE spared (
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (channel, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX spared_by_seq ON spared (seq);

-- How many events retention has removed, and how many it had when a trace, and the part without traces, last changed.
ALTER TABLE log ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN untraced_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE traces ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE log SET removed = coalesce((SELECT min(seq) - 1 FROM events), last_seq);
UPDATE log SET untraced_at = removed;
UPDATE traces SET at = (SELECT removed FROM log);
";

/// Names of webhooks, and what attempts are filtered by. Until this step, no webhook had a name, and the outcome and the
/// status of an attempt were in its details alone: under other names at first.
const NAMES: &str = "
CREATE TABLE named_webhooks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    name TEXT,             -- NULL: none
    url TEXT NOT NULL,
    settings TEXT NOT NULL,
    created INTEGER NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1
) STRICT;
INSERT INTO named_webhooks SELECT number, owner, id, NULL, url, settings, created, revision FROM webhooks;
-- The numbers that were given go on from the last one, also when that webhook was removed.
DELETE FROM sqlite_sequence WHERE name = 'named_webhooks';
INSERT INTO sqlite_sequence (name, seq) SELECT 'named_webhooks', seq FROM sqlite_sequence WHERE name = 'webhooks';
DROP TABLE webhooks;
ALTER TABLE named_webhooks RENAME TO webhooks;
CREATE UNIQUE INDEX webhooks_by_name ON webhooks (owner, name) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX webhooks_by_url ON webhooks (owner, url) WHERE name IS NULL;

ALTER TABLE attempts ADD COLUMN status INTEGER;
ALTER TABLE attempts ADD COLUMN outcome TEXT;
UPDATE attempts SET
    status = coalesce(json_extract(detail, '$.status_code'), json_extract(detail, '$.status')),
    outcome = coalesce(json_extract(detail, '$.outcome'), json_extract(detail, '$.category'))
    WHERE json_valid(detail);
-- With what a list is narrowed by, so that the long rows that it leaves out are not read.
DROP INDEX attempts_by_webhook;
DROP INDEX attempts_by_seq;
DROP INDEX attempts_by_outcome;
CREATE INDEX attempts_by_webhook ON attempts (webhook, id, is_delivered, status, outcome, at);
CREATE INDEX attempts_by_seq ON attempts (seq, id, webhook, is_delivered);
CREATE INDEX attempts_by_outcome ON attempts (is_delivered, id, status, outcome, at);
";

/// The addresses that other programs send to, with what each asks them to prove.
const SOURCES: &str = "
CREATE TABLE sources (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The requests that brought events. The long column is the last one, so that a row is read without it.
const ORIGINALS: &str = "
ALTER TABLE events ADD COLUMN original_of INTEGER;  -- the seq that it is kept with; 0: it was too long; NULL: none
ALTER TABLE events ADD COLUMN original BLOB;        -- its checksum and the request
ALTER TABLE kept_events ADD COLUMN original_of INTEGER;
";
