//! `fossilsafe console`: the recovery shell on a serial port, on a screen, and over SSH.
//!
//! A numbered menu in lines of at most 80 characters and pages of at most 24 lines, without control
//! sequences: it works on any terminal, also on one that loses characters. Each point runs a command
//! that the command line has too, so nothing can be done here that cannot be done and read about there.

use std::io::{self, BufRead, Write};
use std::process::Command;

use super::output::{Output, broken};
use super::update::engine_health;
use crate::api::types::HealthStatus;
use crate::app::error::{AppError, Exit};

/// One point of the menu.
struct Point {
    /// What is typed.
    key: &'static str,
    /// What it does, in a line.
    title: &'static str,
    action: Action,
}

/// What a point does.
enum Action {
    /// Runs a command as it stands.
    Run(&'static [&'static str]),
    /// Asks for words, which follow the command.
    Ask { questions: &'static [&'static str], command: &'static [&'static str] },
    /// Runs a command after a phrase has been typed.
    Typed { loss: &'static str, phrase: &'static str, command: &'static [&'static str] },
    /// Ends the session.
    Leave,
}

const SELF: &str = "fossilsafe";
const QUESTION: &str = "What is to be done? r restarts this machine, q leaves this menu";
/// Of a line of what the engine says, after the margin.
const STATE_COLUMNS: usize = 75;
/// The screen has 24 lines: title, points and question leave these.
const STATE_LINES_MAX: usize = 3;
/// Where the scripts of the overlay are.
#[cfg(test)]
const SCRIPTS: &str = "/usr/libexec/fossilsafe";

const MENU: &[Point] = &[
    Point {
        key: "1",
        title: "Status: what works, what needs a person",
        action: Action::Run(&[SELF, "status"]),
    },
    Point {
        key: "2",
        title: "Network: addresses of this machine",
        action: Action::Run(&["networkctl", "--no-pager", "status"]),
    },
    Point {
        key: "3",
        title: "First-run code, to sign in for the first time",
        action: Action::Run(&["cat", "/var/lib/fossilsafe/engine/setup-code"]),
    },
    Point {
        key: "4",
        title: "New password for a user who has forgotten theirs",
        action: Action::Ask {
            questions: &["Name of the user"],
            command: &[SELF, "user", "reset-password"],
        },
    },
    Point {
        key: "5",
        title: "Network: a fixed address, or DHCP again",
        action: Action::Ask {
            questions: &[
                "Port, for example enp1s0",
                "Address with prefix, as 192.0.2.5/24, or dhcp",
                "Gateway, or - for none",
                "Name server, or - for none",
            ],
            command: &[SELF, "network", "keep"],
        },
    },
    Point {
        key: "6",
        title: "Updates: slots, versions, what became of them",
        action: Action::Run(&[SELF, "update", "status"]),
    },
    Point {
        key: "7",
        title: "Go back to the other slot and restart",
        action: Action::Typed {
            loss: "The version in the other slot starts. Data and settings stay.",
            phrase: "go back",
            command: &["/usr/libexec/fossilsafe/go-back"],
        },
    },
    Point {
        key: "8",
        title: "Stop the engine: jobs reach a safe point and wait",
        action: Action::Run(&["systemctl", "stop", "fossilsafe-engine.service"]),
    },
    Point {
        key: "9",
        title: "Start the engine: jobs go on, or wait for a person",
        action: Action::Ask {
            questions: &["go: jobs and schedules go on; held: they wait"],
            command: &["/usr/libexec/fossilsafe/start-engine"],
        },
    },
    Point {
        key: "10",
        title: "Name of this machine, time zone, time server",
        action: Action::Ask {
            questions: &[
                "Name, one word, or - to leave it",
                "Time zone, as Europe/Berlin, or - to leave it",
                "Time server, or - to leave it",
            ],
            command: &[SELF, "network", "keep-machine"],
        },
    },
    Point {
        key: "11",
        title: "Check the catalog",
        action: Action::Run(&[SELF, "catalog", "check"]),
    },
    Point {
        key: "12",
        title: "Rebuild the catalog from the tapes in the library",
        action: Action::Typed {
            loss: "Each cartridge is loaded and its index is read. Nothing is written to a tape.",
            phrase: "rebuild",
            command: &[SELF, "catalog", "rebuild"],
        },
    },
    Point {
        key: "13",
        title: "Read the tape in a drive to a USB disk, without a catalog",
        action: Action::Ask {
            questions: &["Drive, for example /dev/sg1", "Disk, for example /dev/sdb1"],
            command: &["/usr/libexec/fossilsafe/read-tape-to-disk"],
        },
    },
    Point {
        key: "14",
        title: "Support bundle to a USB disk",
        action: Action::Ask {
            questions: &["Disk, for example /dev/sdb1"],
            command: &["/usr/libexec/fossilsafe/write-support-bundle"],
        },
    },
    Point {
        key: "15",
        title: "Factory reset",
        action: Action::Typed {
            loss: "Catalog, keys, users, settings and practice tapes of this machine are erased.\n\
                   Tapes are not touched. Without its recovery kit an encrypted tape is lost.",
            phrase: "erase everything on this machine",
            command: &["/usr/libexec/fossilsafe/factory-reset"],
        },
    },
    Point {
        key: "16",
        title: "Install this system on another disk of this machine",
        action: Action::Run(&["/usr/libexec/fossilsafe/install-to-disk"]),
    },
    Point {
        key: "17",
        title: "Encryption of the data partition: open it, or begin it anew",
        action: Action::Run(&["/usr/libexec/fossilsafe/encrypt-data"]),
    },
    Point {
        key: "18",
        title: "Take a disk of this machine for staging: it is erased",
        action: Action::Run(&[SELF, "streaming", "take-disk"]),
    },
    Point {
        key: "r",
        title: "Restart this machine",
        action: Action::Run(&["systemctl", "reboot"]),
    },
    Point { key: "q", title: "Leave this menu", action: Action::Leave },
];

/// Shows the menu until the session ends.
pub(super) fn run(_output: &Output) -> Result<Exit, AppError> {
    let stdin = io::stdin();
    converse(&mut stdin.lock(), &mut io::stdout().lock(), engine_state, run_command)?;
    Ok(Exit::Done)
}

/// What the engine says of itself, as it stands above the menu.
fn engine_state() -> String {
    match engine_health() {
        Ok(Some(health)) if health.status == HealthStatus::Ok => "Everything works.".to_owned(),
        Ok(Some(health)) => health.sentence,
        Ok(None) => "The engine does not run. Point 9 starts it.".to_owned(),
        Err(error) => error.chain(),
    }
}

/// A sentence on a screen of 80 columns: as many lines as the menu leaves.
fn shortened(sentence: &str) -> String {
    let mut lines = broken(sentence, STATE_COLUMNS);
    let is_longer = lines.len() > STATE_LINES_MAX;
    lines.truncate(STATE_LINES_MAX);
    format!("{}{}", lines.join("\n  "), if is_longer { " …" } else { "" })
}

/// Whether the session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Session {
    On,
    Over,
}

/// The whole conversation; `state` says how the engine is, `execute` runs a command and says how it ended.
fn converse(
    input: &mut impl BufRead,
    output: &mut impl Write,
    state: impl Fn() -> String,
    execute: impl Fn(&[&str]) -> String,
) -> io::Result<()> {
    loop {
        writeln!(output, "\n  FossilSafe {}: recovery console", env!("CARGO_PKG_VERSION"))?;
        writeln!(output, "  {}", shortened(&state()))?;
        // The screen has no lines for those with a letter: the question says what they do.
        for point in MENU.iter().filter(|point| point.key.len() > 1 || point.key < "a") {
            writeln!(output, "  {:>3}  {}", point.key, point.title)?;
        }
        let Some(chosen) = ask(input, output, QUESTION)? else { return Ok(()) };
        let Some(point) = MENU.iter().find(|point| point.key == chosen) else {
            if !chosen.is_empty() {
                // In the place of the empty line before the menu, which has the whole screen.
                write!(output, "\"{chosen}\" is not in the menu. Nothing was done.")?;
            }
            continue;
        };
        if act(point, input, output, &execute)? == Session::Over {
            return Ok(());
        }
        if ask(input, output, "\nPress Enter for the menu")?.is_none() {
            return Ok(());
        }
    }
}

/// Does one point of the menu.
fn act(
    point: &Point,
    input: &mut impl BufRead,
    output: &mut impl Write,
    execute: &impl Fn(&[&str]) -> String,
) -> io::Result<Session> {
    match point.action {
        Action::Leave => return Ok(Session::Over),
        Action::Run(command) => writeln!(output, "{}", execute(command))?,
        Action::Ask { questions, command } => {
            let mut answers = Vec::new();
            for question in questions {
                match ask(input, output, &format!("{question} (empty: do nothing)"))? {
                    None => return Ok(Session::Over),
                    Some(answer) if answer.is_empty() => {
                        writeln!(output, "Nothing was done.")?;
                        return Ok(Session::On);
                    }
                    Some(answer) => answers.push(answer),
                }
            }
            let words = command.iter().copied().chain(answers.iter().map(String::as_str));
            writeln!(output, "{}", execute(&words.collect::<Vec<_>>()))?;
        }
        Action::Typed { loss, phrase, command } => {
            writeln!(output, "{loss}")?;
            match ask(input, output, &format!("Type \"{phrase}\" to do it"))? {
                None => return Ok(Session::Over),
                Some(typed) if typed == phrase => writeln!(output, "{}", execute(command))?,
                Some(_) => writeln!(output, "Nothing was done.")?,
            }
        }
    }
    Ok(Session::On)
}

/// One line of input; `None` at its end.
fn ask(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
) -> io::Result<Option<String>> {
    write!(output, "{question}: ")?;
    output.flush()?;
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim().to_owned()))
}

/// Runs a command on this terminal and says how it ended.
fn run_command(words: &[&str]) -> String {
    let Some((program, arguments)) = words.split_first() else { return String::new() };
    // This very program, also where it is not in the path.
    let own = std::env::current_exe().ok().filter(|_| *program == SELF);
    let mut command = own.map_or_else(|| Command::new(program), Command::new);
    match command.args(arguments).status() {
        Ok(status) if status.success() => "Done.".to_owned(),
        Ok(status) if status.code() == Some(Exit::NeedsOperator as i32) => {
            "A person has to do something: see above.".to_owned()
        }
        Ok(status) => format!("It did not succeed ({status}). What it printed says why."),
        Err(error) => format!("{program} cannot be run: {error}. It is part of the image."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// What a session shows, and which commands it runs.
    fn session(typed: &str) -> (String, Vec<String>) {
        session_of(typed, "Everything works.")
    }

    fn session_of(typed: &str, state: &str) -> (String, Vec<String>) {
        let ran = RefCell::new(Vec::new());
        let mut shown = Vec::new();
        let execute = |words: &[&str]| {
            ran.borrow_mut().push(words.join(" "));
            "Done.".to_owned()
        };
        converse(&mut typed.as_bytes(), &mut shown, || state.to_owned(), execute).unwrap();
        (String::from_utf8(shown).unwrap(), ran.into_inner())
    }

    #[test]
    fn the_menu_fits_a_screen_of_80_by_24() {
        for state in ["Everything works.".to_owned(), "a long sentence of the engine ".repeat(30)] {
            let (shown, ran) = session_of("q\n", &state);
            assert!(shown.lines().count() <= 24, "{shown}");
            assert!(shown.lines().all(|line| line.chars().count() < 80), "{shown}");
            assert!(ran.is_empty());
        }
    }

    /// The longest of the sentences with which a machine comes up and cannot work: what to do stands at its end.
    #[test]
    fn why_the_engine_does_not_work_is_seen_whole() {
        let locked = "The engine does not work: the data partition of this machine (slot B) is \
                      encrypted and is not open. Point 17 of the recovery console opens it with \
                      its recovery passphrase. Nothing was changed on it.";
        let (shown, _) = session_of("q\n", locked);
        let words: Vec<&str> = shown.split_whitespace().collect();
        assert!(words.join(" ").contains(locked), "{shown}");
    }

    #[test]
    fn a_point_runs_its_command_and_comes_back() {
        let (shown, ran) = session("1\n\n11\n\nq\n");
        assert_eq!(ran, ["fossilsafe status", "fossilsafe catalog check"]);
        assert_eq!(shown.matches("recovery console").count(), 3);
    }

    #[test]
    fn a_factory_reset_needs_its_phrase_to_the_letter() {
        for typed in ["", "yes", "Erase everything on this machine", "erase everything"] {
            let (shown, ran) = session(&format!("15\n{typed}\n\nq\n"));
            assert!(ran.is_empty() && shown.contains("Nothing was done."), "{typed}");
        }
        let (_, ran) = session("15\nerase everything on this machine\n\nq\n");
        assert_eq!(ran, [format!("{SCRIPTS}/factory-reset")]);
    }

    #[test]
    fn an_empty_answer_does_nothing_and_an_end_of_input_ends() {
        let (_, ran) = session("13\n/dev/sg1\n\n\n13\n/dev/sg1\n/dev/sdb1\n\n");
        assert_eq!(ran, [format!("{SCRIPTS}/read-tape-to-disk /dev/sg1 /dev/sdb1")]);
        assert_eq!(session("15\n").1.len(), 0);
        assert!(session("x\nq\n").0.contains("\"x\" is not in the menu"));
    }

    #[test]
    fn every_script_of_the_menu_is_in_the_overlay() {
        let overlay = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rootfs");
        for point in MENU {
            let (Action::Run(command)
            | Action::Ask { command, .. }
            | Action::Typed { command, .. }) = point.action
            else {
                continue;
            };
            let script = command[0].strip_prefix('/');
            assert!(script.is_none_or(|path| overlay.join(path).is_file()), "{}", command[0]);
        }
    }
}
