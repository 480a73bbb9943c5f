//! That each rule fires on what it is for, and not on what only looks like it.

use super::exceptions::Exception;
use super::failures::{test_names, unproven};
use super::source::Source;
use super::{Finding, apply_exceptions, inspect};

/// The rules broken by one file, that is declared and used so that only its content counts.
fn broken(path: &str, text: &str) -> Vec<&'static str> {
    let source = Source::new(path, &format!("//! What it is.\n{text}"));
    let ignored = ["orphan", "unused"];
    let findings = inspect(&[source]).into_iter();
    findings.map(|finding| finding.rule).filter(|rule| !ignored.contains(rule)).collect()
}

fn clean(path: &str, text: &str) -> bool {
    broken(path, text).is_empty()
}

#[test]
fn an_import_against_the_direction_is_found_however_it_is_written() {
    assert_eq!(broken("ltfs/label.rs", "use crate::stream::Slab;\n"), ["imports"]);
    assert_eq!(broken("ltfs/label.rs", "use crate::{domain::X, jobs::{A, b}};\n"), ["imports"]);
    assert_eq!(broken("ltfs/label.rs", "fn f() { crate::jobs::go() }\n"), ["imports"]);
    assert_eq!(broken("ltfs/label.rs", "use super::super::jobs;\n"), ["imports"]);
    assert_eq!(broken("ltfs/mod.rs", "use super::jobs;\n"), ["imports"]);
    assert_eq!(broken("newcomer/mod.rs", ""), ["imports"]);
    assert!(clean("ltfs/label.rs", "use crate::{drive::{jobs, X}, domain};\nuse super::jobs;\n"));
    assert!(clean("ltfs/label.rs", "// crate::jobs\nconst A: &str = \"crate::jobs::x\";\n"));
    assert!(clean("app/mod.rs", "use crate::jobs::Job;\n"));
}

#[test]
fn tests_may_import_the_virtual_library_and_nothing_else_against_the_direction() {
    assert!(clean("ltfs/tests.rs", "use crate::vtl::VirtualLibrary;\n"));
    assert!(clean("ltfs/a.rs", "#[cfg(test)]\nmod tests {\n    use crate::vtl::X;\n}\n"));
    assert_eq!(broken("ltfs/tests.rs", "use crate::jobs::Job;\n"), ["imports"]);
    assert_eq!(broken("ltfs/a.rs", "use crate::vtl::X;\n"), ["imports"]);
}

#[test]
fn long_files_and_functions_are_found_and_tests_do_not_count() {
    let lines = "const A: u8 = 1;\n".repeat(401);
    assert_eq!(broken("ltfs/a.rs", &lines), ["file-lines"]);
    assert!(clean("ltfs/a.rs", &"/// Why.\n\n".repeat(401)));
    let tests = format!("#[cfg(test)]\nmod tests {{\n{lines}}}\n");
    assert!(clean("ltfs/a.rs", &tests));
    let long = format!("pub fn long(a: [u8; 4]) {{\n{}}}\n", "    g(';');\n".repeat(70));
    assert_eq!(broken("ltfs/a.rs", &long), ["function-lines"]);
    let verbs = "    fn b(&self, a: [u8; 4]) -> Result<[u8; 4], E>;\n".repeat(80);
    assert!(clean("ltfs/a.rs", &format!("trait T {{\n{verbs}}}\n")));
    let short = format!("fn a(f: fn(u8)) {{\n{}}}\n", "    g(\"}\");\n".repeat(68));
    assert!(clean("ltfs/a.rs", &format!("trait T {{\n    fn b();\n}}\n{short}{short}")));
}

#[test]
fn a_file_without_a_head_is_found() {
    let findings = inspect(&[Source::new("lib.rs", "/// What?\npub mod a;\n")]);
    assert_eq!(findings.first().map(|finding| finding.rule), Some("head-document"));
}

#[test]
fn names_that_say_nothing_are_found() {
    assert_eq!(broken("ltfs/util.rs", ""), ["file-name"]);
    assert_eq!(broken("ltfs/helpers/mod.rs", ""), ["file-name"]);
    assert_eq!(broken("ltfs/a.rs", "struct TapeManager;\nfn handle_it() {}\n"), ["name", "name"]);
    assert_eq!(broken("ltfs/a.rs", "mod common {}\n"), ["name"]);
    assert!(clean("ltfs/a.rs", "let utility = common;\nenum Informed {}\n"));
}

#[test]
fn notes_to_oneself_are_found_in_comments_too() {
    let note = format!("// {}{}: later\n", "TO", "DO");
    assert_eq!(broken("ltfs/a.rs", &note), ["open-end"]);
}

#[test]
fn the_time_of_the_machine_is_read_in_one_file() {
    let text = "fn f() { std::time::SystemTime::now(); }\n";
    assert_eq!(broken("ltfs/a.rs", text), ["confined"]);
    assert!(clean("domain/clock.rs", text));
    assert!(clean(
        "ltfs/a.rs",
        "/// Not `SystemTime::now`.\nconst A: &str = \"SystemTime::now\";\n"
    ));
}

#[test]
fn status_codes_and_the_database_have_their_folder() {
    assert_eq!(broken("jobs/a.rs", "use hyper::StatusCode;\n"), ["confined"]);
    assert!(clean("api/a.rs", "use hyper::StatusCode;\n"));
    assert_eq!(broken("jobs/a.rs", "use rusqlite::Connection;\n"), ["confined"]);
    assert!(clean("catalog/a.rs", "use rusqlite::Connection;\n"));
    assert_eq!(broken("jobs/a.rs", "#![expect(unsafe_code)]\n"), ["confined"]);
}

#[test]
fn opcodes_are_numbers_only_where_the_standards_are_known() {
    assert_eq!(broken("drive/a.rs", "    cdb[0] = 0x92;\n"), ["opcode"]);
    assert_eq!(broken("drive/a.rs", "const OPCODE: u8 = 0x92;\n"), ["opcode"]);
    assert!(clean("scsi/a.rs", "    cdb[0] = 0x92;\n"));
    assert!(clean("drive/a.rs", "const COHERENCY: u16 = 0x080C;\n"));
}

#[test]
fn sql_is_found_in_strings_and_names_of_commands_are_not_taken_for_it() {
    assert_eq!(broken("jobs/a.rs", "const A: &str = \"SELECT a FROM b\";\n"), ["sql"]);
    assert_eq!(broken("jobs/a.rs", "f(\"INSERT INTO b\");\n"), ["sql"]);
    assert!(clean("catalog/a.rs", "const A: &str = \"SELECT a FROM b\";\n"));
    assert!(clean("drive/a.rs", "// SELECT a FROM b\nconst A: &str = \"MODE SELECT (6)\";\n"));
}

#[test]
fn a_file_that_nothing_declares_or_uses_is_found() {
    let files = |root: &str, user: &str| {
        let sources = [
            Source::new("lib.rs", root),
            Source::new("ltfs/mod.rs", user),
            Source::new("ltfs/a.rs", "//! A.\npub(crate) fn carve() {}\n"),
        ];
        let findings = inspect(&sources);
        findings.into_iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    let root = "//! Map.\npub mod ltfs;\n";
    assert!(files(root, "//! L.\nmod a;\npub use a::carve;\n").is_empty());
    assert_eq!(files(root, "//! L.\nuse a::carve;\n"), ["orphan"]);
    assert_eq!(files(root, "//! L.\nmod a;\n"), ["unused"]);
}

#[test]
fn an_exception_covers_its_finding_and_an_idle_one_is_a_finding() {
    let list = [Exception { path: "a.rs", rule: "sql", about: "only", reason: "to try it" }];
    let finding = Finding {
        path: "a.rs".to_owned(),
        line: 3,
        rule: "sql",
        message: "only in catalog".to_owned(),
    };
    assert!(apply_exceptions(vec![finding.clone()], &list).is_empty());
    assert_eq!(apply_exceptions(Vec::new(), &list).len(), 1);
    assert_eq!(apply_exceptions(vec![finding.clone()], &[]), [finding]);
}

#[test]
fn strings_and_comments_are_blanked_and_lifetimes_are_not_taken_for_characters() {
    let text = "fn f<'a>(x: &'a str) -> char { '\"' } // it's\nconst R: &str = r#\"a \"} b\"#;\n";
    let source = Source::new("ltfs/a.rs", text);
    assert_eq!(source.code.len(), text.len());
    assert!(!source.code.contains("it's") && !source.code.contains("} b"));
    assert!(source.code.contains("fn f<'a>(x: &'a str) -> char"));
    assert!(source.code.contains("const R: &str ="));
}

#[test]
fn a_failure_without_its_row_or_its_test_is_found() {
    let source = Source::new("a.rs", "#[test]\nfn it_holds() {}\n// #[test]\nfn no_test() {}\n");
    let tests = test_names(std::iter::once(&source));
    assert_eq!(tests.iter().collect::<Vec<_>>(), [&"it_holds"]);
    let row =
        |number: usize, proof: &str| format!("| F{number} | it fails | we hold | {proof} |\n");
    let table = |rows: &[String]| {
        let rest = (rows.len() + 1..=39).map(|number| row(number, "`it_holds`"));
        rows.iter().cloned().chain(rest).collect::<String>()
    };
    let found = |table: &str| -> Vec<String> {
        unproven(table, &tests).into_iter().map(|finding| finding.message).collect()
    };
    assert!(found(&table(&[])).is_empty());
    assert!(found(&table(&[row(1, "later: the image")])).is_empty());
    assert_eq!(found(&table(&[row(1, "`no_test`")])), ["there is no test `no_test`"]);
    assert_eq!(found(&table(&[row(1, "")])), ["no test and no part that is waited for"]);
    assert_eq!(found(&table(&[row(2, "`it_holds`")])), ["here F1 is expected"]);
    assert_eq!(found(&row(1, "`it_holds`")), ["1 rows, not 39"]);
}
