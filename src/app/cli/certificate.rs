//! `fossilsafe certificate`: what HTTPS is served with, and how another one comes.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Context;
use super::output::Output;
use crate::api::types::{
    CertificateNames, CertificateOrigin, CertificateState, ReplaceCertificate, SigningRequest,
};
use crate::app::error::{AppError, Exit};
use crate::domain::Secret;

const CERTIFICATE: &str = "/api/certificate";
const SELF_SIGNED: &str = "/api/certificate/self-signed";
const REQUEST: &str = "/api/certificate/request";

#[derive(Debug, Subcommand)]
pub(super) enum CertificateCommand {
    /// Show what is served: names, who signed it, how long it is good, its fingerprint
    Show,
    /// Write the certificates that are served into a file (PEM), for clients to know
    Save(SaveArguments),
    /// Serve another certificate; it is checked first, and open connections stay
    Replace(ReplaceArguments),
    /// Make a certificate that is signed by itself, and serve it
    SelfSigned(NamesArguments),
    /// Make a signing request for an authority and write it into a file; its key stays on the appliance
    Request(RequestArguments),
    /// Give the signing request up, with its key
    Withdraw,
}

#[derive(Debug, Args)]
pub(super) struct SaveArguments {
    /// The file
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ReplaceArguments {
    /// The server's own certificate, then each one that signed the one before (PEM)
    chain: PathBuf,
    /// Its private key (PEM); that of the signing request without it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct NamesArguments {
    /// Names and addresses it is for [default: those of this machine]
    names: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct RequestArguments {
    /// The file for the request
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The organisation, where the authority wants to know it
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
    /// Names and addresses it is for [default: those of this machine]
    names: Vec<String>,
}

pub(super) fn run(command: CertificateCommand, context: &Context) -> Result<Exit, AppError> {
    let Context { client, output } = context;
    let state: CertificateState = match command {
        CertificateCommand::Show => client.get(CERTIFICATE)?,
        CertificateCommand::Save(SaveArguments { to }) => {
            let state: CertificateState = client.get(CERTIFICATE)?;
            if let Some(served) = &state.certificate {
                write(&to, &served.pem)?;
            }
            state
        }
        CertificateCommand::Replace(ReplaceArguments { chain, key }) => {
            let chain_pem = read(&chain)?;
            let key_pem = key.as_deref().map(read).transpose()?.map(Secret::new);
            client.put(CERTIFICATE, &ReplaceCertificate { chain_pem, key_pem })?
        }
        CertificateCommand::SelfSigned(NamesArguments { names }) => {
            client.post(SELF_SIGNED, &CertificateNames { names })?
        }
        CertificateCommand::Request(RequestArguments { to, organization, names }) => {
            let state: CertificateState =
                client.post(REQUEST, &SigningRequest { names, organization })?;
            if let Some(request) = &state.request {
                write(&to, &request.pem)?;
            }
            state
        }
        CertificateCommand::Withdraw => client.delete(REQUEST)?,
    };
    show(&state, output)
}

fn show(state: &CertificateState, output: &Output) -> Result<Exit, AppError> {
    if output.is_json {
        output.json(state)?;
        return Ok(Exit::Done);
    }
    if let Some(instead) = &state.instead {
        output.line(instead)?;
    }
    if let Some(served) = &state.certificate {
        let origin = match served.origin {
            CertificateOrigin::SelfMade => "made here, and made anew before it ends",
            CertificateOrigin::Given => "given by a person",
        };
        for (name, value) in [
            ("Certificate of", &served.subject),
            ("Names", &served.names.join(" ")),
            ("Signed by", &served.issuer),
            ("Good from", &served.valid_from.to_string()),
            ("Good until", &served.valid_until.to_string()),
            ("SHA-256", &served.sha256),
            ("It was", &origin.to_owned()),
        ] {
            output.line(&format!("{name:<15}{value}"))?;
        }
    }
    if let Some(request) = &state.request {
        let names = request.names.join(" ");
        output.line(&format!(
            "A signing request of {} for {names} waits for its certificate: fossilsafe certificate replace CHAIN",
            request.made
        ))?;
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<String, AppError> {
    let what = || format!("cannot read {}", path.display());
    std::fs::read_to_string(path).map_err(|source| AppError::Io { what: what(), source })
}

fn write(path: &Path, text: &str) -> Result<(), AppError> {
    let what = || format!("cannot write {}", path.display());
    std::fs::write(path, text).map_err(|source| AppError::Io { what: what(), source })
}
