-- What waits to be counted has a table of its own, and a comment's trace is written once, when it is counted: the signature that counting
-- takes left a hole in each trace, more than half of the table.
CREATE TABLE arrivals (
    comment   INTEGER PRIMARY KEY, -- comments.row
    site      INTEGER NOT NULL,
    at        INTEGER NOT NULL, -- seconds since 1970
    flags     INTEGER NOT NULL, -- these as in `traces`
    checks    INTEGER NOT NULL,
    people    INTEGER NOT NULL,
    people_at INTEGER NOT NULL,
    keys      BLOB NOT NULL,
    waiting   BLOB NOT NULL -- the text's signature, whose it is and where
) STRICT;
INSERT INTO arrivals (comment, site, at, flags, checks, people, people_at, keys, waiting)
SELECT comment, site, at, flags, checks, people, people_at, keys, waiting FROM traces WHERE waiting IS NOT NULL ORDER BY comment;
CREATE TABLE new_traces (
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
INSERT INTO new_traces (comment, site, at, cluster, flags, checks, people, people_at, keys)
SELECT comment, site, at, cluster, flags, checks, people, people_at, keys FROM traces WHERE waiting IS NULL ORDER BY comment;
DROP TABLE traces;
ALTER TABLE new_traces RENAME TO traces;
CREATE INDEX traces_of_cluster ON traces (cluster, comment) WHERE cluster IS NOT NULL;

UPDATE meta SET value = 12 WHERE name = 'oldest_schema';
