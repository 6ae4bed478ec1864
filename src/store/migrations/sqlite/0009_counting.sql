-- Comments are counted behind their admission: until then a trace holds what counting takes. Identities are hashed anew
-- (SipHash), so what was counted under the old names is never asked for again.
DELETE FROM seen;
DELETE FROM bands;
UPDATE traces SET keys = x'';
ALTER TABLE traces ADD COLUMN waiting BLOB; -- the text's signature, whose it is and where; NULL: counted
CREATE INDEX traces_waiting ON traces (comment) WHERE waiting IS NOT NULL;
