-- Comments by site, newest first; and those that wait for a person.
CREATE INDEX comments_site ON comments (site, received_at);
CREATE INDEX comments_held ON comments (site, received_at) WHERE decision = 'hold';

-- What comments are found by: words as matching compares them, parted by blanks, so that the tokenizer need know nothing.
-- Contentless: the words themselves are not kept, only where they stand. `rowid` is comments.row.
CREATE VIRTUAL TABLE search USING fts5 (
    site, id, text, author, link, symbol,
    content = '', contentless_delete = 1, tokenize = "ascii tokenchars '_'"
);
-- Rows up to this one are in `search`; the others follow in the background, so that nobody waits for it.
INSERT INTO meta (name, value) VALUES ('indexed', 0);
