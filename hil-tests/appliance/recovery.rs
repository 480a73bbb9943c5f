//! `fossilsafe console` on a terminal of 80 by 24, as somebody before a rack has it: the whole menu is on the
//! screen at once, nothing is wrapped, and what is typed wrongly does nothing.
//!
//! The terminal is tmux's: it shows what a person would see, and not what was written.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::machine::{Machine, Rights};

/// What a terminal of a rack has.
const COLUMNS: usize = 80;
const LINES: usize = 24;
/// How long a point of the menu may take on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// The console on a terminal of its own.
struct Terminal {
    /// tmux's socket: no other session of this machine is touched.
    socket: String,
}

impl Terminal {
    fn start(machine: &Machine) -> Self {
        let socket = machine.folder().join("tmux").display().to_string();
        let terminal = Self { socket };
        let (columns, lines) = (COLUMNS.to_string(), LINES.to_string());
        let mut command = terminal.tmux();
        // Without the settings of whoever runs the tests.
        command.args(["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &lines]);
        command.args([env!("CARGO_BIN_EXE_fossilsafe"), "console"]);
        command.env("FOSSILSAFE_ENGINE", machine.url()).env("TERM", "linux");
        command.env("XDG_RUNTIME_DIR", machine.folder());
        assert!(command.status().unwrap().success(), "tmux does not start");
        terminal
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-S", &self.socket]);
        command
    }

    fn type_line(&self, text: &str) {
        let typed = self.tmux().args(["send-keys", "-l", text]).status().unwrap();
        let entered = self.tmux().args(["send-keys", "Enter"]).status().unwrap();
        assert!(typed.success() && entered.success());
    }

    /// The screen, line by line.
    fn screen(&self) -> Vec<String> {
        self.capture(&[])
    }

    fn capture(&self, options: &[&str]) -> Vec<String> {
        let output = self.tmux().args(["capture-pane", "-p"]).args(options).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// The screen once its last line that is not empty begins with that.
    fn wait_for(&self, wanted: &str) -> Vec<String> {
        let is_last = |screen: &[String]| {
            let last = screen.iter().rev().find(|line| !line.is_empty());
            last.is_some_and(|line| line.starts_with(wanted))
        };
        self.wait_until(wanted, is_last)
    }

    /// The screen once it has that line.
    fn wait_for_line(&self, wanted: &str) -> Vec<String> {
        self.wait_until(wanted, |screen| screen.iter().any(|line| line == wanted))
    }

    fn wait_until(&self, wanted: &str, is_there: impl Fn(&[String]) -> bool) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return screen;
            }
            assert!(begun.elapsed() < ANSWER_LIMIT, "no \"{wanted}\":\n{}", screen.join("\n"));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
    }
}

const QUESTION: &str = "What is to be done?";
const GO_ON: &str = "Press Enter for the menu:";

#[test]
fn the_recovery_console_is_whole_on_a_terminal_of_80_by_24() {
    let machine = Machine::start_with("64MiB", &[], Rights::Ours);
    let terminal = Terminal::start(&machine);
    let menu = terminal.wait_for(QUESTION);
    assert!(menu.len() <= LINES, "{menu:#?}");
    for seen in
        ["recovery console", "   1  Status", "  15  Factory reset", "  17  Encryption", "q leaves"]
    {
        assert!(menu.iter().any(|line| line.contains(seen)), "no \"{seen}\": {menu:#?}");
    }

    terminal.type_line("1");
    let status = terminal.wait_for(GO_ON);
    let ends = ["Done.", "A person has to do something: see above."];
    assert!(status.iter().any(|line| ends.contains(&line.as_str())), "{status:#?}");
    // Lines that tmux had to break are longer when they are joined again.
    let joined = terminal.capture(&["-J"]);
    assert!(joined.iter().all(|line| line.trim_end().chars().count() <= COLUMNS), "{joined:#?}");

    terminal.type_line("");
    terminal.wait_for(QUESTION);
    terminal.type_line("15");
    let asked = terminal.wait_for("Type \"erase everything on this machine\" to do it:");
    assert!(asked.iter().any(|line| line.contains("an encrypted tape is lost")), "{asked:#?}");
    terminal.type_line("yes");
    let refused = terminal.wait_for(GO_ON);
    assert!(refused.iter().any(|line| line == "Nothing was done."), "{refused:#?}");

    terminal.type_line("");
    terminal.wait_for(QUESTION);
    terminal.type_line("99");
    // The question was the last line before, too.
    terminal.wait_for_line("\"99\" is not in the menu. Nothing was done.");
    terminal.wait_for(QUESTION);

    terminal.type_line("q");
    let begun = Instant::now();
    while terminal.tmux().arg("has-session").output().unwrap().status.success() {
        assert!(begun.elapsed() < ANSWER_LIMIT, "it does not end: {:#?}", terminal.screen());
    }
}
