-- Work that one daemon does for all who share the store, and until when it is that daemon's.
CREATE TABLE leases (
    name   text PRIMARY KEY,
    holder text NOT NULL,
    until  bigint NOT NULL -- microseconds since 1970
);
-- The schema that a program must know at least to use this store. A step that only adds leaves it; one that takes something
-- away, or changes what it means, sets it to its own number, or to the step after which no program needed that any more.
INSERT INTO meta (name, value) VALUES ('oldest_schema', 10);
