//! `fossilsafe source`: shares, folders and buckets of other machines that are backed up, and the service that mounts
//! them.

use std::io::Read as _;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::Context;
use super::output::{Output, Table, or_dash};
use super::service::{SOURCES_SOCKET, runtime};
use crate::api::types::{
    FolderEntry, NfsExport, Page, S3Bucket, SftpFolder, SmbShare, SourceCondition, SourcePlace,
    SourceRequest, SourceState,
};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::app::{logging, serve};
use crate::domain::{Secret, SourceName};

const SOURCES: &str = "/api/sources";
/// Lines of a folder that are shown.
const ENTRIES_MAX: usize = 10_000;

const EXAMPLES: &str = "\
Passwords, and the secret of an access key, are read from standard input, so that no list of processes shows them:
  fossilsafe source add nas --smb //nas.example/photos --user ada < password.txt
  fossilsafe source add home --nfs server.example:/export/home
  fossilsafe source add web --sftp ada@server.example:/srv/www          # shows the server's key: compare it
  fossilsafe source add web --sftp ada@server.example:/srv/www --host-key SHA256:...
  fossilsafe source add films --s3 https://s3.example/films --access-key KEY < secret.txt
  fossilsafe backup /srv/sources/nas --set photos";

#[derive(Debug, Subcommand)]
pub(super) enum SourceCommand {
    /// List network sources and how they stand
    List,
    /// Make or change a network source and mount it
    #[command(after_help = EXAMPLES)]
    Add(AddArguments),
    /// Mount a network source now
    Mount(NameArguments),
    /// Unmount a network source and forget its password
    Remove(NameArguments),
    /// Show what is in a folder of the engine's machine
    Browse(BrowseArguments),
    /// The service that mounts network sources for an engine: needs the right to mount
    Serve(ServeArguments),
}

#[derive(Debug, Args)]
pub(super) struct NameArguments {
    /// Name of the source
    name: SourceName,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("place").args(["smb", "nfs", "sftp", "s3"]).required(true))]
pub(super) struct AddArguments {
    /// Name of the source: it is mounted on /srv/sources/NAME
    name: SourceName,
    /// An SMB share: //HOST/SHARE
    #[arg(long, value_name = "SHARE")]
    smb: Option<String>,
    /// An NFS export: HOST:/PATH
    #[arg(long, value_name = "EXPORT")]
    nfs: Option<String>,
    /// A folder of a machine with SSH: USER@HOST:PATH
    #[arg(long, value_name = "FOLDER")]
    sftp: Option<String>,
    /// A bucket, or a folder in it: https://HOST/BUCKET[/PREFIX]
    #[arg(long, value_name = "ADDRESS")]
    s3: Option<String>,
    /// The TCP port, if it is not the usual one
    #[arg(long, conflicts_with = "s3")]
    port: Option<u16>,
    /// Who signs in on an SMB share; a guest without this
    #[arg(long, requires = "smb")]
    user: Option<String>,
    /// The fingerprint of the SSH server's key, compared with what its owner says: SHA256:...
    #[arg(long, requires = "sftp", value_name = "FINGERPRINT")]
    host_key: Option<String>,
    /// Sign in on the SSH server with a password; without this, by the appliance's own key
    #[arg(long, requires = "sftp")]
    with_password: bool,
    /// The name of the access key of an object store; a public bucket without this
    #[arg(long, requires = "s3", value_name = "KEY")]
    access_key: Option<String>,
    /// The region of the object store
    #[arg(long, requires = "s3")]
    region: Option<String>,
    /// A file with the certificates of an authority of your own that vouches for the object store
    #[arg(long, requires = "s3", value_name = "PEM")]
    ca: Option<PathBuf>,
    /// The domain of that user
    #[arg(long, requires = "user")]
    domain: Option<String>,
    /// Encrypt everything on the wire (SMB)
    #[arg(long, requires = "smb")]
    encrypted: bool,
    /// Let files be restored into it; it is read-only without this
    #[arg(long)]
    writable: bool,
    /// Keep the password that the appliance has
    #[arg(long)]
    keep_password: bool,
}

#[derive(Debug, Args)]
pub(super) struct BrowseArguments {
    /// The folder
    #[arg(default_value = "/srv/sources")]
    path: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Folder of the sources and their passwords
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The Unix socket on which the engine is answered
    #[arg(long, value_name = "PATH", default_value = SOURCES_SOCKET)]
    socket: PathBuf,
    /// What is logged, in the syntax of RUST_LOG
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

pub(super) fn run(command: SourceCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        SourceCommand::List => list(context),
        SourceCommand::Add(arguments) => {
            let address = one(&arguments.name);
            let state: SourceState = context.client.put(address.as_str(), &arguments.request()?)?;
            show(&state, context)
        }
        SourceCommand::Mount(NameArguments { name }) => {
            let address = one(&name).part("mount");
            show(&context.client.post_empty(address.as_str())?, context)
        }
        SourceCommand::Remove(NameArguments { name }) => {
            let () = context.client.delete(one(&name).as_str())?;
            context.done(&format!("{name} is unmounted and forgotten."))
        }
        SourceCommand::Browse(BrowseArguments { path }) => browse(&path, context),
        SourceCommand::Serve(arguments) => serve(&arguments, &context.output),
    }
}

/// Runs the service until a signal.
pub(super) fn serve(arguments: &ServeArguments, output: &Output) -> Result<Exit, AppError> {
    logging::start(&arguments.log)?;
    let socket = &arguments.socket;
    let on_ready = || {
        let _ = if output.is_json {
            output.json(&serde_json::json!({ "socket": socket }))
        } else {
            output.line(&format!("Orders are taken at {}.", socket.display()))
        };
    };
    runtime()?.block_on(serve::sources(&arguments.data, socket, on_ready))?;
    Ok(Exit::Done)
}

impl AddArguments {
    fn request(&self) -> Result<SourceRequest, AppError> {
        let place = match (&self.smb, &self.nfs, &self.sftp, &self.s3) {
            (Some(share), ..) => self.smb_share(share)?,
            (_, Some(export), ..) => self.nfs_export(export)?,
            (_, _, Some(folder), _) => self.sftp_folder(folder)?,
            (.., Some(address)) => self.s3_bucket(address)?,
            (None, None, None, None) => return Err(AppError::Usage("name a place".into())),
        };
        let has_password = self.user.is_some() || self.with_password || self.access_key.is_some();
        let password = if has_password && !self.keep_password { Some(password()?) } else { None };
        Ok(SourceRequest { place, is_writable: self.writable, password })
    }

    fn nfs_export(&self, text: &str) -> Result<SourcePlace, AppError> {
        let wrong = || AppError::Usage(format!("\"{text}\" is not HOST:/PATH"));
        let (host, path) = text.split_once(":/").ok_or_else(wrong)?;
        let export = format!("/{path}");
        Ok(SourcePlace::Nfs(NfsExport { host: host.to_owned(), port: self.port, export }))
    }

    fn sftp_folder(&self, text: &str) -> Result<SourcePlace, AppError> {
        let wrong = || AppError::Usage(format!("\"{text}\" is not USER@HOST:PATH"));
        let (user, rest) = text.split_once('@').ok_or_else(wrong)?;
        let (host, folder) = rest.split_once(':').ok_or_else(wrong)?;
        Ok(SourcePlace::Sftp(SftpFolder {
            host: host.to_owned(),
            port: self.port,
            user: user.to_owned(),
            folder: folder.to_owned(),
            host_key: self.host_key.clone(),
        }))
    }

    fn s3_bucket(&self, text: &str) -> Result<SourcePlace, AppError> {
        let wrong = || AppError::Usage(format!("\"{text}\" is not https://HOST/BUCKET[/PREFIX]"));
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
        let path = path.trim_end_matches('/');
        let (bucket, prefix) = match path.split_once('/') {
            Some((bucket, prefix)) => (bucket, Some(prefix.to_owned())),
            None => (path, None),
        };
        let ca_pem = match &self.ca {
            Some(file) => Some(std::fs::read_to_string(file).map_err(|source| AppError::Io {
                what: format!("cannot read {}", file.display()),
                source,
            })?),
            None => None,
        };
        Ok(SourcePlace::S3(S3Bucket {
            endpoint: format!("{scheme}://{host}"),
            region: self.region.clone(),
            bucket: bucket.to_owned(),
            prefix,
            access_key: self.access_key.clone(),
            ca_pem,
        }))
    }

    fn smb_share(&self, text: &str) -> Result<SourcePlace, AppError> {
        let wrong = || AppError::Usage(format!("\"{text}\" is not //HOST/SHARE"));
        let named = text.strip_prefix("//").and_then(|rest| rest.split_once('/'));
        let (host, share) = named.ok_or_else(wrong)?;
        Ok(SourcePlace::Smb(SmbShare {
            host: host.to_owned(),
            port: self.port,
            share: share.trim_end_matches('/').to_owned(),
            user: self.user.clone(),
            domain: self.domain.clone(),
            is_encrypted: self.encrypted,
        }))
    }
}

/// The first line of standard input.
pub(super) fn password() -> Result<Secret, AppError> {
    let mut text = String::new();
    let what = || "cannot read the password".to_owned();
    let read = std::io::stdin().read_to_string(&mut text);
    read.map_err(|source| AppError::Io { what: what(), source })?;
    Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn one(name: &SourceName) -> Address {
    Address::new(SOURCES).part(name.as_str())
}

fn list(context: &Context) -> Result<Exit, AppError> {
    let sources: Page<SourceState> = context.client.get(SOURCES)?;
    if context.output.is_json {
        context.output.json(&sources)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NAME", "PLACE", "FOLDER", "STATE", "WHY"]);
    for source in sources.items {
        table.row(vec![
            source.name.to_string(),
            source.spec.place.to_string(),
            source.path.display().to_string(),
            condition(&source).to_owned(),
            or_dash(source.reason.as_ref()),
        ]);
    }
    context.output.table(&table, "There are no network sources.")?;
    Ok(Exit::Done)
}

fn condition(source: &SourceState) -> &'static str {
    match (source.condition, source.spec.is_writable) {
        (SourceCondition::Mounted, false) => "mounted, read-only",
        (SourceCondition::Mounted, true) => "mounted",
        (SourceCondition::Away, _) => "away",
    }
}

fn show(source: &SourceState, context: &Context) -> Result<Exit, AppError> {
    let is_there = source.condition == SourceCondition::Mounted;
    if context.output.is_json {
        context.output.json(source)?;
    } else if let Some(reason) = &source.reason {
        context.output.line(&format!("{} is kept, and is away: {reason}.", source.name))?;
        if let [key, ..] = source.shown_host_keys.as_slice() {
            context
                .output
                .line(&format!("Compare {key} there, and add it again with --host-key."))?;
        }
        if let Some(key) = &source.public_key {
            context
                .output
                .line("The appliance signs in by this key (~/.ssh/authorized_keys there):")?;
            context.output.line(key)?;
        }
    } else {
        let (place, folder) = (&source.spec.place, source.path.display());
        context.output.line(&format!("{place} is mounted on {folder}."))?;
    }
    Ok(if is_there { Exit::Done } else { Exit::Failed })
}

fn browse(path: &std::path::Path, context: &Context) -> Result<Exit, AppError> {
    let address = Address::new("/api/folders").query_if("path", Some(&path.display()));
    let entries: Page<FolderEntry> = context.client.list(&address, ENTRIES_MAX)?;
    if context.output.is_json {
        context.output.json(&entries)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["NAME", "BYTES"]);
    for entry in entries.items {
        table.row(vec![entry.name, or_dash(entry.size_bytes.map(|size| size.0).as_ref())]);
    }
    context.output.table(&table, "The folder is empty.")?;
    Ok(Exit::Done)
}
