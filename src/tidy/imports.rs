//! Which module may import which, and that every file is part of the program.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::source::{Source, identifiers};

/// The direction of imports. What is not listed for a module, it may not name.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    // Below everything that keeps files of its own.
    ("durable", &[]),
    ("memmove", &[]),
    ("overlap", &[]),
    ("spool", &[]),
    ("scsi", &["domain"]),
    ("drive", &["domain", "scsi"]),
    ("changer", &["domain", "scsi"]),
    ("vtl", &["domain", "scsi"]),
    ("ltfs", &["domain", "overlap", "spool", "drive"]),
    ("source", &["domain"]),
    ("schedules", &["domain"]),
    // A key server keeps data keys outside of this machine; it is asked over the network.
    ("keys", &["domain", "durable", "outgoing"]),
    ("outgoing", &[]),
    // What it mounts is what sources are read from; what is published is asked for over the network.
    ("system", &["domain", "durable", "source", "outgoing"]),
    ("catalog", &["domain"]),
    ("manifest", &["domain", "keys"]),
    // Files of a data folder, signed and sealed; whose files they are, `jobs` and `app` know.
    ("catalog_backup", &["domain", "durable", "keys"]),
    // Sealing is a stage of the data path; keys know no stream.
    ("stream", &["domain", "drive", "ltfs", "source", "keys"]),
    ("pools", &["domain", "catalog"]),
    // Rules over the people's file, whose SQL is in `catalog` like all SQL; an identity provider is asked over the
    // network, with a secret that is sealed with the appliance's keys.
    ("people", &["domain", "keys", "catalog", "outgoing"]),
    // Likewise over the audit log's file; its seals are signatures of the appliance.
    ("audit", &["domain", "keys", "catalog"]),
    // Secrets of channels are sealed with the appliance's keys.
    ("health", &["domain", "keys", "catalog", "outgoing"]),
    (
        "jobs",
        &[
            "domain",
            "durable",
            "overlap",
            "spool",
            "drive",
            "changer",
            "ltfs",
            "source",
            "stream",
            "keys",
            "manifest",
            "catalog_backup",
            "catalog",
            "pools",
            "health",
        ],
    ),
    (
        "api",
        &[
            "domain",
            "schedules",
            "jobs",
            "catalog",
            "pools",
            "people",
            "audit",
            "health",
            "keys",
            "system",
        ],
    ),
    ("gateway", &["domain"]),
];

/// What tests may name besides: the virtual library they run on, and the commands it logged.
const TESTS_MAY_IMPORT: &[&str] = &["vtl", "scsi", "domain"];

/// What may be named by nobody's leave: `app` wires everything, the others are no layers.
const FREE: &[&str] = &["app", "main", "lib", "tidy"];

/// Imports against the direction.
pub(super) fn direction(source: &Source) -> Vec<Finding> {
    let module = source.module();
    if FREE.contains(&module) {
        return Vec::new();
    }
    let listed = MAY_IMPORT.iter().find(|(name, _)| *name == module);
    let Some((_, allowed)) = listed else {
        return vec![finding(source, 1, format!("`{module}` is not in the table of imports"))];
    };
    let mut findings = Vec::new();
    for (offset, named) in named_modules(source) {
        let line = source.line_of(offset);
        let is_test = source.is_test_line[line - 1];
        let is_allowed = named == module
            || allowed.contains(&named)
            || is_test && TESTS_MAY_IMPORT.contains(&named);
        if !is_allowed {
            findings.push(finding(source, line, format!("`{module}` may not import `{named}`")));
        }
    }
    findings
}

fn finding(source: &Source, line: usize, message: String) -> Finding {
    Finding { path: source.path.clone(), line, rule: "imports", message }
}

/// The modules that a file names after `crate::`, also in braces, and by too many `super::`.
fn named_modules(source: &Source) -> Vec<(usize, &str)> {
    let code = source.code.as_str();
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` in a macro of ours is a name like any other.
        let start = at + "crate::".len();
        if code[start..].starts_with('{') {
            named.extend(first_names_in_braces(code, start + 1));
        } else {
            named.extend(identifiers(&code[start..]).next().map(|(by, name)| (start + by, name)));
        }
    }
    // The path of a file has one part a module level, `mod.rs` none.
    let depth = source.path.split('/').filter(|part| *part != "mod.rs").count();
    let climb = "super::".repeat(depth);
    for (at, _) in code.match_indices(&climb) {
        let is_whole_chain = !code[..at].ends_with("super::");
        let is_test = source.is_test_line[source.line_of(at) - 1];
        if is_whole_chain && !is_test {
            let start = at + climb.len();
            named.extend(identifiers(&code[start..]).next().map(|(by, name)| (start + by, name)));
        }
    }
    named
}

/// The first identifier of each item of a `use` group.
fn first_names_in_braces(code: &str, start: usize) -> Vec<(usize, &str)> {
    let mut names = Vec::new();
    let (mut depth, mut is_first) = (1_usize, true);
    let mut at = start;
    while depth > 0 && at < code.len() {
        match code.as_bytes()[at] {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 1 => is_first = true,
            byte if is_first && byte.is_ascii_lowercase() => {
                names.extend(identifiers(&code[at..]).next().map(|(by, name)| (at + by, name)));
                is_first = false;
            }
            _ => {}
        }
        at += 1;
    }
    names
}

/// Files that no `mod` declares: they are not compiled, so they are wrong already.
pub(super) fn orphans(sources: &[Source]) -> Vec<Finding> {
    let code: BTreeMap<&str, &str> =
        sources.iter().map(|source| (source.path.as_str(), source.code.as_str())).collect();
    let is_declared = |source: &&Source| {
        let path = source.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        if matches!(path, "lib" | "main") {
            return true;
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parents = match folder {
            "" => ["lib.rs".to_owned(), "main.rs".to_owned()],
            _ => [format!("{folder}/mod.rs"), format!("{folder}.rs")],
        };
        let declaration = format!("mod {name};");
        let declares = |parent: &String| {
            code.get(parent.as_str()).is_some_and(|text| text.contains(&declaration))
        };
        parents.iter().any(declares)
    };
    let orphan = |source: &Source| Finding {
        path: source.path.clone(),
        line: 1,
        rule: "orphan",
        message: "no `mod` declares this file: declare it or delete it".to_owned(),
    };
    sources.iter().filter(|source| !is_declared(source)).map(orphan).collect()
}

/// Files of which no public name appears in the product code of any other file.
pub(super) fn unused(sources: &[Source]) -> Vec<Finding> {
    let mut files_by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        for (offset, name) in identifiers(&source.code) {
            // A test that uses a file does not make it part of the product.
            if !source.is_test_line[source.line_of(offset) - 1] || is_test_file(source) {
                files_by_name.entry(name).or_default().insert(&source.path);
            }
        }
    }
    let is_unused = |source: &&Source| {
        let names = public_names(source);
        let is_used = |name: &&str| {
            let users = files_by_name.get(name);
            users.is_some_and(|users| users.iter().any(|user| *user != source.path))
        };
        !names.is_empty() && !names.iter().any(is_used)
    };
    let idle = |source: &Source| Finding {
        path: source.path.clone(),
        line: 1,
        rule: "unused",
        message: "nothing imports this file: use it or delete it".to_owned(),
    };
    sources.iter().filter(is_unused).map(idle).collect()
}

fn is_test_file(source: &Source) -> bool {
    source.is_test_line.iter().all(|is_test| *is_test)
}

/// Names of the `pub` items of a file, of any visibility above private.
fn public_names(source: &Source) -> BTreeSet<&str> {
    const ITEMS: &[&str] = &["fn", "struct", "enum", "trait", "const", "static", "type", "union"];
    let mut names = BTreeSet::new();
    for (_, line) in source.product_lines(&source.code) {
        let Some(declaration) = line.trim_start().strip_prefix("pub") else { continue };
        let mut words = identifiers(declaration).map(|(_, word)| word);
        if words.any(|word| ITEMS.contains(&word)) {
            names.extend(words.find(|word| !matches!(*word, "fn" | "unsafe")));
        }
    }
    names
}
