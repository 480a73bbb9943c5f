//! Mail: one message a notice, over TLS, in plain text.

use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::channel::MailSecurity;
use super::{Notice, NoticeState};

/// Longest time that a step of the exchange with the server may take.
const STEP_TIME: Duration = Duration::from_secs(15);
/// Longest subject: more is cut by the programs that show it.
const SUBJECT_CHARS_MAX: usize = 150;

/// Where a message goes.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    pub(super) server: &'a str,
    pub(super) port: Option<u16>,
    pub(super) security: MailSecurity,
    pub(super) user: Option<&'a str>,
    pub(super) from: &'a str,
    pub(super) to: &'a [String],
    pub(super) ca_pem: Option<&'a str>,
}

/// Refuses addresses that no server would take.
pub(super) fn ensure_addresses(from: &str, to: &[String]) -> Result<(), String> {
    if to.is_empty() {
        return Err("the mail is for nobody: name an address".to_owned());
    }
    std::iter::once(from).chain(to.iter().map(String::as_str)).try_for_each(|address| {
        let parsed: Result<Mailbox, _> = address.parse();
        parsed.map(drop).map_err(|error| format!("\"{address}\" is no mail address: {error}"))
    })
}

/// Sends it once; blocks. An error says why the server has not taken it, without the password.
pub(super) fn send(
    letter: &Letter<'_>,
    notice: &Notice,
    delivery: i64,
    password: &str,
) -> Result<(), String> {
    let message = message(letter, notice, delivery)?;
    let parameters = || {
        let mut parameters = TlsParameters::builder(letter.server.to_owned());
        if let Some(pem) = letter.ca_pem {
            for der in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let der = der.map_err(|error| format!("ca_pem is no PEM: {error}"))?;
                let certificate = Certificate::from_der(der.to_vec());
                let certificate = certificate.map_err(|error| error.to_string())?;
                parameters = parameters.add_root_certificate(certificate);
            }
        }
        parameters.build_rustls().map_err(|error| error.to_string())
    };
    let (tls, port) = match letter.security {
        MailSecurity::Tls => (Tls::Wrapper(parameters()?), 465),
        MailSecurity::Starttls => (Tls::Required(parameters()?), 587),
        MailSecurity::None => (Tls::None, 25),
    };
    let mut transport = SmtpTransport::builder_dangerous(letter.server)
        .port(letter.port.unwrap_or(port))
        .tls(tls)
        .timeout(Some(STEP_TIME));
    if let Some(user) = letter.user {
        transport = transport.credentials(Credentials::new(user.to_owned(), password.to_owned()));
    }
    let sent = transport.build().send(&message);
    sent.map(drop).map_err(|error| {
        let server = letter.server;
        let mut text = format!("mail server {server}: {error}");
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        text
    })
}

fn message(letter: &Letter<'_>, notice: &Notice, delivery: i64) -> Result<Message, String> {
    let parse = |address: &str| -> Result<Mailbox, String> {
        address.parse().map_err(|error| format!("\"{address}\": {error}"))
    };
    let from = parse(letter.from)?;
    // The same in every attempt: a server that took it and broke off shows one message.
    let domain = from.email.domain().to_owned();
    let id = format!("<fossilsafe.{}.{delivery}@{domain}>", notice.at.unix_nanoseconds());
    let mut builder = Message::builder()
        .from(from)
        .subject(subject(notice))
        .message_id(Some(id))
        .header(ContentType::TEXT_PLAIN);
    for address in letter.to {
        builder = builder.to(parse(address)?);
    }
    let mut message = builder.body(text(notice)).map_err(|error| error.to_string())?;
    // No machine answers a machine (RFC 3834).
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    let value = HeaderValue::new(name, "auto-generated".to_owned());
    message.headers_mut().insert_raw(value);
    Ok(message)
}

fn subject(notice: &Notice) -> String {
    let what = match notice.state {
        NoticeState::Ended => "over".to_owned(),
        NoticeState::Test => "test".to_owned(),
        NoticeState::Raised | NoticeState::Happened => notice.severity.to_string(),
    };
    let subject = format!("[FossilSafe {}] {what}: {}", notice.host, notice.sentence);
    let line = subject.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(SUBJECT_CHARS_MAX).collect()
}

fn text(notice: &Notice) -> String {
    let Notice { event, severity, subject, sentence, next_step, at, host, .. } = notice;
    let state = notice.state.as_str();
    format!(
        "{sentence}\n\n{next_step}\n\nEvent: {event} ({state}, {severity})\nAbout: {subject}\n\
         Time: {at}\nAppliance: {host}\n"
    )
}
