//! The contract on an embedded SQLite file.
