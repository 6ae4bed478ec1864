-- Besides webhooks there are the call-backs of Akismet plugins: one for each address that a site's CMS named.
ALTER TABLE endpoints ADD COLUMN kind TEXT NOT NULL DEFAULT 'webhook' CHECK (kind IN ('webhook', 'callback'));
ALTER TABLE endpoints ADD COLUMN events TEXT; -- JSON, the types it wants; NULL: all
CREATE UNIQUE INDEX endpoints_callback ON endpoints (site, url) WHERE kind = 'callback';
ALTER TABLE comments ADD COLUMN callback INTEGER; -- endpoints.row: whom the CMS wants told of this comment

ALTER TABLE messages ADD COLUMN type TEXT; -- of the event
UPDATE messages SET type = body ->> 'type';

-- Every attempt at a delivery, as it ended.
CREATE TABLE attempts (
    row        INTEGER PRIMARY KEY,
    job        INTEGER NOT NULL, -- jobs.id
    at         INTEGER NOT NULL,
    status     INTEGER, -- HTTP; NULL: no answer
    latency    INTEGER NOT NULL, -- microseconds
    error      TEXT NOT NULL, -- empty: none
    answer     TEXT NOT NULL -- how the answer's body begins
) STRICT;
CREATE INDEX attempts_job ON attempts (job);
CREATE INDEX jobs_of_site ON jobs (site, id) WHERE kind = 'deliver';
-- What may be forgotten after a while.
CREATE INDEX jobs_delivered ON jobs (finished_at) WHERE kind = 'deliver' AND state = 'done';
