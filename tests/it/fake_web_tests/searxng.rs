//! How requests go wrong.
