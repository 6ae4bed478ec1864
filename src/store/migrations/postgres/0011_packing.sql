-- Comments and verdicts are kept packed (`rows/packed.rs`), which is bytes; what is there already stays as it is, plain JSON. The tables
-- are written anew meanwhile, and nobody else can use them: some seconds for 100,000 comments.
ALTER TABLE comments  ALTER COLUMN comment TYPE bytea USING convert_to(comment, 'UTF8');
ALTER TABLE verdicts  ALTER COLUMN verdict TYPE bytea USING convert_to(verdict, 'UTF8');
ALTER TABLE overruled ALTER COLUMN verdict TYPE bytea USING convert_to(verdict, 'UTF8');
-- Packing them a second time saves nothing.
ALTER TABLE comments  ALTER COLUMN comment SET STORAGE EXTERNAL;
ALTER TABLE verdicts  ALTER COLUMN verdict SET STORAGE EXTERNAL;

-- A program that knows text only cannot read what is kept from here on.
UPDATE meta SET value = 11 WHERE name = 'oldest_schema';
