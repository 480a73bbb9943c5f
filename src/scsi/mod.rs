//! SCSI as bytes: command blocks, answers, sense, and the way to a device.
//!
//! This folder knows the standards (SPC, SSC, SMC) and no policy. A command is a function of typed
//! arguments that returns its command block ([`cdb`]); an answer has one parser that returns a public
//! value; sense is kept whole ([`sense`]). What a sense means for a job is decided above.
//!
//! Opcodes stand in [`opcode`] only. Layouts of answers are private to their file.
//!
//! # Adding a command
//!
//! 1. Its opcode into `opcode.rs`, its function into `cdb.rs` or `cdb/`, with a test against literal
//!    bytes.
//! 2. Its answer, if it has one, as a private raw struct with a size assertion and one parser, run on
//!    every truncation of a fixture.
//! 3. Its time limit into `timeouts.rs`.
//! 4. What the virtual library answers, in `vtl`.
//! 5. The verb in `drive` or `changer`, with its contract on error.

pub mod access_order;
pub mod cdb;
pub mod condition;
pub mod density;
pub mod element;
pub mod error;
pub mod inquiry;
pub mod log;
pub mod mam;
pub mod mode;
pub mod opcode;
pub mod position;
pub mod reservation;
pub mod security;
pub mod sense;
pub mod sg;
pub mod status;
pub mod timeouts;
pub mod transport;
pub mod wraps;

pub use error::AnswerError;
pub use sense::{Condition, Sense, SenseKey};
pub use status::Status;
pub use transport::{Cdb, Command, Completion, Data, Transport, TransportError};
