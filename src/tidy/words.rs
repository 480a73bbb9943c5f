//! Words that have one place, or none.

use super::Finding;
use super::source::{Source, identifiers};

/// File and module names that say nothing, with what to write instead.
const EMPTY_NAMES: &[(&str, &str)] = &[
    ("util", "the noun it is about"),
    ("utils", "the noun it is about"),
    ("common", "the noun it is about"),
    ("helper", "the noun it is about"),
    ("helpers", "the noun it is about"),
    ("manager", "what it does"),
    ("misc", "the noun it is about"),
    ("data", "what the bytes are"),
    ("info", "what is known"),
];

/// Endings of type names that say nothing.
const EMPTY_ENDINGS: &[&str] = &["Manager", "Helper", "Util", "Utils"];

/// Text that may stand only in these files or folders, and why. `Instant::now` is not among it: a
/// rate that is measured decides nothing, and the deadline of a condition variable needs one.
const CONFINED: &[(&str, &[&str], &str)] = &[
    ("SystemTime::now", &["domain/clock.rs"], "take a Clock"),
    ("now_utc", &["domain/clock.rs"], "take a Clock"),
    ("thread::sleep", &["domain/clock.rs"], "wait on a Clock or for an event"),
    ("StatusCode", &["api/", "gateway/"], "the API maps errors to status codes"),
    ("rusqlite", &["catalog/", "catalog.rs"], "ask the catalog"),
    (
        "unsafe_code",
        &[
            "scsi/sg.rs",
            "stream/ring.rs",
            "stream/cached.rs",
            "stream/buffers.rs",
            "stream/compress.rs",
            "vtl/tcmu/ring.rs",
            "memmove.rs",
        ],
        "unsafe code has seven places",
    ),
];

fn finding(source: &Source, line: usize, rule: &'static str, message: String) -> Finding {
    Finding { path: source.path.clone(), line, rule, message }
}

fn is_below(source: &Source, places: &[&str]) -> bool {
    places.iter().any(|place| {
        source.path == *place || place.ends_with('/') && source.path.starts_with(place)
    })
}

/// The first line of each file says what it is.
pub(super) fn head_document(source: &Source) -> Option<Finding> {
    let says_it = source.text.starts_with("//! ");
    (!says_it).then(|| {
        let message = "begin with `//!`: what it is, why so, what not".to_owned();
        finding(source, 1, "head-document", message)
    })
}

/// Files named by words that fit any file.
pub(super) fn file_name(source: &Source) -> Option<Finding> {
    let parts = source.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let found = EMPTY_NAMES.iter().find(|(name, _)| parts.clone().any(|part| part == *name));
    found.map(|(name, instead)| {
        finding(source, 1, "file-name", format!("`{name}` names nothing: write {instead}"))
    })
}

/// Notes to oneself. Put together here so that this file does not find itself.
pub(super) fn open_ends(source: &Source) -> Vec<Finding> {
    let notes =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("HA", "CK")];
    let mut findings = Vec::new();
    for (number, line) in source.text.lines().enumerate() {
        if let Some((_, word)) = identifiers(line).find(|(_, word)| notes.contains(word)) {
            let message = format!("`{word}`: do it, or open an issue and leave no note");
            findings.push(finding(source, number + 1, "open-end", message));
        }
    }
    findings
}

/// Names that only some files may use.
pub(super) fn confined(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.product_lines(&source.code) {
        for (word, places, instead) in CONFINED {
            if line.contains(word) && !is_below(source, places) {
                let message = format!("`{word}` stands only in {}: {instead}", places.join(", "));
                findings.push(finding(source, number, "confined", message));
            }
        }
    }
    findings
}

/// Command blocks made of numbers outside the two folders that know the standards.
pub(super) fn opcodes(source: &Source) -> Vec<Finding> {
    if is_below(source, &["scsi/", "vtl/", "tidy/"]) {
        return Vec::new();
    }
    let is_command = |line: &str| {
        let lower = line.to_ascii_lowercase();
        lower.contains("0x") && (lower.contains("cdb") || lower.contains("opcode"))
    };
    let lines = source.product_lines(&source.code).filter(|(_, line)| is_command(line));
    let message = || "opcodes are numbers only in scsi and vtl: use scsi::opcode".to_owned();
    lines.map(|(number, _)| finding(source, number, "opcode", message())).collect()
}

/// SQL outside the catalog.
pub(super) fn sql(source: &Source) -> Vec<Finding> {
    if is_below(source, &["catalog/", "catalog.rs", "tidy/"]) {
        return Vec::new();
    }
    let has = |line: &str, words: &[&str]| words.iter().all(|word| line.contains(word));
    let is_sql = |line: &str| {
        has(line, &["SELECT ", " FROM "])
            || has(line, &["UPDATE ", " SET "])
            || ["INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "CREATE INDEX ", "\"PRAGMA "]
                .iter()
                .any(|words| line.contains(words))
    };
    let lines = source.product_lines(&source.code_and_strings).filter(|(_, line)| is_sql(line));
    let message = || "SQL stands only in catalog".to_owned();
    lines.map(|(number, _)| finding(source, number, "sql", message())).collect()
}

/// Names of types and functions that say nothing.
pub(super) fn names(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut before = "";
    for (offset, word) in identifiers(&source.code) {
        let is_type = matches!(before, "struct" | "enum" | "trait" | "type");
        let says_nothing = is_type && EMPTY_ENDINGS.iter().any(|ending| word.ends_with(ending))
            || before == "fn" && word.starts_with("handle_")
            || before == "mod" && EMPTY_NAMES.iter().any(|(name, _)| *name == word);
        if says_nothing {
            let message = format!("`{word}` does not say what it does");
            findings.push(finding(source, source.line_of(offset), "name", message));
        }
        before = word;
    }
    findings
}
