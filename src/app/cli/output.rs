//! What is printed: tables and sentences for people, one JSON document for programs.

use std::io::{self, BufRead as _, IsTerminal, Write};

use serde::Serialize;

use crate::api::types::ExchangeEstimate;
use crate::app::error::{AppError, Exit};
use crate::domain::{ByteCount, Timestamp};
pub(super) use crate::jobs::outcome::grouped;

/// How a command prints, and where.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) is_json: bool,
    /// True if somebody watches: then progress bars are drawn.
    pub(super) is_terminal: bool,
    sink: Sink,
}

/// Where the text goes.
#[derive(Clone, Debug)]
enum Sink {
    /// Standard output, and standard error for errors.
    Standard,
    /// Memory, for tests.
    #[cfg(test)]
    Memory(std::sync::Arc<parking_lot::Mutex<String>>),
}

impl Output {
    pub(super) fn new(is_json: bool) -> Self {
        Self { is_json, is_terminal: io::stdout().is_terminal(), sink: Sink::Standard }
    }

    /// Keeps what is printed instead, errors too.
    #[cfg(test)]
    pub(super) fn captured(is_json: bool) -> (Self, std::sync::Arc<parking_lot::Mutex<String>>) {
        let text = std::sync::Arc::new(parking_lot::Mutex::new(String::new()));
        let sink = Sink::Memory(std::sync::Arc::clone(&text));
        (Self { is_json, is_terminal: false, sink }, text)
    }

    /// Prints one document.
    pub(super) fn json<T: Serialize>(&self, value: &T) -> Result<(), AppError> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
        self.line(&text)
    }

    /// Prints one line.
    pub(super) fn line(&self, text: &str) -> Result<(), AppError> {
        match &self.sink {
            Sink::Standard => writeln!(io::stdout().lock(), "{text}")?,
            #[cfg(test)]
            Sink::Memory(kept) => kept.lock().extend([text, "\n"]),
        }
        Ok(())
    }

    /// What exchanging the cartridges of a plan takes, and how that is known.
    pub(super) fn exchange(&self, estimate: Option<&ExchangeEstimate>) -> Result<(), AppError> {
        let Some(estimate) = estimate.filter(|it| it.exchanges > 0) else { return Ok(()) };
        let ExchangeEstimate { exchanges, seconds_each, seconds, measured } = estimate;
        let how = match measured {
            Some(at) => format!("as measured at {at}"),
            None => "assumed: `fossilsafe library calibrate` measures it".to_owned(),
        };
        self.line(&format!(
            "Exchanging {exchanges} cartridges: {seconds} s, {seconds_each} s each ({how})."
        ))
    }

    /// What was asked for is done: the view for programs, a sentence for people.
    pub(super) fn report<T: Serialize>(&self, view: &T, text: &str) -> Result<Exit, AppError> {
        if self.is_json {
            self.json(view)?
        } else {
            self.line(text)?
        }
        Ok(Exit::Done)
    }

    /// Asks for a line from the terminal, or from whatever stands in for it. Secrets come this way and not as
    /// arguments: other programs see those.
    pub(super) fn ask(&self, question: &str) -> Result<String, AppError> {
        let what = || "cannot read what is typed".to_owned();
        if !self.is_json {
            self.line(question)?;
        }
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        read.map_err(|source| AppError::Io { what: what(), source })?;
        Ok(line.trim().to_owned())
    }

    /// Prints a table, or a sentence if it has no rows. A terminal on which its lines would be broken in the
    /// middle of a column gets it row by row.
    pub(super) fn table(&self, table: &Table, if_empty: &str) -> Result<(), AppError> {
        if table.rows.is_empty() {
            return self.line(if_empty);
        }
        let text = table.text();
        let columns = if self.is_terminal { terminal_columns() } else { usize::MAX };
        let is_too_wide = text.lines().any(|line| line.chars().count() > columns);
        self.line(&if is_too_wide { table.stacked(columns) } else { text })
    }

    /// Prints an error to standard error.
    pub(super) fn error(&self, error: &AppError) {
        let text = if self.is_json {
            let next_step = error.next_step().unwrap_or_default();
            let (code, message) = (error.code(), error.chain());
            let body =
                serde_json::json!({ "code": code, "message": message, "next_step": next_step });
            serde_json::json!({ "error": body }).to_string()
        } else {
            let next_step = error.next_step().map(|step| format!("\n{step}")).unwrap_or_default();
            format!("fossilsafe: {}{next_step}", error.chain())
        };
        // Nobody is left to tell if this fails.
        let _ = match &self.sink {
            Sink::Standard => writeln!(io::stderr().lock(), "{text}").map_err(AppError::from),
            #[cfg(test)]
            Sink::Memory(_) => self.line(&text),
        };
    }
}

/// Rows under aligned columns. Columns whose cells are figures are aligned to the right.
#[derive(Clone, Debug)]
pub(super) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn text(&self) -> String {
        let head: Vec<String> = self.head.iter().map(|&cell| cell.to_owned()).collect();
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let is_figures = |column: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(column)).peekable();
            cells.peek().is_some()
                && cells.all(|cell| cell.is_empty() || cell == "-" || is_figure(cell))
        };
        let columns: Vec<(usize, bool)> =
            (0..head.len()).map(|column| (width(column), is_figures(column))).collect();
        let line = |row: &Vec<String>| {
            let mut line = String::new();
            for (cell, (width, is_right)) in row.iter().zip(&columns) {
                let padding = " ".repeat(width - cell.chars().count());
                let padded = if *is_right { padding + cell } else { format!("{cell}{padding}") };
                line.push_str(&padded);
                line.push_str("  ");
            }
            line.trim_end().to_owned()
        };
        let lines: Vec<String> = [&head].into_iter().chain(&self.rows).map(line).collect();
        lines.join("\n")
    }

    /// The same, a cell a line beside the name of its column, and an empty line between rows.
    fn stacked(&self, columns: usize) -> String {
        let margin = self.head.iter().map(|name| name.len()).max().unwrap_or(0) + 2;
        let cell = |(name, cell): (&&str, &String)| {
            let lines = broken(cell, columns.saturating_sub(margin));
            format!("{name:margin$}{}", lines.join(&format!("\n{:margin$}", "")))
        };
        let row = |row: &Vec<String>| {
            let cells: Vec<String> = self.head.iter().zip(row).map(cell).collect();
            cells.join("\n")
        };
        self.rows.iter().map(row).collect::<Vec<_>>().join("\n\n")
    }
}

/// What a serial line has, which cannot be asked.
const COLUMNS_DEFAULT: u16 = 80;

/// How many characters fit beside each other.
fn terminal_columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    let columns = size.ok().map(|size| size.ws_col).filter(|&columns| columns > 0);
    usize::from(columns.unwrap_or(COLUMNS_DEFAULT))
}

/// Lines of at most `columns` characters, broken between words; a word that is longer has a line of its own.
pub(super) fn broken(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let is_full = lines.last().is_some_and(|line| {
            !line.is_empty() && line.chars().count() + 1 + word.chars().count() > columns
        });
        if is_full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            let gap = if line.is_empty() { "" } else { " " };
            line.push_str(gap);
            line.push_str(word);
        }
    }
    lines
}

/// True for `1,234`, `5.0 GiB` and the like.
fn is_figure(cell: &str) -> bool {
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
    let is_number = number.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '%'));
    is_number && matches!(unit, "" | "B" | "KiB" | "MiB" | "GiB" | "TiB" | "s")
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    ByteCount(bytes).to_string()
}

/// A moment for people: to the second.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.split('.').next().unwrap_or_default();
    format!("{} UTC", seconds.replace('T', " "))
}

/// A moment that may not have come.
pub(super) fn moment_or_dash(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), moment)
}

/// A value that may be missing.
pub(super) fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// Several values in one cell.
pub(super) fn list<T: ToString>(values: &[T]) -> String {
    if values.is_empty() {
        return "-".to_owned();
    }
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_to_the_right_and_words_to_the_left() {
        let mut table = Table::new(&["NAME", "FILES", "SIZE"]);
        table.row(vec!["ä".to_owned(), "1,234".to_owned(), "5.0 GiB".to_owned()]);
        table.row(vec!["longer".to_owned(), "7".to_owned(), "-".to_owned()]);
        let text = "NAME    FILES     SIZE\nä       1,234  5.0 GiB\nlonger      7        -";
        assert_eq!(table.text(), text);
    }

    #[test]
    fn a_table_that_is_too_wide_for_a_terminal_is_shown_row_by_row() {
        let mut table = Table::new(&["WHAT", "NEXT STEP"]);
        table.row(vec!["one".to_owned(), "look at the library and switch it on".to_owned()]);
        table.row(vec!["two".to_owned(), "-".to_owned()]);
        let text = "WHAT       one\nNEXT STEP  look at the\n           library and\n           switch it on\n\n\
                    WHAT       two\nNEXT STEP  -";
        assert_eq!(table.stacked(23), text);
        assert_eq!(broken("a-word-that-is-longer than", 8), ["a-word-that-is-longer", "than"]);
    }

    #[test]
    fn moments_are_shown_to_the_second() {
        assert_eq!(moment(Timestamp::default()), "1970-01-01 00:00:00 UTC");
    }
}
