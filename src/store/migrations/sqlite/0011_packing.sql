-- Comments and verdicts are kept packed (`rows/packed.rs`), which is bytes; what is there already stays as it is, plain JSON.
-- A column cannot change its type, so the table is written anew: a second or two for 100,000 comments.
CREATE TABLE new_comments (
    row             INTEGER PRIMARY KEY,
    id              BLOB NOT NULL UNIQUE, -- ULID, 16 bytes
    site            INTEGER NOT NULL REFERENCES sites (id),
    received_at     INTEGER NOT NULL,
    comment         BLOB NOT NULL, -- packed JSON, as `POST /v1/comments` takes it
    verdict         BLOB, -- packed JSON; NULL until decided
    external_id     TEXT,
    idempotency_key TEXT,
    body_hash       INTEGER, -- xxh3 of the comment's JSON, kept with an idempotency key
    fingerprint     INTEGER,
    said            TEXT, -- JSON: what a person said last; NULL until one spoke
    label           TEXT, -- the newest label
    labelled_at     INTEGER,
    decision        TEXT, -- of `verdict`
    judged          TEXT, -- what the checks decided
    callback        INTEGER -- endpoints.row: whom the CMS wants told of this comment
) STRICT;
INSERT INTO new_comments (row, id, site, received_at, comment, verdict, external_id, idempotency_key, body_hash, fingerprint, said,
                          label, labelled_at, decision, judged, callback)
SELECT row, id, site, received_at, CAST(comment AS BLOB), CAST(verdict AS BLOB), external_id, idempotency_key, body_hash,
       fingerprint, said, label, labelled_at, decision, judged, callback
  FROM comments ORDER BY row;
DROP TABLE comments;
ALTER TABLE new_comments RENAME TO comments;
CREATE UNIQUE INDEX comments_external_id ON comments (site, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX comments_idempotency_key ON comments (site, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX comments_fingerprint ON comments (site, fingerprint) WHERE fingerprint IS NOT NULL;
CREATE INDEX comments_labelled ON comments (id) WHERE label IS NOT NULL;
CREATE INDEX comments_site ON comments (site, received_at);
CREATE INDEX comments_held ON comments (site, received_at) WHERE decision = 'hold';

CREATE TABLE new_overruled (
    cluster     INTEGER NOT NULL,
    comment     INTEGER NOT NULL, -- comments.row
    act         INTEGER NOT NULL, -- acts.row of the decision
    verdict     BLOB NOT NULL, -- packed JSON
    said        TEXT,
    label       TEXT,
    labelled_at INTEGER,
    PRIMARY KEY (cluster, comment)
) STRICT, WITHOUT ROWID;
INSERT INTO new_overruled (cluster, comment, act, verdict, said, label, labelled_at)
SELECT cluster, comment, act, CAST(verdict AS BLOB), said, label, labelled_at FROM overruled;
DROP TABLE overruled;
ALTER TABLE new_overruled RENAME TO overruled;

-- A program that knows text only cannot read what is kept from here on.
UPDATE meta SET value = 11 WHERE name = 'oldest_schema';
