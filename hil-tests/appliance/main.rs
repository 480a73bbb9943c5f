//! The real program on the practice library, as its users use it: by its command line, over HTTP, killed
//! at any moment. Nothing is simulated here but the tape library itself, which is part of the product.
//!
//! Each test has an appliance and a folder of its own; they run beside each other.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says where it is"
)]

mod certificates;
mod bad_input;
mod cartridges;
mod catalog_backup;
#[path = "../conformance/mod.rs"]
mod conformance;
mod copies;
mod drives;
mod kills;
mod logs;
mod machine;
mod manifests;
mod object_store;
mod rebuild;
mod recovery;
#[path = "../hil/rig.rs"]
#[expect(dead_code, reason = "the tests on device nodes use all of it")]
mod rig;
mod rigs;
mod round_trip;
mod secrets;
mod self_tests;
mod services;
mod sources;
mod spanning;
mod tree;
mod walkthrough;
mod without_index;
