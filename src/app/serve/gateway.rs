//! The gateway as a service, and gateway and engine in one process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind};
use tokio::sync::oneshot;

use super::engine::{EngineStart, Opened};
use super::notify::{feed, tell};
use super::orders;
use super::signals::{Signals, listen};
use crate::app::door;
use crate::app::error::AppError;
use crate::domain::{Secret, SystemClock};
use crate::gateway::{Config, Gateway, Hsts, Https, Limits, Pulse};
use crate::system::certificate::{
    CERTIFICATE_FILE, CertificateKeeper, KEY_FILE, OwnFiles, answer_certificate,
};
use crate::system::{KeptFile, answer_handover, is_handover};

/// The folder of certificate and key in the gateway's data folder.
pub(in crate::app) const CERTIFICATE_FOLDER: &str = "tls";
/// So often is looked whether a certificate that was made here ends soon.
const RENEWAL_LOOK: Duration = Duration::from_secs(86_400);

/// What a gateway is started with.
#[derive(Debug)]
pub(in crate::app) struct GatewayStart {
    /// The folder that holds its certificate.
    pub(in crate::app) data: PathBuf,
    /// The engine's socket.
    pub(in crate::app) engine: PathBuf,
    /// Its own socket, on which the engine gives orders and is handed what belongs in a catalog backup.
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
    let keeper = CertificateKeeper::open_or_make(&folder, Arc::<SystemClock>::clone(&clock))?;
    let keeper = Arc::new(keeper);
    let https = Https { address: start.https, tls: keeper.server_config(), hsts: start.hsts };
    let config = Config { http: start.http, https: Some(https), limits: start.limits };
    let gateway = Gateway::bind(config, clock).await?;
    let orders = start.socket.as_deref().map(orders::bind).transpose()?;
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
    let asked = Arc::clone(&keeper);
    let answering = async {
        match orders {
            Some(listener) => orders::accept(listener, move |line| answer(&asked, line)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = gateway.serve(start.engine, stop) => {}
        never = keep_certificate(keeper, &mut reload) => match never {},
        never = answering => match never {},
        never = watch(pulse) => match never {},
    }
    Ok(())
}

/// What the engine asks: orders about the certificate, and the one of a person's own for a catalog backup. One
/// that was made here is made anew elsewhere.
fn answer(keeper: &CertificateKeeper, line: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    if !is_handover(line) {
        return answer_certificate(keeper, line);
    }
    let name = |file: &str| format!("{CERTIFICATE_FOLDER}/{file}");
    let files = keeper.own_files().map(|own| {
        let own = own.into_iter().flat_map(|OwnFiles { certificate, key }| {
            let certificate = Secret::new(certificate);
            [(CERTIFICATE_FILE, certificate), (KEY_FILE, key)]
        });
        own.map(|(file, content)| KeptFile { name: name(file), content }).collect()
    });
    answer_handover(files.map_err(|error| AppError::chain_of(&error)))
}

/// Reads the certificate again at each signal, and makes one of ours anew before it ends.
async fn keep_certificate(
    keeper: Arc<CertificateKeeper>,
    reload: &mut Signal,
) -> std::convert::Infallible {
    let mut look = tokio::time::interval(RENEWAL_LOOK);
    loop {
        let kept = tokio::select! {
            _ = reload.recv() => keeper.reload().map(|()| tracing::info!("the certificate was read again")),
            _ = look.tick() => keeper.renew_if_due(),
        };
        if let Err(error) = kept {
            let why = AppError::chain_of(&error);
            tracing::error!(why, "the certificate in use stays");
        }
    }
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
