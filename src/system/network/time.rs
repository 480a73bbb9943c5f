//! Time zone, time servers, and whether the clock is right.

use std::fs;
use std::path::Path;

use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NetworkError;
use super::setting::is_host;
use crate::domain::Timestamp;

/// As many as are needed to tell which of them is wrong.
const TIME_SERVERS_MAX: usize = 4;
/// What the zone of a machine is without one.
const UTC: &str = "UTC";
/// Where every system keeps the zones; the rest of the path is the name of one.
const ZONES: &str = "/zoneinfo/";
/// Links that are followed to it: more are a circle.
const LINKS_MAX: usize = 8;

/// Whose hours the machine has, and who sets its clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeSetting {
    /// A name of the IANA list, as Europe/Berlin. Schedules that are made without one get it.
    pub time_zone: String,
    /// Time servers (NTP) by name or address, at most 4, besides those that the network names by DHCP.
    #[serde(default)]
    pub time_servers: Vec<String>,
}

/// How the time of the machine stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimeState {
    /// Whether the appliance sets it. Elsewhere the machine's own tools do.
    pub is_managed_here: bool,
    /// Where it is not set here: what to use instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// What the clock says.
    pub now: Timestamp,
    /// What is kept; where it is not set here, the zone that the machine has.
    pub setting: TimeSetting,
    /// Who sets the clock, and how right it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockState>,
}

/// Who sets the clock, and how right it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockState {
    /// When a time server last set it; absent if none has since the start of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synchronised_at: Option<Timestamp>,
    /// The server that is asked now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// By how much it was wrong when a server last answered, before it was corrected; behind is positive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_microseconds: Option<i64>,
    /// Those that may be asked, in this order: of the setting, of the network, of the image.
    pub servers: Vec<String>,
}

impl TimeSetting {
    /// Refuses a zone that nobody knows, and what is no server.
    pub(super) fn ensure_sensible(&self) -> Result<(), NetworkError> {
        if self.time_zone.parse::<Tz>().is_err() {
            let given = format!("\"{}\"", self.time_zone.escape_debug());
            let reason = "it is not in the IANA list, as Europe/Berlin or UTC";
            return Err(NetworkError::Malformed { field: "the time zone", given, reason });
        }
        let count = self.time_servers.len();
        if count > TIME_SERVERS_MAX {
            let (given, reason) = (count.to_string(), "at most 4 are asked");
            return Err(NetworkError::Malformed { field: "the time servers", given, reason });
        }
        match self.time_servers.iter().find(|server| !is_host(server)) {
            Some(server) => {
                let given = format!("\"{}\"", server.escape_debug());
                let reason = "it is neither an address nor the name of a host";
                Err(NetworkError::Malformed { field: "a time server", given, reason })
            }
            None => Ok(()),
        }
    }
}

impl TimeState {
    /// Where the machine's own tools set the time.
    #[must_use]
    pub fn elsewhere(instead: String, now: Timestamp) -> Self {
        let setting = TimeSetting { time_zone: machine_zone(), time_servers: Vec::new() };
        Self { is_managed_here: false, instead: Some(instead), now, setting, clock: None }
    }
}

/// The time zone of this machine.
#[must_use]
pub fn machine_zone() -> String {
    zone_of_link(Path::new("/etc/localtime"))
}

/// The zone whose file a link leads to, by way of others; UTC if it leads to none, as libc has it.
pub(super) fn zone_of_link(link: &Path) -> String {
    let mut path = link.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
        let text = path.to_string_lossy();
        if let Some((_, name)) = text.rsplit_once(ZONES)
            && name.parse::<Tz>().is_ok()
        {
            return name.to_owned();
        }
    }
    UTC.to_owned()
}
