//! What DNS lists and services answered. Reads [`Facts`](crate::facts::Facts); off unless the operator turned it on.
