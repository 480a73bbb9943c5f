//! The services of one boot: what is answered, what is kept apart, and what comes back after it was ended.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::machine::Machine;
use crate::steps::{Failed, Steps, ensure};

/// What a person waits for at a serial console.
const CONSOLE_LIMIT: Duration = Duration::from_secs(60);
/// What takes a drive for longer than the tests take to disturb it, and how it is made.
const LARGE: &str = "/srv/large";
const MAKE_LARGE: &str =
    "mkdir /srv/large && for n in 1 2 3 4; do head -c 40M /dev/urandom >/srv/large/$n; done";
const SMALL: &str = "/usr/lib/udev";
const SHORT_WATCHDOG: &str = "d=/run/systemd/system/fossilsafe-engine.service.d; mkdir -p $d && \
    printf '[Service]\\nWatchdogSec=30s\\n' >$d/test.conf && systemctl daemon-reload";
const ALL_ARE_UP: &str = "test $(systemctl is-active fossilsafe-engine fossilsafe-gateway \
    fossilsafe-sources fossilsafe-update fossilsafe-network fossilsafe-staging | \
    grep -cx active) = 6";
/// What each service has of its own and its share of what several have, in MiB, added up.
const IDLE_MEMORY: &str = "for u in engine gateway sources update network staging; do \
    cat /proc/$(systemctl show --value --property=MainPID fossilsafe-$u)/smaps_rollup; done | \
    awk '/^Pss:/ { s += $2 } END { print int(s / 1024) }'";
/// What they may have; a small machine has a gigabyte for everything.
const IDLE_MEMORY_MAX_MIB: u32 = 120;
const ENGINE: &str = "fossilsafe-engine.service";
const GATEWAY: &str = "fossilsafe-gateway.service";

/// One boot from a flashed disk.
pub(crate) fn run(machine: &mut Machine, bench: &Path) -> Result<(), Failed> {
    let mut steps = Steps::of("image, services");
    steps.step(
        "the image has a signature, and is what was signed",
        crate::signature::check(bench),
    )?;
    steps.step("a flashed disk boots", machine.boot())?;
    let mut browser = Browser::of(machine);
    answers(machine, &mut browser, &mut steps)?;
    is_kept_apart(machine, &mut steps)?;
    sets_its_network(machine, &browser, &mut steps)?;
    sets_its_name_and_time(machine, &browser, &mut steps)?;
    serves_its_certificate(&browser, &mut steps)?;
    goes_to_tape_and_back(machine, &browser, &mut steps)?;
    is_disturbed(machine, &browser, &mut steps)?;
    steps.step("no unit has failed after all that", no_unit_has_failed(machine))
}

fn answers(machine: &mut Machine, browser: &mut Browser, steps: &mut Steps) -> Result<(), Failed> {
    steps.step("the engine is up", machine.until(300, &format!("systemctl is-active {ENGINE}")))?;
    let up = machine.inside("cut -d' ' -f1 /proc/uptime");
    steps.step(&format!("it was {} s after the kernel", up.unwrap_or_default().trim()), Ok(()))?;
    steps
        .step("the gateway is up", machine.until(120, &format!("systemctl is-active {GATEWAY}")))?;
    let health = browser.get("/api/healthz");
    let health = health.and_then(|text| ensure(text.contains("\"status\""), || text));
    steps.step("the API answers from outside", health)?;
    let is_page = |page: Result<String, String>| {
        page.and_then(|page| ensure(page.contains("<div id=\"root\""), || page))
    };
    steps.step("the console's page is there", is_page(browser.get("/")))?;
    steps.step("and over TLS", is_page(Browser::get_securely(machine, "/")))?;
    let refused = browser.get("/api/jobs").err().unwrap_or_default();
    let is_refused = ensure(refused.contains("401"), || refused);
    steps.step("nobody sees jobs without signing in", is_refused)?;
    let code = steps.step("the first-run code is on the serial line", first_run_code(machine))?;
    let jar = machine.folder().join("cookies");
    steps.step("with it the first admin is made", browser.set_up(&code, &jar))
}

/// Waits for the menu: what is typed before it is there is lost.
pub(crate) fn wait_for_menu(machine: &Machine) -> Result<(), String> {
    let is_there = |said: &str| said.contains("What is to be done?").then_some(());
    machine.console()?.wait(0, CONSOLE_LIMIT * 4, is_there)
}

/// Reads the code as a person does: the menu's point for it.
pub(crate) fn first_run_code(machine: &Machine) -> Result<String, String> {
    let console = machine.console()?;
    wait_for_menu(machine)?;
    let mark = console.mark();
    console.send("\n3\n")?;
    console.wait(mark, CONSOLE_LIMIT, |said| {
        said.split_whitespace().find(|word| is_code(word)).map(str::to_owned)
    })
}

fn is_code(word: &str) -> bool {
    let is_group =
        |group: &str| group.len() == 4 && group.bytes().all(|b| b.is_ascii_alphanumeric());
    word.split('-').count() == 3 && word.split('-').all(is_group)
}

pub(crate) fn no_unit_has_failed(machine: &mut Machine) -> Result<(), String> {
    let failed = machine.inside("systemctl --failed --plain --no-legend")?;
    if failed.trim().is_empty() {
        return Ok(());
    }
    let log = machine.inside("journalctl --no-pager -b -n 80 -u 'fossilsafe-*'")?;
    Err(format!("{failed}\n{log}"))
}

/// None of these depends on another: all are looked at.
fn is_kept_apart(machine: &mut Machine, steps: &mut Steps) -> Result<(), Failed> {
    let mut ended = Vec::new();
    for (name, command) in [
        (
            "the boot is confirmed",
            "timeout 200 sh -c 'until systemctl -q is-active fossilsafe-boot-good; do sleep 1; done'",
        ),
        ("its tries are forgotten", "grub-editenv /boot/grub/grubenv list | grep -qx A_TRY=0"),
        (
            "the data partition has grown",
            "test $(df --output=size -B1M /data | tail -n 1) -gt 1200",
        ),
        ("the root is read-only", "! touch /usr/x"),
        (
            "the machine has an id for good",
            "grub-editenv /boot/grub/grubenv list | grep -q machine_id=$(cat /etc/machine-id)",
        ),
        ("it has a host key of its own", "test -s /var/lib/ssh/ssh_host_ed25519_key"),
        (
            "the firewall opens the gateway's ports and no other",
            "nft list set inet fossilsafe open_tcp | grep -q '8080, 8443 }'",
        ),
        (
            "the clock is set from the network, and the name is answered for by mDNS",
            "systemctl is-active systemd-timesyncd && ss -lnu 'sport = 5353' | grep -q :5353",
        ),
        (
            "drives belong to the engine's group",
            "test $(stat -c %G:%a /dev/sg[0-9]* | sort -u) = fossilsafe-tape:660",
        ),
        (
            "the kernel's tape nodes are closed to all",
            "test $(stat -c %a /dev/st[0-9]* /dev/nst[0-9]* | sort -u) = 0",
        ),
    ] {
        ended.push(steps.step(name, machine.inside(command)).map(drop));
    }
    ended.push(steps.step("all six of our services are up", machine.until(300, ALL_ARE_UP)));
    ended.push(needs_little_memory(machine, steps));
    let score = |machine: &mut Machine, unit: &str, most: f64| {
        let said =
            machine.inside(&format!("systemd-analyze security --no-pager {unit} | tail -n 1"))?;
        let found = said.split_whitespace().find_map(|word| word.parse::<f64>().ok());
        ensure(found.is_some_and(|found| found <= most), || said)
    };
    ended.push(steps.step("the gateway's exposure is at most 2.0", score(machine, GATEWAY, 2.0)));
    ended.push(steps.step("the engine's exposure is at most 4.0", score(machine, ENGINE, 4.0)));
    ended.push(steps.step("no unit has failed", no_unit_has_failed(machine)));
    ended.into_iter().collect()
}

/// By a name server, which changes no address: the way in stays open whatever happens.
fn sets_its_network(
    machine: &mut Machine,
    browser: &Browser,
    steps: &mut Steps,
) -> Result<(), Failed> {
    let state = steps.step("the API shows the ports", browser.ask("/api/network"))?;
    // The emulated network offers no gateway: nothing may leave the machine.
    let is_up = |port: &&Value| port["link"] == "up" && port["addresses"][0].is_string();
    let port = state["ports"].as_array().and_then(|ports| ports.iter().find(is_up));
    let port = port.and_then(|port| port["name"].as_str()).ok_or_else(|| state.to_string());
    let port = steps.step("one has an address", port.map(str::to_owned))?;
    let path = format!("/api/network/ports/{port}");
    let setting = json!({ "name_servers": ["192.0.2.3"] });
    let has_it =
        format!("grep -qx DNS=192.0.2.3 /run/systemd/network/30-fossilsafe-{port}.network");
    let tried = browser.put(&path, &setting).and_then(|_| machine.inside(&has_it));
    steps.step("a setting is tried out", tried)?;
    // The port asks for its address anew each time, and until it has it no question comes in.
    let has_address = format!("ip -4 -o address show dev {port} scope global | grep -q inet");
    let back = machine.until(60, &has_address);
    let back = back.and_then(|()| browser.post("/api/network/back", &json!({})));
    let back = back.and_then(|_| machine.inside("! ls /run/systemd/network | grep fossilsafe"));
    steps.step("and taken back", back)?;
    let kept = machine.until(60, &has_address).and_then(|()| browser.put(&path, &setting));
    let kept = kept.and_then(|_| machine.until(60, &has_address));
    let kept = kept.and_then(|()| browser.post("/api/network/confirm", &json!({})));
    let is_kept = format!("grep -qx DNS=192.0.2.3 /data/network/40-{port}.network");
    let kept = kept.and_then(|_| machine.inside(&is_kept));
    steps.step("one that is confirmed is kept on the data partition", kept).map(drop)
}

/// A server of time in the guest itself, on its own address: nothing may leave the machine. It is two to three
/// seconds ahead.
const TIME_SERVER: &str = "setsid perl -MSocket -e ' \
    socket(S, PF_INET, SOCK_DGRAM, 17); bind(S, sockaddr_in(123, INADDR_ANY)) or die; \
    while ($from = recv(S, $asked, 200, 0)) { \
        $now = pack(\"NN\", time + 3 + 2208988800, 0); \
        $head = pack(\"CCcc NN a4\", 0x24, 2, 6, -20, 100, 200, \"test\"); \
        send(S, $head . $now . substr($asked, 40, 8) . $now . $now, 0, $from); \
    }' >/run/time-server.log 2>&1 &";

fn sets_its_name_and_time(
    machine: &mut Machine,
    browser: &Browser,
    steps: &mut Steps,
) -> Result<(), Failed> {
    let named = browser.put("/api/network/host-name", &json!({ "host_name": "tape" }));
    let named = named.and_then(|state| {
        ensure(state["host_name"] == "tape", || state.to_string())?;
        machine.inside("test $(uname -n) = tape && test $(cat /data/network/host-name) = tape")
    });
    steps.step("it is called something else", named)?;
    let answers = "resolvectl query --protocol=mdns tape.local";
    steps.step("and answers to that by mDNS", machine.until(60, answers))?;
    steps.step("a server of time is there", machine.inside(TIME_SERVER))?;
    let own = "ip -4 -o address show scope global | sed -n 's|.* inet \\([0-9.]*\\)/.*|\\1|p'";
    let own = steps.step("on an address of the machine", machine.inside(own))?;
    let setting = json!({ "time_zone": "Asia/Tokyo", "time_servers": [own.trim()] });
    let set = browser.put("/api/system/time", &setting);
    let set = set.and_then(|state| ensure(state["setting"] == setting, || state.to_string()));
    steps.step("time zone and time server are set", set)?;
    let zone = machine.inside("test $(date +%z) = +0900");
    steps.step("its programs have that zone", zone)?;
    let is_set = "test -e /run/systemd/timesync/synchronized";
    let right = machine.until(120, is_set).and_then(|()| {
        let state = browser.ask("/api/system/time")?;
        let clock = &state["clock"];
        let is_right = clock["server"] == own.trim()
            && clock["synchronised_at"].is_string()
            && clock["offset_microseconds"].as_i64().is_some_and(|it| it > 1_000_000);
        ensure(is_right, || format!("{state}"))
    });
    steps.step("the server sets the clock, and it is told how wrong it was", right)?;
    let schedule = json!({ "name": "look", "cron": "0 4 * * *", "task": { "kind": "inventory" } });
    let made = browser.post("/api/schedules", &schedule);
    let made = made.and_then(|it| ensure(it["time_zone"] == "Asia/Tokyo", || it.to_string()));
    steps.step("a schedule that names no zone has it", made)?;
    let document = browser.ask("/api/settings").and_then(|it| {
        let has_all = it["host_name"]["host_name"] == "tape"
            && it["time"] == setting
            && it["ports"].as_array().is_some_and(|ports| !ports.is_empty());
        ensure(has_all, || it.to_string())
    });
    steps.step("the file of settings has name, zone and ports", document)
}

/// Over the gateway's own socket, which the engine alone can open.
fn serves_its_certificate(browser: &Browser, steps: &mut Steps) -> Result<(), Failed> {
    let names = json!({ "names": ["fossilsafe.example", "127.0.0.1"] });
    let made = browser.post("/api/certificate/self-signed", &names);
    let is_served = made.and_then(|state| {
        let names = &state["certificate"]["names"];
        (names[0] == "fossilsafe.example").then_some(()).ok_or_else(|| state.to_string())
    });
    steps.step("a certificate for a given name is made and served", is_served).map(drop)
}

fn needs_little_memory(machine: &mut Machine, steps: &mut Steps) -> Result<(), Failed> {
    let said = machine.inside(IDLE_MEMORY);
    let mib = said.as_deref().ok().and_then(|said| said.trim().parse::<u32>().ok());
    let is_little = mib.is_some_and(|mib| (1..=IDLE_MEMORY_MAX_MIB).contains(&mib));
    let name = format!("they need {} MiB while nothing is to be done", mib.unwrap_or_default());
    steps.step(&name, ensure(is_little, || format!("{said:?}")))
}

fn goes_to_tape_and_back(
    machine: &mut Machine,
    browser: &Browser,
    steps: &mut Steps,
) -> Result<(), Failed> {
    let library = browser.ask("/api/library").and_then(|library| {
        let has_all = library["drives"].as_array().is_some_and(|drives| drives.len() == 2)
            && library["changer"].is_object();
        ensure(has_all, || library.to_string())
    });
    steps.step("two drives and a changer, through the kernel's drivers", library)?;
    // A volume whose job was disturbed has no room for all of it again: a set may take two.
    for barcode in [
        "FSP001L9", "FSP002L9", "FSP003L9", "FSP004L9", "FSP005L9", "FSP006L9", "FSP007L9",
        "FSP008L9",
    ] {
        let path = format!("/api/cartridges/{barcode}/format");
        steps.step(&format!("{barcode} is formatted"), browser.job(&path, &json!({})))?;
    }
    let backup = json!({ "set": "small", "paths": [SMALL] });
    steps.step("a folder goes to tape", browser.job("/api/backups", &backup))?;
    // The unit has to leave it the call, which a test outside of the image cannot say.
    let log = format!("journalctl --quiet --no-pager -b -u {ENGINE}");
    let gives_way = machine.inside(&format!("! {log} | grep 'does not give way'"));
    steps.step("threads that work ahead give way to the others", gives_way)?;
    let restore = browser.ask("/api/runs?set=small&limit=1").and_then(|runs| {
        let selection = json!({ "run": runs["items"][0]["run"] });
        browser.job("/api/restore", &json!({ "selection": selection, "destination": "/srv/back" }))
    });
    steps.step("it is restored", restore)?;
    let same = machine.inside(&format!("diff -r --no-dereference {SMALL} /srv/back{SMALL}"));
    steps.step("what is restored is the same", same).map(drop)
}

/// A backup that is at work with a drive.
fn begin(browser: &Browser, set: &str) -> Result<Value, String> {
    let job = browser.post("/api/backups", &json!({ "set": set, "paths": [LARGE] }))?;
    let path = format!("/api/jobs/{}", job["id"]);
    loop {
        let now = browser.ask(&path)?;
        if now["progress"]["bytes_done"].as_u64().is_some_and(|bytes| bytes > 0) {
            return Ok(now);
        }
        let is_to_come = matches!(now["state"].as_str(), Some("queued" | "running"));
        ensure(is_to_come, || format!("it is over before it could be disturbed: {now}"))?;
    }
}

fn main_pid(machine: &mut Machine, unit: &str) -> Result<String, String> {
    let pid = machine.inside(&format!("systemctl show --value --property=MainPID {unit}"))?;
    Ok(pid.trim().to_owned())
}

fn has_come_back(
    machine: &mut Machine,
    unit: &str,
    before: &str,
    seconds: u32,
) -> Result<(), String> {
    let pid = format!("$(systemctl show --value --property=MainPID {unit})");
    let is_new = format!("test {pid} != {before} && test {pid} != 0 && systemctl is-active {unit}");
    machine.until(seconds, &is_new)
}

fn is_disturbed(machine: &mut Machine, browser: &Browser, steps: &mut Steps) -> Result<(), Failed> {
    steps.step("there is something larger", machine.inside(MAKE_LARGE))?;
    let gateway = steps.step("the gateway has a process", main_pid(machine, GATEWAY))?;
    let engine = steps.step("the engine has one", main_pid(machine, ENGINE))?;
    let job = steps.step("a backup is at work", begin(browser, "one"))?;
    steps.step("the gateway is killed", machine.inside(&format!("kill -9 {gateway}")))?;
    steps.step("it comes back", has_come_back(machine, GATEWAY, &gateway, 60))?;
    let same = main_pid(machine, ENGINE).and_then(|now| ensure(now == engine, || now));
    steps.step("the engine was not touched by that", same)?;
    steps.step("the job comes to its end", browser.completed(&job))?;
    steps.step("it was never begun again", was_begun(browser, &job, |times| times == 1))?;

    let job = steps.step("a second backup is at work", begin(browser, "two"))?;
    steps.step("the engine is killed", machine.inside(&format!("kill -9 {engine}")))?;
    steps.step("it comes back", has_come_back(machine, ENGINE, &engine, 120))?;
    steps.step("the job goes on to its end", browser.completed(&job))?;
    steps.step("it was taken up again", was_begun(browser, &job, |times| times > 1))?;
    let verify = browser.job("/api/verify", &json!({ "scope": { "set": "two" } }));
    steps.step("what it wrote is read back", verify)?;

    // From the engine's next start on; three minutes of waiting would prove nothing more.
    steps.step("a shorter watchdog is set", machine.inside(SHORT_WATCHDOG))?;
    let engine = steps.step("the engine has a process", main_pid(machine, ENGINE))?;
    let job = steps.step("a third backup is at work", begin(browser, "three"))?;
    steps.step("the engine has too little memory", machine.inside(&memory_max("12M")))?;
    let is_ended = format!(
        "test $(systemctl show --value --property=MainPID {ENGINE}) != {engine} && \
         journalctl --quiet --no-pager -b -u {ENGINE} | grep -q oom-kill"
    );
    steps.step("it is ended for that", machine.until(180, &is_ended))?;
    steps.step("there is memory again", machine.inside(&memory_max("infinity")))?;
    steps.step("it comes back", has_come_back(machine, ENGINE, &engine, 180))?;
    steps.step("the job goes on to its end", browser.completed(&job))?;
    steps.step("it was taken up again", was_begun(browser, &job, |times| times > 1))?;

    let engine = steps.step("the engine has a process", main_pid(machine, ENGINE))?;
    let job = steps.step("a fourth backup is at work", begin(browser, "four"))?;
    steps.step("the engine hangs", machine.inside(&format!("kill -STOP {engine}")))?;
    let back = has_come_back(machine, ENGINE, &engine, 240);
    steps.step("the watchdog ends it and it comes back", back)?;
    steps.step("the job goes on to its end", browser.completed(&job))?;
    steps.step("it was taken up again", was_begun(browser, &job, |times| times > 1))
}

fn memory_max(limit: &str) -> String {
    format!("systemctl set-property --runtime {ENGINE} MemoryMax={limit} MemorySwapMax=0")
}

/// Whether a job that has ended was begun so often.
fn was_begun(browser: &Browser, job: &Value, is_right: fn(usize) -> bool) -> Result<(), String> {
    let history = browser.ask(&format!("/api/jobs/{}/history?limit=100", job["id"]))?;
    let events = history["items"].as_array().into_iter().flatten();
    let times = events.filter(|event| event["state"] == "running").count();
    ensure(is_right(times), || history.to_string())
}
