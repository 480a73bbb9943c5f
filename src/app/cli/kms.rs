//! `fossilsafe kms`: the key server that keeps the data keys of pools that ask for it.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Context;
use super::output::list;
use super::source::password;
use crate::api::types::{KmsProof, KmsRewrapped, KmsState};
use crate::app::error::{AppError, Exit};
use crate::keys::{VaultLogin, VaultSettings, VaultWay};

const KMS: &str = "/api/kms";

const EXAMPLES: &str = "\
The token or secret id is read from standard input, so that no list of processes shows it:
  fossilsafe kms set https://vault.example:8200 --transit-key tapes < token.txt
  fossilsafe kms set https://vault.example:8200 --ca ca.pem --app-role ROLE-ID --kv-folder fossilsafe < secret-id.txt
Then `fossilsafe pool create NAME --encrypt --vault` makes a pool whose keys it keeps.";

#[derive(Debug, Subcommand)]
pub(super) enum KmsCommand {
    /// Show which key server is set, what it keeps, and how long its token lives
    Show,
    /// Set the key server; it must give back what it is given, and every key that is kept outside
    #[command(after_help = EXAMPLES)]
    Set(SetArguments),
    /// Ask it now for every key that it keeps
    Test,
    /// Put the keys under the newest version of its key
    Rewrap,
    /// Take it away; refused while it keeps keys
    Remove,
}

#[derive(Debug, Args)]
pub(super) struct SetArguments {
    /// Where it is: https://HOST:PORT
    address: String,
    /// Sign in with this app role, whose secret id is read; without this with a token
    #[arg(long, value_name = "ROLE-ID")]
    app_role: Option<String>,
    /// Where app roles are mounted
    #[arg(long, value_name = "MOUNT", default_value = "approle", requires = "app_role")]
    app_role_mount: String,
    /// Keep data keys here, encrypted by this key of the server's
    #[arg(
        long,
        value_name = "KEY",
        required_unless_present = "kv_folder",
        conflicts_with = "kv_folder"
    )]
    transit_key: Option<String>,
    /// Keep data keys there, below this name of a key-value store (version 2)
    #[arg(long, value_name = "FOLDER")]
    kv_folder: Option<String>,
    /// Where transit or the store is mounted [default: transit, or secret]
    #[arg(long, value_name = "MOUNT")]
    mount: Option<String>,
    /// The namespace, where the server has such
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// A file with the certificates (PEM) that are believed, and no others
    #[arg(long, value_name = "PEM")]
    ca: Option<PathBuf>,
    /// Keep the token or secret id that the appliance has
    #[arg(long)]
    keep_secret: bool,
}

impl SetArguments {
    fn settings(self) -> Result<VaultSettings, AppError> {
        let ca_pem = self.ca.as_deref().map(|path| {
            let what = || format!("cannot read {}", path.display());
            std::fs::read_to_string(path).map_err(|source| AppError::Io { what: what(), source })
        });
        let login = match self.app_role {
            Some(role_id) => VaultLogin::AppRole { mount: self.app_role_mount, role_id },
            None => VaultLogin::Token,
        };
        let mounted = |usual: &str| self.mount.clone().unwrap_or_else(|| usual.to_owned());
        let way = match (self.transit_key, self.kv_folder) {
            (Some(key), _) => VaultWay::Transit { mount: mounted("transit"), key },
            (None, Some(folder)) => VaultWay::Kv { mount: mounted("secret"), folder },
            (None, None) => {
                return Err(AppError::Usage("name --transit-key or --kv-folder".to_owned()));
            }
        };
        Ok(VaultSettings {
            address: self.address,
            namespace: self.namespace,
            ca_pem: ca_pem.transpose()?,
            login,
            secret: if self.keep_secret { None } else { Some(password()?) },
            way,
        })
    }
}

pub(super) fn run(command: KmsCommand, context: &Context) -> Result<Exit, AppError> {
    match command {
        KmsCommand::Show => show(&context.client.get(KMS)?, context),
        KmsCommand::Set(arguments) => {
            show(&context.client.put(KMS, &arguments.settings()?)?, context)
        }
        KmsCommand::Test => {
            let proof: KmsProof = context.client.post_empty("/api/kms/test")?;
            let opened = proof.opened.len();
            let sentence =
                format!("It gave back what it was given, and opened {opened} data keys.");
            context.output.report(&proof, &sentence)
        }
        KmsCommand::Rewrap => {
            let done: KmsRewrapped = context.client.post_empty("/api/kms/rewrap")?;
            let sentence = format!("{} data keys are under the newest version.", done.keys);
            context.output.report(&done, &sentence)
        }
        KmsCommand::Remove => {
            let () = context.client.delete(KMS)?;
            context.done("No key server is set.")
        }
    }
}

fn show(state: &KmsState, context: &Context) -> Result<Exit, AppError> {
    let Some(shown) = &state.server else {
        let next_step = "No key server is set. Data keys are kept on this machine alone.";
        return context.output.report(state, next_step);
    };
    let settings = &shown.settings;
    let signs_in = match &settings.login {
        VaultLogin::Token => "a token".to_owned(),
        VaultLogin::AppRole { mount, role_id } => format!("the app role {role_id} ({mount})"),
    };
    let way = match &settings.way {
        VaultWay::Transit { mount, key } => {
            format!("here, encrypted by its key {key} (transit at {mount})")
        }
        VaultWay::Kv { mount, folder } => format!("there, in its store {mount}, below {folder}"),
    };
    let mut lines = vec![
        format!("Address      {}", settings.address),
        format!("Signs in by  {signs_in}"),
        format!("Keeps keys   {way}"),
        format!(
            "Keys there   {}",
            if state.keys.is_empty() { "none".to_owned() } else { list(&state.keys) }
        ),
    ];
    if let Some(token) = &state.token {
        let ends = token.ends.map_or_else(|| "never".to_owned(), |ends| ends.to_string());
        let renewed = if token.is_renewable { "is renewed before" } else { "cannot be renewed" };
        lines.push(format!("Token ends   {ends}; it {renewed}"));
        lines.extend(token.warning.iter().map(|warning| format!("             {warning}")));
    }
    context.output.report(state, &lines.join("\n"))
}
