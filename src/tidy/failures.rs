//! `FAILURES.md` names for each failure the tests that prove what we do; here they are looked for.
//!
//! A table of promises is worth what its proofs are worth: a test that was renamed or removed must not
//! go on standing there.

use std::collections::BTreeSet;

use super::Finding;
use super::source::Source;

/// The failures of the catalogue.
const FAILURES: usize = 39;

/// The names of all tests: functions under `#[test]`, also in macros that make tests of them.
pub(super) fn test_names<'a>(sources: impl Iterator<Item = &'a Source>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for source in sources {
        let mut after = source.code.as_str();
        while let Some(at) = after.find("#[test]") {
            after = &after[at + "#[test]".len()..];
            let Some(function) = after.find("fn ") else { break };
            let name = &after[function + "fn ".len()..];
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            names.insert(&name[..end]);
        }
    }
    names
}

/// Rows that are missing or out of order, and proofs that do not exist.
pub(super) fn unproven(table: &str, tests: &BTreeSet<&str>) -> Vec<Finding> {
    let finding = |line: usize, message: String| Finding {
        path: "FAILURES.md".to_owned(),
        line: line + 1,
        rule: "failures",
        message,
    };
    let rows: Vec<(usize, &str)> =
        table.lines().enumerate().filter(|(_, line)| line.starts_with("| F")).collect();
    let mut findings = Vec::new();
    for (number, (line, row)) in (1..).zip(&rows) {
        if !row.starts_with(&format!("| F{number} |")) {
            findings.push(finding(*line, format!("here F{number} is expected")));
        }
        let proofs: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        if proofs.is_empty() && !row.contains("later:") {
            findings.push(finding(*line, "no test and no part that is waited for".to_owned()));
        }
        for proof in proofs.into_iter().filter(|proof| !tests.contains(proof)) {
            findings.push(finding(*line, format!("there is no test `{proof}`")));
        }
    }
    if rows.len() != FAILURES {
        findings.push(finding(0, format!("{} rows, not {FAILURES}", rows.len())));
    }
    findings
}
