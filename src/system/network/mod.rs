//! Network and time of the appliance: what its ports have and are to have, its name, its time zone, and who sets
//! its clock.
//!
//! systemd does the work; a setting is one of its files. Writing there and telling it takes root, which the
//! engine is not. A service of its own does it, and nothing else:
//!
//! ```text
//!  engine ── a line of JSON on a Unix socket ──▶ fossilsafe network serve (root without capabilities)
//!                                                   │ on trial: /run/systemd/network/30-fossilsafe-PORT.network
//!                                                   │ kept:     /etc/systemd/network/40-PORT.network
//!                                                   ▼
//!                                                networkctl reload, reconfigure PORT
//! ```
//!
//! A wrong address would lock out the person who set it. So a new setting is on trial first: its file is
//! in memory, before the kept one, and is taken away unless somebody confirms in time. A restart of the
//! machine or of the service during the trial goes back too. The recovery menu keeps a setting at once: who
//! stands before the machine is not locked out. Name and time lock nobody out, so they count at once (`machine`).

mod error;
mod files;
mod host_name;
mod keeper;
mod listing;
mod machine;
mod setting;
mod state;
#[cfg(test)]
mod tests;
mod time;
mod timesync;
mod told;
mod wire;

pub use error::{NetworkError, NetworkErrorKind};
pub use host_name::HostNameSetting;
pub use keeper::{NetworkKeeper, TRIAL_TIME};
pub use machine::MachineKeeper;
pub use setting::{FixedAddress, PortSetting};
pub use state::{LinkState, NetworkState, NetworkTrial, PortState, WentBack};
pub use time::{ClockState, TimeSetting, TimeState, machine_zone};
pub use wire::{Keepers, NetworkOrder, TimeOrder, answer_network, ask_network, ask_time};
