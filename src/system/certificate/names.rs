//! Names and addresses that a certificate is made for.

use std::collections::BTreeSet;
use std::net::{IpAddr, UdpSocket};

use super::CertificateError;

/// Longest name of a host, and of a part of it, in DNS.
const NAME_LENGTH_MAX: usize = 253;
const LABEL_LENGTH_MAX: usize = 63;
/// As many as some authorities sign in one certificate.
const NAMES_MAX: usize = 50;

/// The host's name first. Only the addresses that lead out of the machine are known without asking the
/// kernel for all, which the service may not; others are names that its certificate does not have.
pub(super) fn own_names() -> Vec<String> {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let host = host.filter(|name| why_no_name(name).is_none());
    let host = host.unwrap_or_else(|| "fossilsafe".to_owned());
    let mut names = vec![format!("{host}.local"), "localhost".to_owned()];
    names.insert(0, host);
    let mut addresses: Vec<IpAddr> =
        vec![[127, 0, 0, 1].into(), std::net::Ipv6Addr::LOCALHOST.into()];
    // Nothing is sent: connecting a datagram socket only chooses the address that it would send from.
    for (from, to) in [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let chosen = UdpSocket::bind(from).and_then(|socket| {
            socket.connect(to)?;
            socket.local_addr()
        });
        addresses.extend(chosen.map(|address| address.ip()));
    }
    addresses.sort_unstable();
    addresses.dedup();
    names.extend(addresses.iter().map(ToString::to_string));
    names
}

/// The names that a person gave, without spaces, doubles and capitals; this machine's own if there are none.
pub(super) fn wanted(given: &[String]) -> Result<Vec<String>, CertificateError> {
    let mut seen = BTreeSet::new();
    let names: Vec<String> = given
        .iter()
        .map(|name| name.trim().to_lowercase())
        .filter(|name| !name.is_empty() && seen.insert(name.clone()))
        .collect();
    for name in &names {
        let reason = match name.parse::<IpAddr>() {
            Ok(_) => None,
            Err(_) => why_no_name(name.strip_prefix("*.").unwrap_or(name)),
        };
        if let Some(reason) = reason {
            return Err(CertificateError::Name { given: name.clone(), reason });
        }
    }
    match names.len() {
        0 => Ok(own_names()),
        1..=NAMES_MAX => Ok(names),
        _ => Err(CertificateError::Name {
            given: names[NAMES_MAX].clone(),
            reason: "a certificate has 50 names at most",
        }),
    }
}

/// Why a text is no name of a host.
fn why_no_name(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > NAME_LENGTH_MAX {
        return Some("a name has 1 to 253 characters");
    }
    for label in name.split('.') {
        if label.is_empty() || label.len() > LABEL_LENGTH_MAX {
            return Some("each part between dots has 1 to 63 characters");
        }
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Some("it has letters, digits, hyphens and dots, and nothing else");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Some("no part begins or ends with a hyphen");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Vec<String>, CertificateError> {
        wanted(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_are_taken_once_and_without_capitals() {
        let taken = of(&[" Tape.example ", "tape.example", "", "2001:db8::5", "*.lab.example"]);
        assert_eq!(taken.unwrap(), ["tape.example", "2001:db8::5", "*.lab.example"]);
        assert!(of(&["", " "]).unwrap().contains(&"localhost".to_owned()));
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        let label = "a".repeat(64);
        let many: Vec<String> = (0..51).map(|number| format!("h{number}.example")).collect();
        for (bad, why) in [
            ("https://tape.example", "letters, digits"),
            ("tape..example", "each part"),
            (label.as_str(), "each part"),
            ("-tape.example", "hyphen"),
            ("*.", "1 to 253"),
        ] {
            let error = of(&[bad]).unwrap_err().to_string();
            assert!(error.contains(bad) && error.contains(why), "{error}");
        }
        assert!(wanted(&many).unwrap_err().to_string().contains("50 names"));
    }
}
