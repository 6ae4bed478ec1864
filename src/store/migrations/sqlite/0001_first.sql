-- Times are microseconds since 1970. Comments are named by their ULID outside and by `row` inside, because a small
-- integer is cheap to refer to and the next one always lies at the end of the file.

-- Counters; `generation` rises with every change of sites, keys, endpoints or the champion.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('generation', 1);

CREATE TABLE sites (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    url        TEXT NOT NULL,
    policy     TEXT NOT NULL, -- JSON
    created_at INTEGER NOT NULL
) STRICT;

-- SHA-256 of API keys.
CREATE TABLE keys (
    hash BLOB PRIMARY KEY,
    site INTEGER NOT NULL REFERENCES sites (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE comments (
    row             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE, -- ULID, 16 bytes
    site            INTEGER NOT NULL REFERENCES sites (id),
    received_at     INTEGER NOT NULL,
    comment         TEXT NOT NULL, -- JSON, as `POST /v1/comments` takes it
    verdict         TEXT, -- JSON; NULL until decided
    external_id     TEXT,
    idempotency_key TEXT,
    body_hash       INTEGER, -- xxh3 of `comment`, kept with an idempotency key
    fingerprint     INTEGER,
    said            TEXT, -- JSON: what a person said last; NULL until one spoke
    label           TEXT, -- the newest label
    labelled_at     INTEGER
) STRICT;
CREATE UNIQUE INDEX comments_external_id ON comments (site, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX comments_idempotency_key ON comments (site, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX comments_fingerprint ON comments (site, fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX comments_labelled ON comments (id) WHERE label IS NOT NULL;

-- What people said of a comment, in the order in which they said it.
CREATE TABLE acts (
    row     INTEGER PRIMARY KEY,
    comment INTEGER NOT NULL, -- comments.row
    act     TEXT NOT NULL -- JSON
) STRICT;
CREATE INDEX acts_comment ON acts (comment);

CREATE TABLE endpoints (
    row           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    site          INTEGER NOT NULL REFERENCES sites (id),
    url           TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    disabled      TEXT, -- why nothing is sent to it any more
    failing_since INTEGER,
    secrets       TEXT NOT NULL -- JSON
) STRICT;

-- What is told: the body once, however many endpoints and attempts there are.
CREATE TABLE messages (
    row        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL, -- msg_…, the same at every endpoint
    site       INTEGER NOT NULL,
    body       TEXT NOT NULL, -- JSON, as it is signed
    created_at INTEGER NOT NULL
) STRICT;

-- A lease is (id, attempts): claiming counts attempts up, finishing demands that nobody has claimed since. Ids are
-- never used again (AUTOINCREMENT), or a lease on a job that is gone could fit another one.
-- Jobs to decide go when they are done; deliveries stay as the log. Pending deliveries are those of enabled endpoints.
-- There are no foreign keys here: they would want an index each, over the whole log, to be checked.
CREATE TABLE jobs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL CHECK (kind IN ('decide', 'deliver')),
    state       TEXT NOT NULL CHECK (state IN ('pending', 'done', 'dead')),
    due_at      INTEGER NOT NULL, -- of a claimed job: when the lease runs out
    attempts    INTEGER NOT NULL,
    site        INTEGER NOT NULL,
    comment     INTEGER, -- comments.row
    message     INTEGER, -- messages.row
    endpoint    INTEGER, -- endpoints.row
    last_status INTEGER,
    last_error  TEXT,
    finished_at INTEGER
) STRICT;
-- Partial indexes: what is done weighs nothing, so that claiming stays as quick as on the first day.
CREATE INDEX jobs_to_decide ON jobs (due_at) WHERE kind = 'decide' AND state = 'pending';
CREATE INDEX jobs_to_deliver ON jobs (endpoint, due_at) WHERE kind = 'deliver' AND state = 'pending';
CREATE INDEX jobs_of_comment ON jobs (comment) WHERE kind = 'decide';
CREATE INDEX jobs_of_message ON jobs (message) WHERE message IS NOT NULL;
CREATE INDEX jobs_dead ON jobs (finished_at) WHERE state = 'dead';

CREATE TABLE models (
    id          TEXT PRIMARY KEY,
    created_at  INTEGER NOT NULL,
    card        TEXT NOT NULL, -- JSON
    promoted_at INTEGER,
    note        TEXT NOT NULL,
    bytes       BLOB NOT NULL
) STRICT;

-- A stack: the champion is the newest promotion that was not rolled back.
CREATE TABLE promotions (
    row            INTEGER PRIMARY KEY AUTOINCREMENT,
    model          TEXT REFERENCES models (id), -- NULL: the shipped model
    at             INTEGER NOT NULL,
    note           TEXT NOT NULL,
    rolled_back_at INTEGER
) STRICT;
