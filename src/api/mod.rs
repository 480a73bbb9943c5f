//! The API: HTTP on a Unix socket, JSON, live events; the only way to the engine from outside.
//!
//! [`routes`] is the whole API as one table. A handler turns a request into one call of the
//! [`Engine`] trait and its answer into a view of [`types`]; it decides nothing. Errors leave in one
//! shape, made in [`error`]. Who may ask what is decided in one place, [`auth`], by the table.
//!
//! # Adding an endpoint
//!
//! 1. Its types in `types/`, and a method of [`Engine`] if no present one answers it.
//! 2. A handler of five to ten lines in the file of its resource.
//! 3. Its line in `routes.rs`, with the role that it needs and the query names that it reads, and what
//!    it is for in `openapi/operations.rs`; then `scripts/gen-api`.
//! 4. A test in `tests.rs` over a real connection, and the command of `app::cli` that uses it.

mod alerts;
mod api_keys;
mod approvals;
mod audit;
mod auth;
mod body;
mod call;
mod caller;
mod cartridge_book;
mod cartridges;
mod catalog;
mod certificate;
mod conditional;
mod diagnostics;
pub mod engine;
mod error;
mod files;
mod jobs;
mod keys;
mod kms;
mod library;
mod live;
mod logs;
#[cfg(test)]
pub(crate) mod memory;
mod metrics;
mod network;
mod openapi;
mod origin;
mod query;
mod rescue;
mod routes;
mod schedules;
mod self_tests;
mod second_factor;
pub mod server;
mod sessions;
mod sets;
mod socket;
mod settings;
mod sources;
mod streaming;
mod system;
mod updates;
mod upload;
#[cfg(test)]
mod tests;
pub mod types;
mod users;
mod websocket;

pub use engine::{Engine, EngineError, EngineErrorKind};
pub use query::encode;
pub use rescue::{Rescue, RescueReason};
pub use server::{Server, Serving};
pub use socket::ServerError;
