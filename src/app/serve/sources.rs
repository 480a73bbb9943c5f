//! The service that mounts network sources: answers the engine, and mounts again what has gone away.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::notify::{feed, tell};
use super::signals::Signals;
use crate::app::error::AppError;
use crate::system::sources::{Keeper, LINE_BYTES_MAX, answer};

/// How long a server that comes back waits to be mounted again.
const RETRY_TIME: Duration = Duration::from_secs(60);
/// Longest time for the line of an order.
const LINE_TIME: Duration = Duration::from_secs(5);
/// The socket is for its owner and for its group, which is the engine's.
const SOCKET_MODE: u32 = 0o660;

/// Runs the service until SIGTERM or SIGINT. Sources stay mounted when it ends.
pub(in crate::app) async fn sources(
    data: &Path,
    socket: &Path,
    on_ready: impl FnOnce(),
) -> Result<(), AppError> {
    let mut signals = Signals::listen()?;
    let keeper = Keeper::open(data).map_err(|error| AppError::Start {
        message: "the network sources cannot be read".to_owned(),
        next_step: error.next_step().to_owned(),
        source: Some(Box::new(error)),
    })?;
    let keeper = Arc::new(keeper);
    let what = || format!("cannot answer at {}", socket.display());
    let listener = bind(socket).map_err(|source| AppError::Io { what: what(), source })?;
    tracing::info!(socket = %socket.display(), "ready");
    tell(&[NotifyState::Ready]);
    on_ready();
    let mounting = Arc::clone(&keeper);
    tokio::select! {
        name = signals.next() => tracing::info!(signal = name, "stopping"),
        never = accept(listener, Arc::clone(&keeper)) => match never {},
        never = keep_mounted(mounting) => match never {},
        never = feed(|| status(Arc::clone(&keeper))) => match never {},
    }
    tell(&[NotifyState::Stopping]);
    Ok(())
}

fn bind(socket: &Path) -> io::Result<UnixListener> {
    // What a killed service left.
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(SOCKET_MODE))?;
    Ok(listener)
}

async fn accept(listener: UnixListener, keeper: Arc<Keeper>) -> std::convert::Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let keeper = Arc::clone(&keeper);
                tokio::spawn(async move {
                    if let Err(error) = one_order(stream, keeper).await {
                        tracing::warn!(%error, "an order was not answered");
                    }
                });
            }
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn one_order(mut stream: UnixStream, keeper: Arc<Keeper>) -> io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(reading.take(LINE_BYTES_MAX));
    tokio::time::timeout(LINE_TIME, reader.read_until(b'\n', &mut line)).await??;
    let answered = tokio::task::spawn_blocking(move || answer(&keeper, &line)).await;
    let bytes = answered.map_err(io::Error::other)??;
    writing.write_all(&bytes).await
}

async fn keep_mounted(keeper: Arc<Keeper>) -> std::convert::Infallible {
    loop {
        let keeper = Arc::clone(&keeper);
        if let Err(error) = tokio::task::spawn_blocking(move || keeper.mount_all()).await {
            tracing::error!(%error, "mounting failed");
        }
        tokio::time::sleep(RETRY_TIME).await;
    }
}

/// Asked of a thread of its own, as orders are.
async fn status(keeper: Arc<Keeper>) -> Result<String, String> {
    let states = tokio::task::spawn_blocking(move || keeper.states()).await;
    let states = states.map_err(|error| error.to_string())?;
    let away = states.iter().filter(|state| state.reason.is_some()).count();
    Ok(format!("{} sources, {away} away", states.len()))
}
