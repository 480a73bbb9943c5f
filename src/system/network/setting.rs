//! What a port is to have, as a person sets it and as systemd-networkd reads it.

use std::fmt::Write as _;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NetworkError;

/// As many as the resolvers of most systems ask.
const NAME_SERVERS_MAX: usize = 3;
/// Longest name of a host in DNS.
const HOST_LENGTH_MAX: usize = 253;

/// What a network port is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortSetting {
    /// An address that stays. Without it the port asks for one by DHCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<FixedAddress>,
    /// Name servers, at most 3; with DHCP besides those that it names.
    #[serde(default)]
    pub name_servers: Vec<IpAddr>,
}

/// An address that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedAddress {
    /// The address.
    pub address: IpAddr,
    /// How many of its bits are the network's.
    pub prefix_length: u8,
    /// Who passes on what is for other networks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
}

impl PortSetting {
    /// Refuses what could only lock somebody out.
    pub(super) fn ensure_sensible(&self) -> Result<(), NetworkError> {
        if let Some(fixed) = &self.fixed {
            fixed.ensure_sensible()?;
        }
        if self.name_servers.len() > NAME_SERVERS_MAX {
            return Err(refused(
                "the name servers",
                &self.name_servers.len(),
                "at most 3 are asked",
            ));
        }
        if let Some(server) = self.name_servers.iter().find(|server| !is_of_a_host(server)) {
            return Err(refused("a name server", server, "no host has this address"));
        }
        Ok(())
    }

    /// The file of systemd-networkd.
    pub(super) fn file(&self, port: &str) -> String {
        let mut text = format!(
            "# Set in the console, by `fossilsafe network` or on the recovery menu.\n\
             [Match]\nName={port}\n\n[Network]\nMulticastDNS=yes\n"
        );
        // A text takes whatever is written to it.
        let mut line = |key: &str, value: &dyn std::fmt::Display| {
            let _ = writeln!(text, "{key}={value}");
        };
        match &self.fixed {
            None => {
                line("DHCP", &"yes");
                line("LinkLocalAddressing", &"yes");
            }
            Some(FixedAddress { address, prefix_length, gateway }) => {
                line("Address", &format!("{address}/{prefix_length}"));
                if let Some(gateway) = gateway {
                    line("Gateway", gateway);
                }
            }
        }
        self.name_servers.iter().for_each(|server| line("DNS", server));
        if self.fixed.is_none() {
            // As in the default: the same address after an update, and its own name.
            text.push_str("\n[DHCPv4]\nClientIdentifier=duid\nUseDomains=yes\nUseHostname=no\n");
        }
        text
    }

    /// What such a file says. Lines that it does not know are another's, and stay out.
    pub(super) fn of_file(text: &str) -> Self {
        let mut setting = Self::default();
        let mut gateway = None;
        for line in text.lines() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim();
            match key.trim() {
                "Address" => setting.fixed = setting.fixed.or_else(|| FixedAddress::of(value)),
                "Gateway" => gateway = gateway.or_else(|| value.parse().ok()),
                "DNS" => setting.name_servers.extend(
                    value.split_whitespace().filter_map(|server| server.parse::<IpAddr>().ok()),
                ),
                _ => {}
            }
        }
        if let Some(fixed) = &mut setting.fixed {
            fixed.gateway = gateway;
        }
        setting
    }
}

impl FixedAddress {
    /// `192.0.2.5/24`.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix_length) = (address.parse().ok()?, prefix.parse().ok()?);
        Some(Self { address, prefix_length, gateway: None })
    }

    fn ensure_sensible(&self) -> Result<(), NetworkError> {
        let Self { address, prefix_length, gateway } = self;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        if !(1..=bits_max).contains(prefix_length) {
            let reason = "it is 1 to 32 for IPv4, 1 to 128 for IPv6";
            return Err(refused("the length of the prefix", prefix_length, reason));
        }
        if !is_of_a_host(address) || self.is_of_the_whole_network() {
            return Err(refused("the address", address, "no host has this address"));
        }
        match gateway {
            Some(gateway) if gateway == address => {
                Err(refused("the gateway", gateway, "it is the address of this machine"))
            }
            Some(gateway) if !self.is_beside(gateway) => {
                let reason = "it is not in the network of the address, so it cannot be reached";
                Err(refused("the gateway", gateway, reason))
            }
            _ => Ok(()),
        }
    }

    /// The first and the last address of an IPv4 network mean all of it.
    fn is_of_the_whole_network(&self) -> bool {
        let IpAddr::V4(address) = self.address else { return false };
        let host = u32::MAX.checked_shr(u32::from(self.prefix_length)).unwrap_or(0);
        let own = u32::from(address) & host;
        // Networks of one or two addresses have no such ones.
        self.prefix_length < 31 && (own == 0 || own == host)
    }

    fn is_beside(&self, other: &IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let host = u32::MAX.checked_shr(u32::from(self.prefix_length)).unwrap_or(0);
                (u32::from(own) ^ u32::from(*other)) & !host == 0
            }
            // A router of IPv6 is most often named by its link's address.
            (IpAddr::V6(_), IpAddr::V6(other)) if other.is_unicast_link_local() => true,
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let host = u128::MAX.checked_shr(u32::from(self.prefix_length)).unwrap_or(0);
                (u128::from(own) ^ u128::from(*other)) & !host == 0
            }
            _ => false,
        }
    }
}

/// Not loopback, not several hosts, not nobody.
fn is_of_a_host(address: &IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !(address.is_unspecified() || address.is_loopback() || address.is_multicast() || is_broadcast)
}

/// An address, or a name as DNS has them; nothing that would be another line of the file.
pub(super) fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && !label.starts_with('-')
            && label.len() <= 63
            && label.bytes().all(is_known)
    };
    let is_name = text.len() <= HOST_LENGTH_MAX && text.split('.').all(is_label);
    text.parse::<IpAddr>().map_or(is_name, |address| is_of_a_host(&address))
}

fn refused(
    field: &'static str,
    given: &impl std::fmt::Display,
    reason: &'static str,
) -> NetworkError {
    NetworkError::Malformed { field, given: given.to_string(), reason }
}
