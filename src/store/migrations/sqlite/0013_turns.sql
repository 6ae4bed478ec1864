-- Sites take turns wherever in the queue their comments stand: each site's oldest are found by one look into this index.
DROP INDEX jobs_to_decide;
CREATE INDEX jobs_to_decide ON jobs (site, due_at) WHERE kind = 'decide' AND state = 'pending';
