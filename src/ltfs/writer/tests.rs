//! Writing on the virtual library.
