-- What waits to be counted has a table of its own, and a comment's trace is written once, when it is counted.
CREATE TABLE arrivals (
    comment   bigint PRIMARY KEY, -- comments.row
    site      bigint NOT NULL,
    at        bigint NOT NULL, -- seconds since 1970
    flags     bigint NOT NULL, -- these as in `traces`
    checks    bigint NOT NULL,
    people    bigint NOT NULL,
    people_at bigint NOT NULL,
    keys      bytea NOT NULL,
    waiting   bytea NOT NULL -- the text's signature, whose it is and where
) WITH (autovacuum_vacuum_scale_factor = 0.05);
INSERT INTO arrivals (comment, site, at, flags, checks, people, people_at, keys, waiting)
SELECT comment, site, at, flags, checks, people, people_at, keys, waiting FROM traces WHERE waiting IS NOT NULL;
DELETE FROM traces WHERE waiting IS NOT NULL;
DROP INDEX traces_waiting;
ALTER TABLE traces DROP COLUMN waiting;
ALTER TABLE traces SET (fillfactor = 100);

UPDATE meta SET value = 12 WHERE name = 'oldest_schema';
