//! All that a store keeps, as rows that any engine gives and takes: for backups, and to move from one engine to another.
//!
//! Owns which tables and columns those are. What can be made anew from them (the full-text index) is left out. Engines
//! have tables of the same names and columns under the same number of schema.

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A part of a transfer, in order: the schema, the rows of each table, the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The number of the schema; a store takes rows of its own schema only.
    Schema(i64),
    Rows(Rows),
    /// Without it a transfer was cut short, and nothing of it is kept.
    End,
}

/// Some rows of one table; the cells of each are those of [`Table::columns`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    pub table: &'static Table,
    pub rows: Vec<Vec<Cell>>,
}

/// A table, and what of it is transferred.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// The first is never NULL.
    pub columns: &'static [&'static str],
    /// By what its rows are put in order.
    pub order: &'static str,
}

impl Table {
    pub fn named(name: &str) -> Option<&'static Table> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// Whether engines keep this column packed (`rows::Packed`). It is transferred as the text that it is, so that a backup can be
    /// read without Hamlet.
    pub fn packs(&self, column: &str) -> bool {
        matches!((self.name, column), ("comments", "comment" | "verdict") | ("overruled", "verdict"))
    }
}

const fn table(name: &'static str, order: &'static str, columns: &'static [&'static str]) -> Table {
    Table { name, columns, order }
}

/// In an order in which no row names one that is still to come.
pub static TABLES: [Table; 23] = [
    table("meta", "name", &["name", "value"]),
    table("secrets", "name", &["name", "value"]),
    table("sites", "id", &["id", "name", "url", "policy", "created_at"]),
    table("api_keys", "id", &["id", "hash", "site", "name", "scopes", "created_at", "expires_at"]),
    table(
        "endpoints",
        "row",
        &["row", "id", "site", "url", "created_at", "disabled", "failing_since", "secrets", "kind", "events"],
    ),
    table("list_entries", "row", &["row", "site", "list", "pattern", "reason", "added_by", "added_at", "expires_at"]),
    table("list_changes", "site", &["site", "generation"]),
    table("models", "id", &["id", "created_at", "card", "promoted_at", "note", "bytes"]),
    table("promotions", "row", &["row", "model", "at", "note", "rolled_back_at"]),
    table(
        "comments",
        "row",
        &[
            "row",
            "id",
            "site",
            "received_at",
            "comment",
            "verdict",
            "external_id",
            "idempotency_key",
            "body_hash",
            "fingerprint",
            "said",
            "label",
            "labelled_at",
            "decision",
            "judged",
            "callback",
        ],
    ),
    table("acts", "row", &["row", "comment", "act", "replaced", "unlearn", "learn"]),
    table("edit_keys", "site, idempotency_key", &["site", "idempotency_key", "comment", "body_hash"]),
    table("messages", "row", &["row", "id", "site", "body", "created_at", "type"]),
    table(
        "jobs",
        "id",
        &[
            "id",
            "kind",
            "state",
            "due_at",
            "attempts",
            "site",
            "comment",
            "message",
            "endpoint",
            "last_status",
            "last_error",
            "finished_at",
        ],
    ),
    table("attempts", "row", &["row", "job", "at", "status", "latency", "error", "answer"]),
    table("statistics", "site, kind, day, name", &["site", "day", "kind", "name", "count"]),
    table("seen", "key", &["key", "at", "value"]),
    table("clusters", "id", &["id", "first_at", "last_at", "size", "signature", "sketch"]),
    table("bands", "band", &["band", "cluster"]),
    table("traces", "comment", &["comment", "site", "at", "cluster", "flags", "checks", "people", "people_at", "keys"]),
    table(
        "arrivals",
        "comment",
        &["comment", "site", "at", "flags", "checks", "people", "people_at", "keys", "waiting"],
    ),
    table(
        "campaigns",
        "cluster, site",
        &["cluster", "site", "size", "first_at", "last_at", "last", "ham", "spam", "decision"],
    ),
    table("overruled", "cluster, comment", &["cluster", "comment", "act", "verdict", "said", "label", "labelled_at"]),
];
