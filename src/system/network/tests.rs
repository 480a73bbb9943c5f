//! Settings that lock out are refused, files say what was set, a trial goes back by itself; name, zone and time
//! servers are kept where the system reads them.
//!
//! networkd is not there in these tests: `true` and `false` stand for one that takes and one that
//! refuses what it is told. The listings are what networkctl and busctl printed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::files::Files;
use super::listing::ports_of;
use super::machine::Programs;
use super::time::zone_of_link;
use super::timesync::clock_of;
use super::{
    ClockState, FixedAddress, HostNameSetting, Keepers, LinkState, MachineKeeper, NetworkErrorKind,
    NetworkKeeper, PortSetting, TRIAL_TIME, TimeSetting, answer_network,
};
use crate::domain::{Clock, VirtualClock};

const LISTING: &[u8] = include_bytes!("fixtures/systemd-252-networkctl-list.json");
const CLOCK: &[u8] = include_bytes!("fixtures/systemd-252-timesync1-properties.json");
const PORT: &str = "enp1s0";

fn fixed(address: &str, gateway: Option<&str>) -> PortSetting {
    let fixed = FixedAddress::of(address).unwrap();
    let gateway = gateway.map(|text| text.parse().unwrap());
    PortSetting { fixed: Some(FixedAddress { gateway, ..fixed }), ..PortSetting::default() }
}

fn with_name_server(address: &str) -> PortSetting {
    PortSetting { name_servers: vec![address.parse().unwrap()], ..PortSetting::default() }
}

fn time(time_zone: &str, servers: &[&str]) -> TimeSetting {
    let time_servers = servers.iter().map(|server| (*server).to_owned()).collect();
    TimeSetting { time_zone: time_zone.to_owned(), time_servers }
}

fn named(host_name: &str) -> HostNameSetting {
    HostNameSetting { host_name: host_name.to_owned() }
}

/// A machine with one port.
struct Machine {
    folder: TempDir,
    clock: Arc<VirtualClock>,
    keeper: NetworkKeeper,
}

impl Machine {
    /// Whose networkd ends as `networkctl` does.
    fn with(networkctl: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let keeper = keeper(folder.path(), networkctl, Arc::clone(&clock));
        for made in ["kept", &format!("ports/{PORT}"), "ports/lo"] {
            fs::create_dir_all(folder.path().join(made)).unwrap();
        }
        fs::write(folder.path().join(format!("ports/{PORT}/type")), "1\n").unwrap();
        fs::write(folder.path().join("ports/lo/type"), "772\n").unwrap();
        Self { folder, clock, keeper }
    }

    fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join(name)).ok()
    }

    fn on_trial(&self) -> Option<String> {
        self.file(&format!("trial/30-fossilsafe-{PORT}.network"))
    }

    fn kept(&self) -> Option<String> {
        self.file(&format!("kept/40-{PORT}.network"))
    }
}

fn keeper(folder: &Path, networkctl: &str, clock: Arc<VirtualClock>) -> NetworkKeeper {
    let files = Files { kept: folder.join("kept"), trial: folder.join("trial") };
    NetworkKeeper::of(files, folder.join("ports"), networkctl.into(), clock)
}

#[test]
fn a_setting_is_read_back_from_the_file_that_it_makes() {
    let mut whole = fixed("192.0.2.5/24", Some("192.0.2.1"));
    whole.name_servers = vec!["192.0.2.2".parse().unwrap(), "2001:db8::2".parse().unwrap()];
    for setting in [whole, fixed("2001:db8::5/64", Some("fe80::1")), PortSetting::default()] {
        setting.ensure_sensible().unwrap();
        assert_eq!(PortSetting::of_file(&setting.file(PORT)), setting);
    }
}

#[test]
fn the_file_of_a_port_names_that_port_alone() {
    let text = fixed("192.0.2.5/24", Some("192.0.2.1")).file(PORT);
    assert!(text.contains("[Match]\nName=enp1s0\n\n[Network]\n"), "{text}");
    assert!(text.contains("Address=192.0.2.5/24\nGateway=192.0.2.1\n") && !text.contains("DHCP"));
    assert!(PortSetting::default().file(PORT).contains("DHCP=yes\n"));
}

#[test]
fn what_could_only_lock_somebody_out_is_refused() {
    let wrong = [
        fixed("192.0.2.5/0", None),
        fixed("192.0.2.5/33", None),
        fixed("192.0.2.0/24", None),
        fixed("192.0.2.255/24", None),
        fixed("127.0.0.1/8", None),
        fixed("0.0.0.0/8", None),
        fixed("224.0.0.1/4", None),
        fixed("192.0.2.5/24", Some("192.0.3.1")),
        fixed("192.0.2.5/24", Some("192.0.2.5")),
        fixed("192.0.2.5/24", Some("2001:db8::1")),
        fixed("2001:db8::5/64", Some("2001:db8:1::1")),
        fixed("2001:db8::5/129", None),
        with_name_server("0.0.0.0"),
        PortSetting {
            name_servers: vec!["192.0.2.2".parse().unwrap(); 4],
            ..PortSetting::default()
        },
    ];
    for setting in wrong {
        let refused = setting.ensure_sensible().unwrap_err();
        assert_eq!(refused.kind(), NetworkErrorKind::Malformed, "{setting:?}");
    }
    for right in [fixed("192.0.2.0/31", None), fixed("192.0.2.5/32", None)] {
        right.ensure_sensible().unwrap();
    }
}

#[test]
fn the_listing_of_networkctl_gives_ports_with_what_they_have() {
    let ports = ports_of(LISTING).unwrap();
    let names: Vec<_> = ports.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(names, ["eth7", "peer7"], "and not the loopback");
    let port = &ports[0];
    assert_eq!(port.link, LinkState::Up);
    assert_eq!(port.addresses[0], "192.0.2.5/24");
    assert!(port.addresses[1].starts_with("fe80::") && port.addresses[1].ends_with("/64"));
    assert_eq!(port.gateways, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(port.name_servers, ["192.0.2.2".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(port.time_servers, ["192.0.2.3"]);
    let hardware = port.hardware_address.as_ref().unwrap();
    assert_eq!(hardware.split(':').filter(|pair| pair.len() == 2).count(), 6, "{hardware}");
}

#[test]
fn a_listing_that_was_cut_off_is_refused() {
    // Every place would be 6000 parses of what serde_json is tested for.
    for length in (0..LISTING.len()).step_by(97) {
        assert!(ports_of(&LISTING[..length]).is_err(), "{length}");
    }
}

#[test]
fn a_setting_that_nobody_confirms_goes_back_after_its_time() {
    let machine = Machine::with("true");
    let before = with_name_server("192.0.2.2");
    machine.keeper.keep_at_once(PORT, &before).unwrap();
    machine.keeper.try_out(PORT, &fixed("192.0.2.5/24", None)).unwrap();
    assert!(machine.on_trial().unwrap().contains("Address=192.0.2.5/24"));
    machine.clock.wait(TRIAL_TIME - Duration::from_secs(1));
    machine.keeper.go_back_if_due().unwrap();
    assert!(machine.on_trial().is_some(), "a second too early");
    machine.clock.wait(Duration::from_secs(1));
    machine.keeper.go_back_if_due().unwrap();
    assert_eq!(machine.on_trial(), None);
    assert_eq!(PortSetting::of_file(&machine.kept().unwrap()), before);
    assert_eq!(machine.keeper.confirm().unwrap_err().kind(), NetworkErrorKind::NoTrial);
}

#[test]
fn a_setting_that_is_confirmed_is_kept_and_stays() {
    let machine = Machine::with("true");
    machine.keeper.try_out(PORT, &fixed("192.0.2.5/24", None)).unwrap();
    assert_eq!(machine.kept(), None, "nothing is kept before");
    machine.keeper.confirm().unwrap();
    machine.clock.wait(TRIAL_TIME * 2);
    machine.keeper.go_back_if_due().unwrap();
    assert_eq!(machine.on_trial(), None);
    assert!(machine.kept().unwrap().contains("Address=192.0.2.5/24"));
}

#[test]
fn a_person_may_go_back_before_the_time_and_there_is_one_trial_at_a_time() {
    let machine = Machine::with("true");
    assert_eq!(machine.keeper.go_back().unwrap_err().kind(), NetworkErrorKind::NoTrial);
    let setting = fixed("192.0.2.5/24", None);
    machine.keeper.try_out(PORT, &setting).unwrap();
    let second = machine.keeper.try_out(PORT, &setting).unwrap_err();
    assert_eq!(second.kind(), NetworkErrorKind::TrialRunning);
    machine.keeper.go_back().unwrap();
    assert_eq!((machine.on_trial(), machine.kept()), (None, None));
}

#[test]
fn a_service_that_starts_again_ends_what_was_on_trial() {
    let machine = Machine::with("true");
    machine.keeper.try_out(PORT, &fixed("192.0.2.5/24", None)).unwrap();
    let again = keeper(machine.folder.path(), "true", Arc::clone(&machine.clock));
    again.end_old_trials().unwrap();
    assert_eq!(machine.on_trial(), None);
}

#[test]
fn what_networkd_refuses_leaves_nothing_on_trial() {
    let machine = Machine::with("false");
    let refused = machine.keeper.try_out(PORT, &fixed("192.0.2.5/24", None)).unwrap_err();
    assert_eq!(refused.kind(), NetworkErrorKind::Machine);
    assert_eq!(machine.on_trial(), None);
    assert_eq!(machine.keeper.go_back().unwrap_err().kind(), NetworkErrorKind::NoTrial);
}

#[test]
fn only_a_port_for_a_cable_is_set() {
    let machine = Machine::with("true");
    for port in ["", "lo", "eth9", "..", "../ports/enp1s0", "e*", "a-name-that-is-too-long"] {
        let refused = machine.keeper.try_out(port, &PortSetting::default()).unwrap_err();
        assert_eq!(refused.kind(), NetworkErrorKind::PortUnknown, "{port}");
    }
}

/// Its name and time, on a machine whose services end as `systemctl` does.
fn machine_keeper(folder: &TempDir, systemctl: &str) -> MachineKeeper {
    let programs = Programs { systemctl: systemctl.into(), busctl: "false".into() };
    MachineKeeper::of(folder.path().to_owned(), programs, Arc::new(VirtualClock::default()))
}

#[test]
fn a_machine_is_called_by_one_word() {
    let (folder, longest) = (TempDir::new().unwrap(), "a".repeat(63));
    let keeper = machine_keeper(&folder, "true");
    for name in ["", "-a", "a-", "two words", "a.example", "a_b", "123", "LocalHost", "ä", "a\n"] {
        let refused = keeper.set_host_name(&named(name)).unwrap_err();
        assert_eq!(refused.kind(), NetworkErrorKind::Malformed, "{name}");
    }
    assert!(keeper.set_host_name(&named(&format!("{longest}a"))).is_err());
    for name in ["a", "tape-2", "2nd", longest.as_str()] {
        keeper.set_host_name(&named(name)).unwrap();
        let kept = fs::read_to_string(folder.path().join("host-name")).unwrap();
        assert_eq!(kept, format!("{name}\n"));
    }
}

#[test]
fn a_name_that_the_system_refuses_leaves_the_old_one() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("host-name");
    let refusing = machine_keeper(&folder, "false");
    assert_eq!(
        refusing.set_host_name(&named("tape")).unwrap_err().kind(),
        NetworkErrorKind::Machine
    );
    assert!(!path.exists(), "there was none before");
    machine_keeper(&folder, "true").set_host_name(&named("vault")).unwrap();
    refusing.set_host_name(&named("tape")).unwrap_err();
    assert_eq!(fs::read_to_string(path).unwrap(), "vault\n");
}

#[test]
fn zone_and_time_servers_are_read_back_from_where_the_system_reads_them() {
    let folder = TempDir::new().unwrap();
    let keeper = machine_keeper(&folder, "true");
    assert_eq!(keeper.time().unwrap(), time("UTC", &[]));
    for setting in [
        time("Europe/Berlin", &["time.example", "192.0.2.3"]),
        time("America/Argentina/Buenos_Aires", &["2001:db8::3"]),
        time("UTC", &[]),
    ] {
        keeper.set_time(&setting).unwrap();
        assert_eq!(keeper.time().unwrap(), setting);
        let link = fs::read_link(folder.path().join("localtime")).unwrap();
        assert_eq!(link, Path::new("/usr/share/zoneinfo").join(&setting.time_zone));
    }
    assert!(!folder.path().join("time-servers.conf").exists(), "there are none at the end");
}

#[test]
fn a_zone_or_server_that_cannot_be_is_refused_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let keeper = machine_keeper(&folder, "true");
    for wrong in [
        time("Mars", &[]),
        time("", &[]),
        time("../../etc/shadow", &[]),
        time("UTC", &[""]),
        time("UTC", &["a\n[Match]"]),
        time("UTC", &["two names"]),
        time("UTC", &["-x"]),
        time("UTC", &["0.0.0.0"]),
        time("UTC", &["a"; 5]),
    ] {
        let refused = keeper.set_time(&wrong).unwrap_err();
        assert_eq!(refused.kind(), NetworkErrorKind::Malformed, "{wrong:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_zone_is_found_by_way_of_links_and_is_utc_where_they_lead_nowhere() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, at(name)).unwrap();
    assert_eq!(zone_of_link(&at("none")), "UTC");
    // As on the image, where the link of the root leads to that of the data partition.
    link("b", "a");
    link("/usr/share/zoneinfo/Asia/Tokyo", "b");
    assert_eq!(zone_of_link(&at("a")), "Asia/Tokyo");
    // As Debian has it.
    link("../usr/share/zoneinfo/Etc/UTC", "c");
    assert_eq!(zone_of_link(&at("c")), "Etc/UTC");
    link("/usr/share/zoneinfo/Mars", "d");
    link("e", "e");
    assert_eq!((zone_of_link(&at("d")), zone_of_link(&at("e"))), ("UTC".into(), "UTC".into()));
}

#[test]
fn what_the_clock_service_says_gives_server_and_offset() {
    let clock = clock_of(CLOCK).unwrap();
    assert_eq!(clock.server.as_deref(), Some("127.0.0.1"));
    assert_eq!(clock.servers[..2], ["127.0.0.1", "0.debian.pool.ntp.org"]);
    // The server was made to be 12.5 ms ahead.
    let offset = clock.offset_microseconds.unwrap();
    assert!((12_000..14_000).contains(&offset), "{offset}");
    for length in (0..CLOCK.len()).step_by(7) {
        assert!(clock_of(&CLOCK[..length]).is_err(), "{length}");
    }
}

#[test]
fn before_a_server_has_answered_nothing_is_said_of_an_offset() {
    let mut said: serde_json::Value = serde_json::from_slice(CLOCK).unwrap();
    let properties = &mut said["data"][0];
    properties["ServerName"]["data"] = "".into();
    properties["ServerAddress"]["data"] = serde_json::json!([0, []]);
    properties["NTPMessage"]["data"] =
        serde_json::json!([0, 0, 0, 0, 0, 0, 0, [0, 0, 0, 0], 0, 0, 0, 0, false, 0, 0]);
    let clock = clock_of(said.to_string().as_bytes()).unwrap();
    assert_eq!((clock.server, clock.offset_microseconds), (None, None));
}

#[test]
fn orders_on_the_line_are_answered_with_how_it_stands_or_why_not() {
    let machine = Machine::with("true");
    let folder = TempDir::new().unwrap();
    let keepers = Keepers { ports: machine.keeper, machine: machine_keeper(&folder, "true") };
    let answer = |order: &str| {
        let line = answer_network(&keepers, order.as_bytes()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&line).unwrap()
    };
    let set = r#"{"time":{"order":"set","time_zone":"Asia/Tokyo","time_servers":["192.0.2.3"]}}"#;
    assert_eq!(answer(set)["time"]["setting"]["time_zone"], "Asia/Tokyo");
    let asked = answer(r#"{"time":{"order":"state"}}"#);
    assert_eq!(asked["time"]["setting"]["time_servers"][0], "192.0.2.3");
    // busctl is not there: it is not known who sets the clock, and no more than that.
    assert_eq!(asked["time"]["clock"], serde_json::to_value(ClockState::default()).unwrap());
    let refused = answer(r#"{"network":{"order":"name","host_name":"two words"}}"#);
    assert_eq!(refused["problem"]["kind"], "malformed");
    assert!(answer_network(&keepers, b"{\"order\":\"state\"}").is_err());
}
