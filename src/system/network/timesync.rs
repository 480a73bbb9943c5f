//! What systemd-timesyncd says of itself on the bus, as `busctl --json=short` prints it. Seen with systemd 252.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::listing::address_of;
use super::time::ClockState;

/// Asks for everything at once.
pub(super) const QUESTION: &[&str] = &[
    "--json=short",
    "call",
    "org.freedesktop.timesync1",
    "/org/freedesktop/timesync1",
    "org.freedesktop.DBus.Properties",
    "GetAll",
    "s",
    "org.freedesktop.timesync1.Manager",
];

#[derive(Debug, Deserialize)]
struct Answer {
    data: [Properties; 1],
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    #[serde(rename = "SystemNTPServers")]
    own: Property<Vec<String>>,
    #[serde(rename = "LinkNTPServers")]
    of_network: Property<Vec<String>>,
    #[serde(rename = "FallbackNTPServers")]
    of_image: Property<Vec<String>>,
    server_name: Property<String>,
    /// Family of addresses, then its bytes; none before the first server is found.
    server_address: Property<(i64, Vec<u8>)>,
    #[serde(rename = "NTPMessage")]
    message: Property<Message>,
}

#[derive(Debug, Deserialize)]
struct Property<T> {
    data: T,
}

/// The last answer of a server. Moments in microseconds; all zero before there is one.
#[derive(Debug, Deserialize)]
struct Message(
    /// Leap indicator, version, mode and stratum of the server.
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    /// Its precision, and its delay and dispersion to whom it has the time from.
    IgnoredAny,
    IgnoredAny,
    IgnoredAny,
    /// Who that is.
    IgnoredAny,
    /// Asked, by our clock.
    i64,
    /// Received, by the server's.
    i64,
    /// Answered, by the server's.
    i64,
    /// Come back, by ours.
    i64,
    /// Whether it was too far off to be believed.
    bool,
    /// How many there were.
    u64,
    /// How much they differ.
    IgnoredAny,
);

/// The clock without the moment at which it was set, which is elsewhere.
pub(super) fn clock_of(json: &[u8]) -> Result<ClockState, serde_json::Error> {
    let Answer { data: [found] } = serde_json::from_slice(json)?;
    let mut servers = found.own.data;
    servers.extend(found.of_network.data);
    servers.extend(found.of_image.data);
    Ok(ClockState {
        synchronised_at: None,
        server: server(found.server_name.data, &found.server_address.data.1),
        offset_microseconds: found.message.data.offset(),
        servers,
    })
}

/// By its name, with its address where that says more.
fn server(name: String, address: &[u8]) -> Option<String> {
    let address: Option<IpAddr> = address_of(address);
    match address.map(|address| address.to_string()) {
        _ if name.is_empty() => None,
        Some(address) if address != name => Some(format!("{name} ({address})")),
        _ => Some(name),
    }
}

impl Message {
    /// The mean of what the way there and the way back show (RFC 5905, section 8).
    fn offset(&self) -> Option<i64> {
        let Self(.., asked, received, answered, back, is_ignored, count, _) = self;
        if *count == 0 || *is_ignored {
            return None;
        }
        let there = received.checked_sub(*asked)?;
        Some(there.checked_add(answered.checked_sub(*back)?)? / 2)
    }
}
