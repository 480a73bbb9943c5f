//! What `networkctl --json=short list` says of the ports. Seen with systemd 252.

use std::net::IpAddr;

use serde::Deserialize;

use super::state::{LinkState, PortState};

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(rename = "Interfaces")]
    interfaces: Vec<Interface>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Interface {
    name: String,
    #[serde(rename = "Type", default)]
    link_type: String,
    #[serde(default)]
    carrier_state: String,
    hardware_address: Option<Vec<u8>>,
    #[serde(default)]
    addresses: Vec<Address>,
    #[serde(default)]
    routes: Vec<Route>,
    #[serde(rename = "DNS", default)]
    name_servers: Vec<Server>,
    #[serde(rename = "NTP", default)]
    time_servers: Vec<Server>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Address {
    address: Vec<u8>,
    prefix_length: u8,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Route {
    destination_prefix_length: u8,
    gateway: Option<Vec<u8>>,
}

/// A server by its address, or by its name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Server {
    address: Option<Vec<u8>>,
    server: Option<String>,
}

/// The ports, each without the setting that is kept for it.
pub(super) fn ports_of(json: &[u8]) -> Result<Vec<PortState>, serde_json::Error> {
    let listing: Listing = serde_json::from_slice(json)?;
    let ports = listing.interfaces.into_iter().filter(|it| it.link_type == "ether");
    let mut ports: Vec<PortState> = ports.map(Interface::state).collect();
    ports.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(ports)
}

impl Interface {
    fn state(self) -> PortState {
        let link = match self.carrier_state.as_str() {
            "carrier" | "degraded-carrier" | "enslaved" => LinkState::Up,
            "no-carrier" | "dormant" => LinkState::NoCarrier,
            _ => LinkState::Off,
        };
        let hardware = self.hardware_address.map(|bytes| {
            let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            pairs.join(":")
        });
        let with_prefix = |address: &Address| {
            let ip = address_of(&address.address)?;
            Some(format!("{ip}/{}", address.prefix_length))
        };
        let default_routes = self.routes.iter().filter(|it| it.destination_prefix_length == 0);
        let gateways = default_routes.filter_map(|route| address_of(route.gateway.as_ref()?));
        let names = self.name_servers.iter();
        PortState {
            link,
            hardware_address: hardware,
            addresses: self.addresses.iter().filter_map(with_prefix).collect(),
            gateways: gateways.collect(),
            name_servers: names.filter_map(|it| address_of(it.address.as_ref()?)).collect(),
            time_servers: self.time_servers.into_iter().filter_map(Server::text).collect(),
            name: self.name,
            setting: super::PortSetting::default(),
        }
    }
}

impl Server {
    fn text(self) -> Option<String> {
        let address = self.address.as_deref().and_then(address_of);
        self.server.or_else(|| address.map(|address| address.to_string()))
    }
}

/// Four bytes are IPv4, sixteen are IPv6.
pub(super) fn address_of(bytes: impl AsRef<[u8]>) -> Option<IpAddr> {
    let bytes = bytes.as_ref();
    let four = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}
