-- What was seen before, by keyed hash. Comments that came before this step are as if they were never seen.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO secrets (name, value) VALUES ('history', randomblob(32));

-- One row for each author, address, domain or text; `value` is packed (`sqlite/history/trail.rs`).
CREATE TABLE seen (
    key   INTEGER PRIMARY KEY, -- keyed hash
    at    INTEGER NOT NULL,    -- when `value` was counted up to, seconds since 1970
    value BLOB NOT NULL
) STRICT;

-- Near copies. A cluster's signature is that of its first comment, so that it does not wander.
CREATE TABLE clusters (
    id        INTEGER PRIMARY KEY,
    first_at  INTEGER NOT NULL, -- seconds since 1970
    last_at   INTEGER NOT NULL,
    size      INTEGER NOT NULL,
    signature BLOB NOT NULL,
    sketch    BLOB NOT NULL -- distinct authors, posts and sites
) STRICT;
-- Where to look for near copies: the newest cluster with such a pair of hashes.
CREATE TABLE bands (
    band    INTEGER PRIMARY KEY, -- 32 bits
    cluster INTEGER NOT NULL
) STRICT;

-- What a comment left behind, so that it can be taken back.
CREATE TABLE traces (
    comment   INTEGER PRIMARY KEY, -- comments.row
    site      INTEGER NOT NULL,
    at        INTEGER NOT NULL, -- seconds since 1970
    cluster   INTEGER,
    flags     INTEGER NOT NULL, -- 1: short, 2: leads to another site, 4: says something
    checks    INTEGER NOT NULL, -- 0: approved, 1: held, 2: blocked
    people    INTEGER NOT NULL, -- 0: nothing, 1: let through, 2: called spam
    people_at INTEGER NOT NULL,
    keys      BLOB NOT NULL -- keyed hashes, 9 bytes each
) STRICT;
CREATE INDEX traces_of_cluster ON traces (cluster, comment) WHERE cluster IS NOT NULL;

-- What is known of a cluster at one site: as soon as it is a campaign there, or a person said something of it.
CREATE TABLE campaigns (
    cluster    INTEGER NOT NULL,
    site       INTEGER NOT NULL,
    size       INTEGER NOT NULL, -- 0: not (yet) a campaign
    first_at   INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    last       INTEGER NOT NULL, -- comments.row
    ham        INTEGER NOT NULL,
    spam       INTEGER NOT NULL,
    decision   TEXT, -- JSON: what a person decided for all of it
    PRIMARY KEY (cluster, site)
) STRICT, WITHOUT ROWID;
CREATE INDEX campaigns_of_site ON campaigns (site, last_at, cluster) WHERE size > 0;

-- How comments stood before a campaign was decided.
CREATE TABLE overruled (
    cluster     INTEGER NOT NULL,
    comment     INTEGER NOT NULL, -- comments.row
    act         INTEGER NOT NULL, -- acts.row of the decision
    verdict     TEXT NOT NULL, -- JSON
    said        TEXT,
    label       TEXT,
    labelled_at INTEGER,
    PRIMARY KEY (cluster, comment)
) STRICT, WITHOUT ROWID;
