//! The services: engine and gateway, each by itself or both in this process, until a signal.
//!
//! They are stopped in the order that loses nothing: the way in goes first, so nobody starts work that
//! is about to end; then the engine lets its jobs reach a safe point. systemd is told READY only when
//! catalog and devices are open and requests are answered, and STOPPING at once. A second signal ends
//! the process where it stands, which jobs survive by design.

mod engine;
mod gateway;
mod network;
mod notify;
mod orders;
mod rescue;
mod signals;
mod sources;
mod staging;
mod updates;

pub(super) use engine::{EngineStart, IfBroken, engine};
pub(super) use gateway::{Addresses, CERTIFICATE_FOLDER, GatewayStart, gateway, run};
pub(super) use network::network;
pub(super) use signals::Signals;
pub(super) use sources::sources;
pub(super) use staging::staging;
pub(super) use updates::{UpdateStart, updates};
