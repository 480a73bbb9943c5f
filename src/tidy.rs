//! The style program: what the house rules say about the source, checked as a test.
//!
//! A rule that nobody checks is forgotten within a month, and a reviewer's eye is better spent on
//! what a program cannot see. Each check is a function of one file or of all of them that returns
//! what it found, and each has a test that it fires. Exceptions stand in [`exceptions`] with a
//! reason; an exception that is no longer needed is a failure too, so the list only shrinks.
//!
//! It reads text, not syntax trees: comments and strings are blanked first ([`source::Source`]), which
//! is exact enough for these rules and takes no dependency.

mod exceptions;
mod failures;
mod imports;
mod sizes;
mod source;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use source::Source;

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// Path below `src/`.
    path: String,
    /// Counted from 1.
    line: usize,
    /// The rule's short name, as in [`exceptions::EXCEPTIONS`].
    rule: &'static str,
    /// What is wrong and what to do instead.
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: [{}] {}", self.path, self.line, self.rule, self.message)
    }
}

/// Everything that the rules find in these files.
fn inspect(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        findings.extend(imports::direction(source));
        findings.extend(sizes::file_lines(source));
        findings.extend(sizes::function_lines(source));
        findings.extend(words::head_document(source));
        findings.extend(words::file_name(source));
        findings.extend(words::open_ends(source));
        findings.extend(words::confined(source));
        findings.extend(words::opcodes(source));
        findings.extend(words::sql(source));
        findings.extend(words::names(source));
    }
    findings.extend(imports::orphans(sources));
    findings.extend(imports::unused(sources));
    findings
}

/// Takes out what is excepted; an exception that excepts nothing becomes a finding.
fn apply_exceptions(findings: Vec<Finding>, list: &[exceptions::Exception]) -> Vec<Finding> {
    let mut used = BTreeSet::new();
    let mut kept: Vec<Finding> = findings
        .into_iter()
        .filter(|finding| {
            let found = list.iter().position(|exception| exception.covers(finding));
            used.extend(found);
            found.is_none()
        })
        .collect();
    for (index, exception) in list.iter().enumerate() {
        if !used.contains(&index) {
            kept.push(Finding {
                path: exception.path.to_owned(),
                line: 1,
                rule: exception.rule,
                message: "the exception in tidy/exceptions.rs is not needed any more".to_owned(),
            });
        }
    }
    kept
}

#[test]
fn the_source_keeps_the_house_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources = source::read_tree(&root).unwrap();
    let mut findings = apply_exceptions(inspect(&sources), exceptions::EXCEPTIONS);
    let outside = source::read_tree(&root.with_file_name("hil-tests")).unwrap();
    let tests = failures::test_names(sources.iter().chain(&outside));
    findings.extend(failures::unproven(include_str!("FAILURES.md"), &tests));
    let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(text.is_empty(), "{} breaches of the house rules:\n{}", text.len(), text.join("\n"));
}
