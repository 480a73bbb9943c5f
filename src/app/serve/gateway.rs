//! The gateway as a service, and gateway and engine in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::SignalKind;
use tokio::sync::oneshot;

use super::engine::{EngineStart, Opened};
use super::notify::{feed, tell};
use super::orders;
use super::signals::{Signals, listen};
use crate::app::door;
use crate::app::error::AppError;
use crate::domain::{Secret, SystemClock};
use crate::gateway::{
    CERTIFICATE_FILE, Certificate, Config, Gateway, Hsts, Https, KEY_FILE, Limits, OwnFiles, Pulse,
};
use crate::system::{KeptFile, answer_handover, is_handover};

/// The folder of certificate and key in the gateway's data folder.
pub(in crate::app) const CERTIFICATE_FOLDER: &str = "tls";

/// What a gateway is started with.
#[derive(Debug)]
pub(in crate::app) struct GatewayStart {
    /// The folder that holds its certificate.
    pub(in crate::app) data: PathBuf,
    /// The engine's socket.
    pub(in crate::app) engine: PathBuf,
    /// Its own socket, on which the engine is handed what belongs in a catalog backup.
    pub(in crate::app) socket: Option<PathBuf>,
    /// Where it listens for HTTP.
    pub(in crate::app) http: SocketAddr,
    /// Where it listens for HTTPS.
    pub(in crate::app) https: SocketAddr,
    /// Whether browsers are told to come back over TLS only.
    pub(in crate::app) hsts: Hsts,
    /// What clients may ask for.
    pub(in crate::app) limits: Limits,
}

/// Where a service answers.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Addresses {
    pub(in crate::app) http: SocketAddr,
    pub(in crate::app) https: Option<SocketAddr>,
}

/// Runs a gateway by itself until SIGTERM or SIGINT; SIGHUP reads the certificate again.
pub(in crate::app) async fn gateway(
    start: GatewayStart,
    on_ready: impl FnOnce(Addresses),
) -> Result<(), AppError> {
    let clock = Arc::new(SystemClock::new());
    let mut signals = Signals::listen()?;
    let mut reload = listen(SignalKind::hangup())?;
    let folder = start.data.join(CERTIFICATE_FOLDER);
    let certificate = Arc::new(Certificate::open_or_make(&folder, &*clock)?);
    let https =
        Https { address: start.https, certificate: Arc::clone(&certificate), hsts: start.hsts };
    let config = Config { http: start.http, https: Some(https), limits: start.limits };
    let gateway = Gateway::bind(config, Arc::<SystemClock>::clone(&clock)).await?;
    let addresses = Addresses { http: gateway.http(), https: gateway.https() };
    tracing::info!(http = %addresses.http, https = ?addresses.https, "ready");
    tell(&[NotifyState::Ready, NotifyState::Status("passing requests on")]);
    on_ready(addresses);
    let pulse = gateway.pulse();
    let stop = async {
        let name = signals.next().await;
        tracing::info!(signal = name, "stopping");
        tell(&[NotifyState::Stopping]);
    };
    let reloading = async {
        loop {
            reload.recv().await;
            match certificate.reload(&*clock) {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => {
                    let why = AppError::chain_of(&error);
                    tracing::error!(why, "the certificate in use stays");
                }
            }
        }
    };
    let listener = start.socket.as_deref().map(orders::bind).transpose()?;
    let handing = Arc::clone(&certificate);
    let answers = async move {
        match listener {
            Some(listener) => orders::accept(listener, move |line| hand_over(&handing, line)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = gateway.serve(start.engine, stop) => {}
        () = reloading => {}
        never = answers => match never {},
        never = watch(pulse) => match never {},
    }
    Ok(())
}

/// A person's own certificate, for a catalog backup. One that was made here is made anew elsewhere.
fn hand_over(certificate: &Certificate, line: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    if !is_handover(line) {
        return Err(serde::de::Error::custom("this is no order"));
    }
    let name = |file: &str| format!("{CERTIFICATE_FOLDER}/{file}");
    let files = certificate.own_files().map(|own| {
        let own = own.into_iter().flat_map(|OwnFiles { certificate, key }| {
            let certificate = Secret::new(certificate);
            [(CERTIFICATE_FILE, certificate), (KEY_FILE, key)]
        });
        own.map(|(file, content)| KeptFile { name: name(file), content }).collect()
    });
    answer_handover(files.map_err(|error| AppError::chain_of(&error)))
}

/// Feeds the watchdog as long as connections are accepted.
async fn watch(pulse: Pulse) -> std::convert::Infallible {
    let seen = std::cell::Cell::new(0);
    feed(|| {
        let beats = pulse.beats();
        let is_alive = seen.replace(beats) != beats;
        std::future::ready(if is_alive {
            Ok("passing requests on".to_owned())
        } else {
            Err("no connection is accepted".to_owned())
        })
    })
    .await
}

/// Runs engine and gateway in this process until SIGTERM or SIGINT. `on_ready` gets the address once
/// requests are answered.
pub(in crate::app) async fn run(
    start: EngineStart,
    on_ready: impl FnOnce(Addresses),
) -> Result<(), AppError> {
    let clock = Arc::new(SystemClock::new());
    let mut signals = Signals::listen()?;
    let listen = start.settings.listen;
    if !listen.ip().is_loopback() {
        return Err(AppError::NotLoopback(listen));
    }
    // The socket has its name from the address, so the address comes first; nobody is answered yet.
    let config = Config { http: listen, https: None, limits: Limits::default() };
    let gateway = Gateway::bind(config, clock).await?;
    let http = gateway.http();
    let socket = door::socket_of(http)?;
    let opened = Opened::open(start, &socket).await?;
    on_ready(Addresses { http, https: None });
    let (stop_gateway, stopping) = oneshot::channel::<()>();
    let serving = tokio::spawn(gateway.serve(socket, async {
        // An error means that whoever would have told is gone.
        let _ = stopping.await;
    }));
    let stop = async {
        let name = signals.next().await;
        tracing::info!(signal = name, "stopping");
        let _ = stop_gateway.send(());
        if let Err(panic) = serving.await {
            tracing::error!(%panic, "the gateway failed while stopping");
        }
    };
    let stopped = opened.serve(stop).await;
    stopped.bring_to_rest(&mut signals).await;
    Ok(())
}
