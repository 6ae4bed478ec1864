-- `verdict` says what stands; these say it without reading the document, and what the checks said before any person.
ALTER TABLE comments ADD COLUMN decision TEXT; -- of `verdict`
ALTER TABLE comments ADD COLUMN judged TEXT; -- what the checks decided
UPDATE comments
   SET decision = verdict ->> 'decision',
       judged = coalesce((SELECT act ->> 'before' FROM acts WHERE acts.comment = comments.row ORDER BY acts.row LIMIT 1),
                         verdict ->> 'decision')
 WHERE verdict IS NOT NULL;

-- What an edited comment read before: the label that a person gave it was about that.
ALTER TABLE acts ADD COLUMN replaced TEXT; -- JSON

-- Idempotency keys that came with an edit; those of first admissions are in `comments`.
CREATE TABLE edit_keys (
    site            INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL,
    comment         INTEGER NOT NULL, -- comments.row
    body_hash       INTEGER NOT NULL, -- xxh3 of the comment as it was sent
    PRIMARY KEY (site, idempotency_key)
) STRICT, WITHOUT ROWID;

-- How many comments of a site and day count for what; added up in the transaction that keeps the comment.
CREATE TABLE statistics (
    site  INTEGER NOT NULL,
    day   INTEGER NOT NULL, -- since 1970-01-01, UTC: the day on which the comment came
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (site, kind, day, name)
) STRICT, WITHOUT ROWID;

INSERT INTO statistics (site, day, kind, name, count)
SELECT site, received_at / 86400000000, 'decision', judged, count(*)
  FROM comments WHERE judged IS NOT NULL GROUP BY 1, 2, 4;
INSERT INTO statistics (site, day, kind, name, count)
SELECT site, received_at / 86400000000, 'mistake', CASE label WHEN 'spam' THEN 'missed_spam' ELSE 'false_positive' END, count(*)
  FROM comments WHERE judged IS NOT NULL AND ((label = 'spam') = (judged = 'approve')) GROUP BY 1, 2, 4;
INSERT INTO statistics (site, day, kind, name, count)
SELECT site, received_at / 86400000000, 'symbol', symbol, count(*)
  FROM (SELECT DISTINCT comments.row, comments.site, comments.received_at, evidence.value ->> 'symbol' AS symbol
          FROM comments, json_each(comments.verdict, '$.evidence') AS evidence
         WHERE judged IS NOT NULL)
 GROUP BY 1, 2, 4;
INSERT INTO statistics (site, day, kind, name, count)
SELECT site, received_at / 86400000000, 'language', language, count(*)
  FROM (SELECT site, received_at,
               CASE WHEN language GLOB '[a-z][a-z]' OR language GLOB '[a-z][a-z][a-z]' THEN language ELSE 'und' END AS language
          FROM (SELECT site, received_at, lower(rtrim(substr(replace(coalesce(comment ->> 'lang', ''), '_', '-') || '-', 1,
                       instr(replace(coalesce(comment ->> 'lang', ''), '_', '-') || '-', '-')), '-')) AS language
                  FROM comments WHERE judged IS NOT NULL))
 GROUP BY 1, 2, 4;
INSERT INTO statistics (site, day, kind, name, count)
SELECT site, received_at / 86400000000, kind, blog, count(*)
  FROM (SELECT site, received_at, judged, label,
               CASE judged WHEN 'approve' THEN 'blog_ham' ELSE 'blog_spam' END AS kind,
               rtrim(lower(substr(blog, CASE instr(blog, '://') WHEN 0 THEN 1 ELSE instr(blog, '://') + 3 END)), '/') AS blog
          FROM (SELECT site, received_at, judged, label, trim(comment ->> '$.extra.blog') AS blog
                  FROM comments WHERE judged IS NOT NULL AND comment ->> '$.extra.blog' <> ''))
 WHERE blog <> '' GROUP BY 1, 2, 3, 4;
INSERT INTO statistics (site, day, kind, name, count)
SELECT site, received_at / 86400000000, kind, blog, count(*)
  FROM (SELECT site, received_at, judged, label,
               CASE label WHEN 'spam' THEN 'blog_missed_spam' ELSE 'blog_false_positive' END AS kind,
               rtrim(lower(substr(blog, CASE instr(blog, '://') WHEN 0 THEN 1 ELSE instr(blog, '://') + 3 END)), '/') AS blog
          FROM (SELECT site, received_at, judged, label, trim(comment ->> '$.extra.blog') AS blog
                  FROM comments WHERE judged IS NOT NULL AND comment ->> '$.extra.blog' <> ''))
 WHERE blog <> '' AND ((label = 'spam') = (judged = 'approve')) GROUP BY 1, 2, 3, 4;
