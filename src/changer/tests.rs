//! Changer tests on the virtual library.
