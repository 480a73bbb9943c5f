//! Connections that this machine makes to others over HTTP and HTTPS: where to, whom to believe, and the
//! connection itself. What is said over it is the caller's: notices of alerts, the channel of updates, questions to an
//! identity provider or a key server.

mod address;
mod connection;
mod question;
mod roots;

pub use address::{HttpAddress, Scheme};
pub use connection::{Wire, connect};
pub use question::{Content, Question};
pub use roots::{only_store, root_store};
