-- Entries of allow and block lists, apart from the policies: a list may be long, and a policy is read at every turn.
CREATE TABLE list_entries (
    row        INTEGER PRIMARY KEY AUTOINCREMENT,
    site       INTEGER REFERENCES sites (id), -- NULL: shared by all sites
    list       TEXT NOT NULL, -- allow, block
    pattern    TEXT NOT NULL, -- domain:bad.example
    reason     TEXT NOT NULL,
    added_by   TEXT NOT NULL,
    added_at   INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
-- A pattern is there once: the newer word on it replaces the older.
CREATE UNIQUE INDEX list_entries_pattern ON list_entries (coalesce(site, 0), pattern);
CREATE INDEX list_entries_site ON list_entries (site);

-- At which generation each list changed last, so that only that one is read again.
CREATE TABLE list_changes (
    site       INTEGER PRIMARY KEY, -- 0: the shared one
    generation INTEGER NOT NULL
) STRICT;

INSERT OR REPLACE INTO list_entries (site, list, pattern, reason, added_by, added_at, expires_at)
SELECT sites.id, entry.value ->> 'list', entry.value ->> 'match', coalesce(entry.value ->> 'reason', ''), '',
       coalesce(CAST(round(unixepoch(entry.value ->> 'added_at', 'subsec') * 1000000) AS INTEGER), 0),
       CAST(round(unixepoch(entry.value ->> 'expires_at', 'subsec') * 1000000) AS INTEGER)
  FROM sites, json_each(sites.policy, '$.lists') AS entry
 WHERE entry.value ->> 'list' IS NOT NULL AND entry.value ->> 'match' IS NOT NULL
 ORDER BY sites.id, entry.key;
INSERT INTO list_changes (site, generation)
SELECT DISTINCT site, (SELECT value FROM meta WHERE name = 'generation') FROM list_entries;
UPDATE sites SET policy = json_remove(policy, '$.lists');
