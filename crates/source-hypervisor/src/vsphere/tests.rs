//! Against a platform of a few lines on loopback, with the answers nobody hopes for.
