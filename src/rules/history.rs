//! What was seen before: of the author, of the text, of where its links lead. Reads [`Facts`](crate::facts::Facts).
