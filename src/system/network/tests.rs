//! Settings that lock out are refused, files say what was set, and a trial goes back by itself.
//!
//! networkd is not there in these tests: `true` and `false` stand for one that takes and one that
//! refuses what it is told. The listing is one that networkctl printed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::files::Files;
use super::listing::ports_of;
use super::{FixedAddress, LinkState, NetworkErrorKind, NetworkKeeper, PortSetting, TRIAL_TIME};
use crate::domain::{Clock, VirtualClock};

const LISTING: &[u8] = include_bytes!("fixtures/systemd-252-networkctl-list.json");
const PORT: &str = "enp1s0";

fn fixed(address: &str, gateway: Option<&str>) -> PortSetting {
    let fixed = FixedAddress::of(address).unwrap();
    let gateway = gateway.map(|text| text.parse().unwrap());
    PortSetting { fixed: Some(FixedAddress { gateway, ..fixed }), ..PortSetting::default() }
}

fn with_time_server(name: &str) -> PortSetting {
    PortSetting { time_servers: vec![name.to_owned()], ..PortSetting::default() }
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
    whole.time_servers = vec!["time.example".to_owned(), "192.0.2.3".to_owned()];
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
        with_time_server(""),
        with_time_server("a\n[Match]"),
        with_time_server("two names"),
        with_time_server("-x"),
        PortSetting { name_servers: vec!["0.0.0.0".parse().unwrap()], ..PortSetting::default() },
        PortSetting {
            name_servers: vec!["192.0.2.2".parse().unwrap(); 4],
            ..PortSetting::default()
        },
        PortSetting { time_servers: vec!["a".to_owned(); 5], ..PortSetting::default() },
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
    let before = with_time_server("time.example");
    machine.keeper.keep_at_once(PORT, &before).unwrap();
    machine.keeper.try_out(PORT, &fixed("192.0.2.5/24", None)).unwrap();
    assert!(machine.on_trial().unwrap().contains("Address=192.0.2.5/24"));
    machine.clock.wait(TRIAL_TIME - Duration::from_secs(1));
    machine.keeper.go_back_if_due().unwrap();
    assert!(machine.on_trial().is_some(), "a second too early");
    machine.clock.wait(Duration::from_secs(1));
    machine.keeper.go_back_if_due().unwrap();
    assert_eq!(machine.on_trial(), None);
    assert!(machine.kept().unwrap().contains("NTP=time.example"));
    assert_eq!(machine.keeper.kept(PORT).unwrap(), before);
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
