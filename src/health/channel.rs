//! Channels: where notices go, which of them, and the secret that goes with it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Health, HealthError, Kind, Notice};
use crate::catalog::alerts::{AlertSeverity, ChannelRecord, NewChannel};
use crate::domain::{Secret, Timestamp};
use crate::outgoing::{HttpAddress, root_store};

/// Longest name of a channel.
const NAME_CHARS_MAX: usize = 64;
/// Shortest secret that webhooks are signed with: 128 bits, written as people write them.
const SIGNING_SECRET_CHARS_MIN: usize = 16;

/// A channel as it is kept, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Where it leads and what goes there.
    pub spec: ChannelSpec,
    /// True if there is a secret.
    pub has_secret: bool,
    /// Whether anything is sent.
    pub is_enabled: bool,
    /// When it was set.
    pub changed: Timestamp,
}

/// Where a channel leads and what goes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelSpec {
    /// Where it leads.
    pub target: Target,
    /// Only what is at least so urgent: `info`, `warning` or `critical`.
    #[serde(default = "least")]
    #[schemars(with = "String")]
    pub severity_min: AlertSeverity,
    /// Only these kinds of events; all if none is named.
    #[serde(default)]
    pub events: BTreeSet<String>,
}

fn least() -> AlertSeverity {
    AlertSeverity::Warning
}

/// Where a channel leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// A program that takes a POST.
    Webhook {
        /// `https://` or `http://`.
        url: String,
        /// Certificates (PEM) that are trusted besides the public ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_pem: Option<String>,
    },
    /// A mail server.
    Mail {
        /// Its name.
        server: String,
        /// Its port; 465 with `tls`, 587 with `starttls`, 25 with `none`, if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// How the connection is protected.
        security: MailSecurity,
        /// Who signs in; needs the channel's secret as password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// From whom.
        from: String,
        /// To whom.
        to: Vec<String>,
        /// Certificates (PEM) that are trusted besides the public ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_pem: Option<String>,
    },
    /// A manager that takes SNMP v2c traps. The channel's secret is the community.
    Snmp {
        /// Its name or address.
        server: String,
        /// Its port; 162 if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
    },
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS after STARTTLS, or nothing is sent.
    Starttls,
    /// None. No password is sent over it.
    None,
}

impl ChannelSpec {
    /// True if that notice goes there. A test goes where it is sent.
    #[must_use]
    pub fn wants(&self, notice: &Notice) -> bool {
        notice.severity >= self.severity_min
            && (self.events.is_empty() || self.events.contains(&notice.event))
    }

    /// Refuses what could never deliver anything.
    fn ensure_usable(&self, secret: Secretness) -> Result<(), String> {
        if let Some(word) = self.events.iter().find(|word| Kind::from_word(word).is_none()) {
            return Err(format!("there is no event \"{word}\""));
        }
        match &self.target {
            Target::Webhook { url, ca_pem } => {
                HttpAddress::parse(url)?;
                root_store(ca_pem.as_deref())?;
                match secret {
                    Secretness::None => {
                        Err("a webhook needs a secret to be signed with".to_owned())
                    }
                    Secretness::Of(chars) if chars < SIGNING_SECRET_CHARS_MIN => Err(format!(
                        "the secret has {chars} characters: at least {SIGNING_SECRET_CHARS_MIN}"
                    )),
                    Secretness::Kept | Secretness::Of(_) => Ok(()),
                }
            }
            Target::Mail { server, security, user, from, to, ca_pem, .. } => {
                root_store(ca_pem.as_deref())?;
                super::mail::ensure_addresses(from, to)?;
                if server.is_empty() {
                    return Err("the mail server has no name".to_owned());
                }
                match (user, secret, security) {
                    (Some(_), Secretness::None, _) => Err("a user needs a password".to_owned()),
                    (Some(_), _, MailSecurity::None) => {
                        Err("a password is not sent without TLS: take `starttls` or `tls`"
                            .to_owned())
                    }
                    _ => Ok(()),
                }
            }
            Target::Snmp { server, .. } => match secret {
                _ if server.is_empty() => Err("the receiver of traps has no name".to_owned()),
                Secretness::None => Err("traps need a community as their secret".to_owned()),
                _ => Ok(()),
            },
        }
    }
}

/// Whether there is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secretness {
    None,
    /// One that was set before.
    Kept,
    /// A new one of so many characters.
    Of(usize),
}

impl Health {
    /// Every channel, by name.
    ///
    /// # Errors
    /// The file cannot be read, or another release wrote it.
    pub fn channels(&self) -> Result<Vec<Channel>, HealthError> {
        self.store.channels()?.into_iter().map(channel_of).collect()
    }

    /// One channel.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn channel(&self, name: &str) -> Result<Channel, HealthError> {
        channel_of(self.store.channel(name)?)
    }

    /// Makes a channel or changes the one of that name; without a secret, it keeps the one that it has,
    /// unless it leads elsewhere now: a secret does not follow to a place that it was not given for.
    ///
    /// # Errors
    /// It could never deliver anything, or the file cannot be written.
    pub fn put_channel(
        &self,
        name: &str,
        spec: &ChannelSpec,
        secret: Option<&Secret>,
        is_enabled: bool,
    ) -> Result<Channel, HealthError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(is_name) {
            let why =
                "the name of a channel has 1 to 64 letters, digits, dots, dashes and underscores";
            return Err(HealthError::Channel(why.to_owned()));
        }
        let known = self.store.channels()?.into_iter().find(|record| record.name == name);
        let known = known.map(channel_of).transpose()?;
        let secretness = match (secret, &known) {
            (Some(secret), _) => Secretness::Of(secret.reveal().chars().count()),
            (None, Some(known)) if known.has_secret => {
                if !leads_to_same(&known.spec.target, &spec.target) {
                    let why = "the channel leads elsewhere now: give its secret again";
                    return Err(HealthError::Channel(why.to_owned()));
                }
                Secretness::Kept
            }
            (None, _) => Secretness::None,
        };
        spec.ensure_usable(secretness).map_err(HealthError::Channel)?;
        let text = serde_json::to_string(spec).map_err(|error| HealthError::Spec {
            name: name.to_owned(),
            detail: error.to_string(),
        })?;
        let sealed = match secret {
            Some(secret) => {
                let sealed = self.ring.seal_text(secret.reveal());
                Some(sealed.ok_or_else(|| HealthError::Secret(name.to_owned()))?)
            }
            None => None,
        };
        let new = NewChannel { name, spec: &text, secret: sealed.as_deref(), is_enabled };
        let kept = self.store.put_channel(&new, self.clock.now())?;
        self.outbox.wake();
        channel_of(kept)
    }

    /// Takes a channel away, with what was to be sent there.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_channel(&self, name: &str) -> Result<(), HealthError> {
        Ok(self.store.remove_channel(name)?)
    }

    /// A channel's secret, for sending.
    pub(super) fn secret_of(
        &self,
        record: &ChannelRecord,
    ) -> Result<Zeroizing<String>, HealthError> {
        let Some(sealed) = &record.secret else { return Ok(Zeroizing::default()) };
        let opened = self.ring.open_text(sealed);
        opened.ok_or_else(|| HealthError::Secret(record.name.clone()))
    }
}

/// True if what is sent to both ends up with the same receiver.
fn leads_to_same(a: &Target, b: &Target) -> bool {
    match (a, b) {
        (Target::Webhook { url: a, ca_pem: ca_a }, Target::Webhook { url: b, ca_pem: ca_b }) => {
            a == b && ca_a == ca_b
        }
        (
            Target::Mail { server: a, port: pa, security: sa, user: ua, ca_pem: ca, .. },
            Target::Mail { server: b, port: pb, security: sb, user: ub, ca_pem: cb, .. },
        ) => (a, pa, sa, ua, ca) == (b, pb, sb, ub, cb),
        (Target::Snmp { server: a, port: pa }, Target::Snmp { server: b, port: pb }) => {
            (a, pa) == (b, pb)
        }
        _ => false,
    }
}

pub(super) fn channel_of(record: ChannelRecord) -> Result<Channel, HealthError> {
    let spec = serde_json::from_str(&record.spec).map_err(|error| HealthError::Spec {
        name: record.name.clone(),
        detail: error.to_string(),
    })?;
    Ok(Channel {
        id: record.id,
        has_secret: record.secret.is_some(),
        name: record.name,
        spec,
        is_enabled: record.is_enabled,
        changed: record.changed,
    })
}
