//! Mounting on the virtual library.
