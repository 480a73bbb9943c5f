//! Asking the channel and fetching what it names, over HTTP: in pieces, onto the disk, counted and hashed.
//!
//! Redirections are not followed: the address is what the operator said. A bundle that is not the signed
//! one is removed; the bundle's own signature is looked at besides, when it is installed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{HOST, USER_AGENT};
use hyper::{Request, Response};
use sha2::{Digest as _, Sha256};

use super::channel_store::{ChannelSettings, Kept};
use super::updater::Updater;
use super::{InstallationStep, UpdatesError, UpdatesState};
use crate::domain::MIB;
use crate::outgoing::{HttpAddress, connect, root_store};
use crate::system::channel::{self, Channel};
use crate::system::{SystemError, Version};

/// A channel file is some hundred bytes.
const CHANNEL_BYTES_MAX: usize = 64 * 1024;
/// A bundle is some hundred megabytes; more does not fit a slot.
pub const BUNDLE_BYTES_MAX: u64 = 1024 * MIB;
/// What a bundle leaves free on the data partition: the catalog must go on to be written.
const ROOM_BYTES_MIN: u64 = 128 * MIB;
/// For a connection with its answer's head, and again for each piece.
const PIECE_TIME: Duration = Duration::from_secs(60);

impl Updater {
    /// Sets the channel, or takes it away.
    ///
    /// # Errors
    /// Address or key cannot be used, or nothing can be kept.
    pub fn set_channel(
        &self,
        settings: Option<ChannelSettings>,
    ) -> Result<UpdatesState, UpdatesError> {
        let _alone = self.lock()?;
        self.channel.set(settings)?;
        self.state()
    }

    /// Asks the channel what is published. What it answers, or why not, is kept. Blocks.
    ///
    /// # Errors
    /// None is set, it does not answer, or what it says must not be believed.
    pub fn check(&self) -> Result<UpdatesState, UpdatesError> {
        let _alone = self.lock()?;
        self.running()?;
        let mut kept = self.channel.read()?.ok_or(UpdatesError::ChannelNotSet)?;
        let asked = self.ask_channel(&kept);
        kept.checked_at = Some(self.now());
        let ended = match asked {
            Ok((published, seen)) => {
                (kept.published, kept.seen, kept.problem) = (Some(published), seen, None);
                Ok(())
            }
            Err(error) => {
                kept.problem = Some(error.whole());
                Err(error)
            }
        };
        self.channel.write(&kept)?;
        ended?;
        self.state()
    }

    fn ask_channel(&self, kept: &Kept) -> Result<(Channel, channel::Seen), UpdatesError> {
        let settings = &kept.settings;
        let file = blocking(async {
            let response = get(&settings.address()?, settings).await?;
            let limited = http_body_util::Limited::new(response.into_body(), CHANNEL_BYTES_MAX);
            let read = tokio::time::timeout(PIECE_TIME, limited.collect()).await;
            let read = read.map_err(|_| unreachable(settings, &"it does not go on"))?;
            Ok(read.map_err(|error| unreachable(settings, &error))?.to_bytes())
        })?;
        let believed =
            channel::check(&file, &settings.key()?, &settings.name, kept.seen, self.now());
        believed.map_err(UpdatesError::NotBelieved)
    }

    /// Fetches the bundle that was published to `to`, which appears only whole and if it is the signed one.
    pub(super) fn fetch(&self, to: &Path) -> Result<Version, UpdatesError> {
        let kept = self.channel.read()?.ok_or(UpdatesError::NoBundle)?;
        let published = kept.published.ok_or(UpdatesError::NoBundle)?;
        self.progress(|it| {
            it.version = Some(published.version.clone());
            it.step = InstallationStep::Fetching;
        });
        let part = to.with_extension("part");
        self.make_folder()?;
        let fetched = blocking(async {
            let malformed = |why| UpdatesError::ChannelMalformed { field: "bundle's address", why };
            let from = kept.settings.address()?.beside(&published.bundle).map_err(malformed)?;
            self.receive(get(&from, &kept.settings).await?, &kept.settings, &part).await
        });
        let ended = fetched.and_then(|digest| {
            if digest.eq_ignore_ascii_case(&published.sha256) {
                let moved = fs::rename(&part, to);
                return Ok(moved.map_err(|source| SystemError::file("keep", to, source))?);
            }
            Err(UpdatesError::OtherContent)
        });
        if ended.is_err() {
            // It would only take room; why it failed is what counts.
            let _ = fs::remove_file(&part);
        }
        ended.map(|()| published.version)
    }

    /// Writes what comes and says its SHA-256.
    async fn receive(
        &self,
        response: Response<Incoming>,
        settings: &ChannelSettings,
        part: &Path,
    ) -> Result<String, UpdatesError> {
        let mut body = response.into_body();
        let expected_bytes = body.size_hint().exact();
        let failed = |source| UpdatesError::from(SystemError::file("write", part, source));
        let mut file = File::create(part).map_err(failed)?;
        let mut written_bytes = 0_u64;
        let mut digest = Sha256::new();
        loop {
            let frame = tokio::time::timeout(PIECE_TIME, body.frame()).await;
            let frame = frame.map_err(|_| unreachable(settings, &"it does not go on"))?;
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| unreachable(settings, &error))?;
            let Ok(bytes) = frame.into_data() else { continue };
            written_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let more_bytes = expected_bytes.unwrap_or(written_bytes).saturating_sub(written_bytes);
            if written_bytes > BUNDLE_BYTES_MAX || !has_room(part, more_bytes)? {
                return Err(UpdatesError::NoRoom);
            }
            digest.update(&bytes);
            file.write_all(&bytes).map_err(failed)?;
            if let Some(whole) = expected_bytes.filter(|bytes| *bytes > 0) {
                let percent = u8::try_from(written_bytes.saturating_mul(100) / whole);
                self.progress(|it| it.percent = percent.unwrap_or(100).min(100));
            }
        }
        file.sync_all().map_err(failed)?;
        Ok(hex::encode(digest.finalize()))
    }
}

/// Whether the file system of `path` takes so many bytes more and has room for the catalog afterwards.
///
/// # Errors
/// It cannot be asked.
pub fn has_room(path: &Path, more_bytes: u64) -> Result<bool, SystemError> {
    let folder = path.parent().unwrap_or(path);
    let asked = rustix::fs::statvfs(folder);
    let failed = |error: rustix::io::Errno| SystemError::file("look at", folder, error.into());
    let said = asked.map_err(failed)?;
    let free_bytes = said.f_bavail.saturating_mul(said.f_frsize);
    Ok(free_bytes >= more_bytes.saturating_add(ROOM_BYTES_MIN))
}

async fn get(
    address: &HttpAddress,
    settings: &ChannelSettings,
) -> Result<Response<Incoming>, UpdatesError> {
    let asked = tokio::time::timeout(PIECE_TIME, try_get(address, settings)).await;
    let asked = asked.unwrap_or_else(|_| Err("no answer".to_owned()));
    asked.map_err(|why| UpdatesError::Unreachable {
        address: format!("{}{}", address.authority(), address.path()),
        why,
    })
}

async fn try_get(
    address: &HttpAddress,
    settings: &ChannelSettings,
) -> Result<Response<Incoming>, String> {
    let wire = connect(address, root_store(settings.ca_pem.as_deref())?).await?;
    let opened = hyper::client::conn::http1::handshake(wire).await;
    let (mut sender, connection) = opened.map_err(|error| error.to_string())?;
    // Ends with the answer's body.
    tokio::spawn(connection);
    let request = Request::get(address.path())
        .header(HOST, address.authority())
        .header(USER_AGENT, concat!("fossilsafe/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if response.status().is_success() {
        return Ok(response);
    }
    Err(format!("it answered {}", response.status()))
}

fn unreachable(settings: &ChannelSettings, why: &dyn std::fmt::Display) -> UpdatesError {
    UpdatesError::Unreachable { address: settings.address.clone(), why: why.to_string() }
}

/// Runs it to its end on this thread.
fn blocking<T>(work: impl Future<Output = Result<T, UpdatesError>>) -> Result<T, UpdatesError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let failed = |source| SystemError::Program { program: "the network client", source };
    runtime.map_err(failed)?.block_on(work)
}
