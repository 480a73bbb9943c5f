//! Drive tests: on scripted answers for what only odd devices do, on the virtual library for the rest.

mod scripted;
