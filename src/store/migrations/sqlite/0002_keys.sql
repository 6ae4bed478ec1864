-- Several keys for a site, each with scopes and perhaps an end; keys of no site speak for all of them.
CREATE TABLE api_keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       BLOB NOT NULL UNIQUE, -- SHA-256 of the key
    site       INTEGER REFERENCES sites (id), -- NULL: every site
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL, -- JSON
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
INSERT INTO api_keys (hash, site, name, scopes, created_at)
SELECT keys.hash, keys.site, 'site', '["check","submit","read"]', sites.created_at
  FROM keys JOIN sites ON sites.id = keys.site
 ORDER BY sites.id, keys.hash;
DROP TABLE keys;
CREATE INDEX api_keys_site ON api_keys (site);
