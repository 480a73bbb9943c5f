//! `fossilsafe network`: what the ports have, a setting on trial, the machine's name, and the service behind the
//! engine.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::output::{Output, Table};
use super::{Context, service};
use crate::api::types::{
    FixedAddress, HostNameSetting, LinkState, NetworkState, PortSetting, TimeSetting,
};
use crate::app::address::Address;
use crate::app::error::{AppError, Exit};
use crate::app::{logging, serve};
use crate::domain::{Clock, SystemClock};
use crate::system::network::{Keepers, MachineKeeper, NetworkError, NetworkKeeper};

/// Where the service answers the engine.
pub(super) const NETWORK_SOCKET: &str = "/run/fossilsafe-network/network.sock";
const NETWORK: &str = "/api/network";
/// What stands for nothing on the recovery menu, where every question has an answer.
const NONE: &str = "-";
const DHCP: &str = "dhcp";

#[derive(Debug, Subcommand)]
pub(super) enum NetworkCommand {
    /// Show the machine's name and its ports
    Show,
    /// Give a port a setting, which goes back after two minutes unless it is confirmed
    Try(TryArguments),
    /// Keep the setting that is on trial
    Confirm,
    /// Take the setting back that is on trial
    Back,
    /// Give the machine another name, by which it is also found as NAME.local
    Name {
        /// One word of letters, digits and hyphens
        name: String,
    },
    /// On the appliance itself: give a port a setting at once, without a trial
    Keep(KeepArguments),
    /// On the appliance itself: give the machine its name, time zone and time server
    KeepMachine(KeepMachineArguments),
    /// Do what the engine asks for: it may set no port itself
    #[command(hide = true)]
    Serve(ServeArguments),
}

#[derive(Debug, Args)]
pub(super) struct TryArguments {
    /// Name of the port, as `network show` has it
    port: String,
    /// An address that stays, with the length of its prefix, as 192.0.2.5/24; DHCP without it
    #[arg(long, value_name = "ADDRESS/PREFIX")]
    address: Option<String>,
    /// Who passes on what is for other networks
    #[arg(long, requires = "address")]
    gateway: Option<IpAddr>,
    /// A name server; at most three times
    #[arg(long = "name-server", value_name = "ADDRESS")]
    name_servers: Vec<IpAddr>,
}

#[derive(Debug, Args)]
pub(super) struct KeepArguments {
    /// Name of the port
    port: String,
    /// Address with prefix, as 192.0.2.5/24, or dhcp
    address: String,
    /// Gateway, or - for none
    #[arg(default_value = NONE)]
    gateway: String,
    /// Name server, or - for none
    #[arg(default_value = NONE)]
    name_server: String,
}

#[derive(Debug, Args)]
pub(super) struct KeepMachineArguments {
    /// Name of the machine, or - to leave it
    name: String,
    /// Time zone, as Europe/Berlin, or - to leave it
    #[arg(default_value = NONE)]
    time_zone: String,
    /// Time server, or - to leave those that there are
    #[arg(default_value = NONE)]
    time_server: String,
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// The Unix socket on which the engine is answered
    #[arg(long, value_name = "PATH", default_value = NETWORK_SOCKET)]
    socket: PathBuf,
}

/// Whether it is done without an engine.
pub(super) fn is_offline(command: &NetworkCommand) -> bool {
    use NetworkCommand::{Keep, KeepMachine, Serve};
    matches!(command, Keep(_) | KeepMachine(_) | Serve(_))
}

pub(super) fn run_offline(command: &NetworkCommand, output: &Output) -> Result<Exit, AppError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let machine = MachineKeeper::new(Arc::clone(&clock));
    let ports = NetworkKeeper::new(clock);
    match command {
        NetworkCommand::Keep(arguments) => {
            let port = &arguments.port;
            ports.keep_at_once(port, &arguments.setting()?).map_err(refused)?;
            output.line(&format!("{port} has its new setting."))?;
        }
        NetworkCommand::KeepMachine(arguments) => {
            arguments.keep(&machine).map_err(refused)?;
            output.line("The machine has its new settings.")?;
        }
        NetworkCommand::Serve(ServeArguments { socket }) => {
            logging::start("info")?;
            let keepers = Arc::new(Keepers { ports, machine });
            service::runtime()?.block_on(serve::network(keepers, socket))?;
        }
        _ => {}
    }
    Ok(Exit::Done)
}

pub(super) fn run(command: NetworkCommand, context: &Context) -> Result<Exit, AppError> {
    let client = &context.client;
    let part = |name: &str| Address::new(NETWORK).part(name);
    let state: NetworkState = match command {
        NetworkCommand::Try(arguments) => {
            let address = part("ports").part(&arguments.port);
            client.put(address.as_str(), &arguments.setting()?)?
        }
        NetworkCommand::Confirm => client.post_empty(part("confirm").as_str())?,
        NetworkCommand::Back => client.post_empty(part("back").as_str())?,
        NetworkCommand::Name { name: host_name } => {
            client.put(part("host-name").as_str(), &HostNameSetting { host_name })?
        }
        _ => client.get(NETWORK)?,
    };
    show(&state, &context.output)
}

impl TryArguments {
    fn setting(self) -> Result<PortSetting, AppError> {
        let Self { address, gateway, name_servers, .. } = self;
        let fixed = address.map(|text| fixed(&text, gateway)).transpose()?;
        Ok(PortSetting { fixed, name_servers })
    }
}

impl KeepArguments {
    fn setting(&self) -> Result<PortSetting, AppError> {
        let gateway = ip_or_none(&self.gateway)?;
        let fixed = match self.address.as_str() {
            DHCP => None,
            text => Some(fixed(text, gateway)?),
        };
        let name_servers = ip_or_none(&self.name_server)?.into_iter().collect();
        Ok(PortSetting { fixed, name_servers })
    }
}

impl KeepMachineArguments {
    fn keep(&self, machine: &MachineKeeper) -> Result<(), NetworkError> {
        let given = |text: &String| (text != NONE).then(|| text.clone());
        let before = machine.time()?;
        let setting = TimeSetting {
            time_zone: given(&self.time_zone).unwrap_or_else(|| before.time_zone.clone()),
            time_servers: given(&self.time_server)
                .map_or_else(|| before.time_servers.clone(), |server| vec![server]),
        };
        if setting != before {
            machine.set_time(&setting)?;
        }
        match given(&self.name) {
            Some(host_name) => machine.set_host_name(&HostNameSetting { host_name }),
            None => Ok(()),
        }
    }
}

fn fixed(text: &str, gateway: Option<IpAddr>) -> Result<FixedAddress, AppError> {
    let address = FixedAddress::of(text).ok_or_else(|| {
        AppError::Usage(format!("\"{text}\" is no address with a prefix, as 192.0.2.5/24"))
    })?;
    Ok(FixedAddress { gateway, ..address })
}

fn ip_or_none(text: &str) -> Result<Option<IpAddr>, AppError> {
    let wrong = |_| AppError::Usage(format!("\"{text}\" is no address; - stands for none"));
    if text == NONE { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

fn show(state: &NetworkState, output: &Output) -> Result<Exit, AppError> {
    if output.is_json {
        output.json(state)?;
        return Ok(Exit::Done);
    }
    if let Some(instead) = &state.instead {
        output.line(instead)?;
        return Ok(Exit::Done);
    }
    output.line(&format!("This machine is called {}.", state.host_name))?;
    let mut table =
        Table::new(&["PORT", "LINK", "ADDRESSES", "GATEWAY", "NAME SERVERS", "SETTING"]);
    for port in &state.ports {
        let link = match port.link {
            LinkState::Up => "up",
            LinkState::NoCarrier => "no cable",
            LinkState::Off => "off",
        };
        let setting = match &port.setting.fixed {
            Some(fixed) => format!("{}/{}", fixed.address, fixed.prefix_length),
            None => DHCP.to_owned(),
        };
        table.row(vec![
            port.name.clone(),
            link.to_owned(),
            port.addresses.join(" "),
            joined(&port.gateways),
            joined(&port.name_servers),
            setting,
        ]);
    }
    output.table(&table, "This machine has no network port.")?;
    if let Some(trial) = &state.trial {
        let (port, seconds) = (&trial.port, trial.seconds_left);
        output.line(&format!(
            "The setting of {port} is on trial and goes back in {seconds} s: fossilsafe network confirm"
        ))?;
    }
    if let Some(back) = &state.went_back {
        let (port, at) = (&back.port, back.at);
        output.line(&format!("The setting of {port} was not confirmed and went back at {at}."))?;
    }
    Ok(Exit::Done)
}

fn joined(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.join(" ")
}

fn refused(error: NetworkError) -> AppError {
    let next_step = error.next_step().to_owned();
    AppError::Offline { message: AppError::chain_of(&error), next_step }
}
