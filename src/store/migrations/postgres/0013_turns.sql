-- Sites take turns wherever in the queue their comments stand: each site's oldest are found by one look into this index.
DROP INDEX jobs_to_decide_due;
CREATE INDEX jobs_to_decide_due ON jobs_to_decide (site, due_at, id) WHERE state = 'pending';
