//! Questions as people ask them, a few hundred of each kind, and how long each takes.

use std::sync::Arc;
use std::time::Duration;

use super::catalog::{refused, set};
use super::gauge::{Answers, Gauge};
use super::sample::LARGE_FOLDER;
use crate::app::error::AppError;
use crate::catalog::{AsOf, Catalog, SearchQuery};
use crate::domain::Timestamp;

/// Questions of each kind: enough that 99 of 100 means something.
const QUESTIONS: u64 = 300;
/// Hits on a page.
const HITS_ON_PAGE: usize = 50;
/// Entries on a page of a folder.
const ENTRIES_ON_PAGE: usize = 200;
/// What 99 of 100 questions may take.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(50);

type Question = fn(u64) -> SearchQuery;

/// Each kind with its nth question.
const KINDS: [(&str, Question); 9] = [
    ("beginning of a name", |n| text(&format!("img_{:03x}", n * 19 % 4096))),
    ("three letters that many names begin with", |n| {
        text(["img", "inv", "rec", "mod"][usize::try_from(n % 4).unwrap_or(0)])
    }),
    ("three letters of every path", |n| {
        text(["pro", "cli", "hom", "art"][usize::try_from(n % 4).unwrap_or(0)])
    }),
    ("middle of a name", |n| text(&format!("{:05x}", n * 7919 % 1_048_576))),
    ("a common word", |n| {
        text(["invoice", "recording", "img_", "module"][usize::try_from(n % 4).unwrap_or(0)])
    }),
    ("folder and name", |n| text(&format!("client{:03} scan", n % 977))),
    ("extension and date", |n| SearchQuery {
        extension: Some("jpg".to_owned()),
        modified_from: Some(moment(n, 0)),
        modified_before: Some(moment(n, 5_000_000)),
        ..SearchQuery::default()
    }),
    ("common words that no name has together", |_| text("invoice jpg")),
    ("nothing", |n| text(&format!("img_zz{n}"))),
];

fn text(text: &str) -> SearchQuery {
    SearchQuery { text: text.to_owned(), ..SearchQuery::default() }
}

fn moment(n: u64, later: i64) -> Timestamp {
    let seconds = 1_100_000_000 + (n % 200).cast_signed() * 3_000_000 + later;
    Timestamp { seconds, nanoseconds: 0 }
}

/// The words of the nth search of an archive like this one, as people type them.
pub(in crate::app::bench) fn search_text(n: u64) -> String {
    let asked = usize::try_from(n).unwrap_or(0) % KINDS.len();
    KINDS[asked].1(n).text
}

/// Asks everything. Of a search the first page with a hit counts, however many empty ones stand before.
pub(super) fn measure(
    gauge: &mut Gauge<'_>,
    catalog: &Catalog,
    when: &str,
) -> Result<(), AppError> {
    let clock = Arc::clone(&gauge.clock);
    for (what, question) in KINDS {
        let (mut hits, mut answers) = (0, Answers::default());
        for n in 0..QUESTIONS {
            let query = question(n);
            hits += answers.add(&clock, || first_hits(catalog, &query))?;
        }
        let what = format!("search{when}: {what} ({hits} hits)");
        gauge.answers(&what, &answers, Some(ANSWER_TIME_MAX));
    }
    let (set, mut answers) = (set()?, Answers::default());
    for _ in 0..QUESTIONS {
        answers.add(&clock, || {
            let folder = LARGE_FOLDER.as_bytes();
            let page = catalog.children(&set, folder, &AsOf::Now, None, ENTRIES_ON_PAGE);
            page.map_err(refused)
        })?;
    }
    let what = format!("first page of the largest folder{when}");
    gauge.answers(&what, &answers, Some(ANSWER_TIME_MAX));
    Ok(())
}

/// How many hits the first page has that has any.
fn first_hits(catalog: &Catalog, query: &SearchQuery) -> Result<usize, AppError> {
    let mut after = None;
    loop {
        let page = catalog.search(query, after, HITS_ON_PAGE).map_err(refused)?;
        if !page.hits.is_empty() || page.next.is_none() {
            return Ok(page.hits.len());
        }
        after = page.next;
    }
}
