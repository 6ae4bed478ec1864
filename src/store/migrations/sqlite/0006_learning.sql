-- What each act teaches: the label that no longer holds, and the one that holds from then on. Labels are the truth: the
-- counts of a site are in memory, and these rows, read in order, are all that they are made of.
-- AUTOINCREMENT: who follows them remembers the last row that it read, and a row that came again would not be read.
CREATE TABLE new_acts (
    row      INTEGER PRIMARY KEY AUTOINCREMENT,
    comment  INTEGER NOT NULL, -- comments.row
    act      TEXT NOT NULL, -- JSON
    replaced TEXT, -- JSON: what an edited comment read before
    unlearn  TEXT,
    learn    TEXT
) STRICT;
INSERT INTO new_acts (row, comment, act, replaced, unlearn, learn)
SELECT acts.row, acts.comment, acts.act, acts.replaced,
       CASE WHEN told.label IS NULL OR told.label <> told.before THEN told.before END,
       CASE WHEN told.before IS NOT told.label THEN told.label END
  FROM acts
  LEFT JOIN (SELECT row, act ->> 'label' AS label, lag(act ->> 'label') OVER (PARTITION BY comment ORDER BY row) AS before
               FROM acts
              WHERE act ->> 'label' IS NOT NULL OR act ->> 'edit' IS NOT NULL) AS told ON told.row = acts.row
 ORDER BY acts.row;
DROP TABLE acts;
ALTER TABLE new_acts RENAME TO acts;
CREATE INDEX acts_comment ON acts (comment);
CREATE INDEX acts_that_teach ON acts (row) WHERE unlearn IS NOT NULL OR learn IS NOT NULL;
