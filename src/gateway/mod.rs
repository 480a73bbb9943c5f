//! What stands between the network and the engine: TLS, limits, request ids, security headers, the proxy.
//!
//! ```text
//!  browser, scripts ──▶ 8080 http ──┐
//!                   ──▶ 8443 https ─┴▶ limits ─┬▶ /api, /ws ──▶ the engine's Unix socket
//!                                            └▶ everything else: the console, from the binary
//! ```
//!
//! It keeps nothing, so it can be killed at any moment: a job knows nothing of it, and a browser connects
//! again. How TLS is spoken, and with which certificate, is given to it (`system::certificate`). It knows nothing of the API either. Bodies pass in pieces, both ways, with
//! back pressure from one socket to the other; nothing is held whole. While the engine is away the
//! answer is a refusal in the API's shape. Everything is a task of the runtime; nothing blocks.

mod body;
pub mod console;
mod headers;
mod limits;
mod proxy;
mod refusal;
mod server;
mod stall;
#[cfg(test)]
mod tests;

pub use headers::Hsts;
pub use limits::Limits;
pub use server::{Config, Gateway, GatewayError, Https, Pulse};
