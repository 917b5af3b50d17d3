//! What breaks when something goes.
