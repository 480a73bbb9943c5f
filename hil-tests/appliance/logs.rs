//! The log of a running engine over HTTP: searched by words, gravity, job and time, read page by page, taken away.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::machine::Machine;
use crate::services::{connect, exchange};

/// The API with a key.
struct Asker<'a> {
    host: &'a str,
    key: String,
}

impl Asker<'_> {
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let Self { host, key } = self;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let (status, _, answer) = exchange(connect(host), &request);
        (status, answer)
    }

    /// Lines of the log, newest first.
    fn lines(&self, query: &str) -> Vec<Value> {
        let (status, page) = self.ask("GET", &format!("/api/logs?limit=1000&{query}"), "");
        assert_eq!(status, 200, "{query}: {page}");
        page["items"].as_array().unwrap().clone()
    }
}

fn number(line: &Value) -> i64 {
    line["number"].as_i64().unwrap()
}

fn text<'a>(line: &'a Value, name: &str) -> &'a str {
    line[name].as_str().unwrap()
}

#[test]
fn the_log_is_searched_by_words_gravity_job_and_time_read_page_by_page_and_cleaned_up() {
    let machine = Machine::start("64MiB");
    let url = machine.url();
    let host = url.strip_prefix("http://").unwrap();
    let key = |role| {
        let made = machine.ask(&["key", "create", role, "--role", role]);
        Asker { host, key: made.out.trim().to_owned() }
    };
    let admin = key("admin");
    machine.format("FSP001L9");
    // Not blank any more: the second job fails, and says so as an error.
    assert_ne!(machine.ask(&["cartridge", "format", "FSP001L9"]).code, Some(0));

    let all = admin.lines("");
    let newest = number(&all[0]);
    assert!(all.windows(2).all(|pair| number(&pair[0]) > number(&pair[1])), "newest first");
    // What is logged while this asks is of no account.
    let old = |lines: Vec<Value>| {
        lines.into_iter().filter(|line| number(line) <= newest).collect::<Vec<_>>()
    };

    let found = old(admin.lines("q=fsp001l9"));
    let has_it = |line: &Value| text(line, "message").to_lowercase().contains("fsp001l9");
    assert!(!found.is_empty() && found.iter().all(has_it), "{found:#?}");
    assert_eq!(found.len(), all.iter().filter(|line| has_it(line)).count());
    assert_eq!(admin.lines("q=no%20such%20words%20anywhere"), Vec::<Value>::new());

    let errors = old(admin.lines("level=error"));
    assert!(errors.iter().all(|line| text(line, "level") == "error"));
    assert!(errors.iter().any(|line| line["job"] == 2), "{errors:#?}");
    let warnings = old(admin.lines("level=warning"));
    assert!(warnings.iter().all(|line| ["error", "warning"].contains(&text(line, "level"))));
    assert!(errors.iter().all(|line| warnings.contains(line)), "at least as grave");
    let of_job = admin.lines("job=1");
    assert!(!of_job.is_empty() && of_job.iter().all(|line| line["job"] == 1), "{of_job:#?}");

    let middle = text(&all[all.len() / 2], "at").to_owned();
    let (since, until) = (
        old(admin.lines(&format!("since={middle}"))),
        old(admin.lines(&format!("until={middle}"))),
    );
    assert!(!since.is_empty() && since.len() + until.len() == all.len(), "split at {middle}");
    let numbers = |lines: &[Value]| lines.iter().map(number).collect::<BTreeSet<_>>();
    assert!(numbers(&since).is_disjoint(&numbers(&until)));

    let mut after = format!("&after={}", newest + 1);
    let mut read = Vec::new();
    loop {
        let (status, page) = admin.ask("GET", &format!("/api/logs?limit=3{after}"), "");
        assert_eq!(status, 200, "{page}");
        read.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(read, all, "page by page it is the same");

    for (query, status) in [("level=loud", 400), ("since=yesterday", 400), ("after=x", 400)] {
        assert_eq!(admin.ask("GET", &format!("/api/logs?{query}"), "").0, status, "{query}");
    }
    assert_eq!(key("operator").ask("GET", "/api/logs", "").0, 403);

    let standing = json!({ "days": 7, "lines_max": 100_000 });
    let kept = admin.ask("PUT", "/api/logs/retention", &standing.to_string());
    assert_eq!(kept, (200, standing.clone()));
    assert_eq!(admin.ask("GET", "/api/logs/retention", ""), (200, standing));
    let (_, untouched) = admin.ask("POST", "/api/logs/cleanup", "");
    assert_eq!(untouched["removed"], 0, "nothing is that old or that much");
    let (status, cleaned) = admin.ask("POST", "/api/logs/cleanup", r#"{"lines_max": 2}"#);
    assert_eq!((status, &cleaned["left"]), (200, &json!(2)), "{cleaned}");
    assert!(cleaned["removed"].as_u64().unwrap() + 2 >= all.len() as u64);
    assert!(old(admin.lines("")).len() <= 2, "the oldest went");
}
