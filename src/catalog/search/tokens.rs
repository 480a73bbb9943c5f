//! What the index knows of a file: tokens of its name, its folders, its extension, month and size.
//!
//! All conditions are tokens of one kind, so that a question is one intersection of sorted lists:
//!
//! ```text
//!  /photos/Holiday 2019/IMG_12.JPG, 3 MB, May 2019, set 4
//!    trigrams of the name     img mg_ g_1 _12 12. 2.j .jp jpg
//!    words of the folders     /wphotos /wholiday /w2019
//!    extension, month, year   /xjpg /m592 /y2019
//!    power of two of the size /z21
//!    set                      /s4
//! ```
//!
//! A name holds no `/`, so the kinds cannot be confused. FTS5's ASCII tokenizer splits at every ASCII
//! character that is no letter or digit; those are moved out of ASCII (by [`SHIFT`]) and so stay in
//! their tokens. With `detail=none` a posting is one or two bytes, because files of one folder follow
//! one another.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Where punctuation goes: U+0100 and on has no ASCII.
const SHIFT: u32 = 0x100;
/// Longest name that is indexed in full; Linux allows 255 bytes.
const NAME_CHARS_MAX: usize = 255;
/// Words of folders that are indexed, the deepest first: a path of thousands of folders stays cheap.
const FOLDER_WORDS_MAX: usize = 48;
/// Longest word or extension that is indexed.
const WORD_CHARS_MAX: usize = 40;
const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

/// Lower case, without accents: the form in which everything is compared.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// What follows the last dot of a folded name, if something stands before it.
pub(super) fn extension_of(folded: &str) -> Option<&str> {
    let (stem, extension) = folded.rsplit_once('.')?;
    let fits = !stem.is_empty() && !extension.is_empty();
    (fits && extension.chars().count() <= WORD_CHARS_MAX).then_some(extension)
}

/// A file as the index takes it.
#[derive(Debug)]
pub(super) struct IndexedFile<'a> {
    /// Its own name.
    pub name: &'a [u8],
    /// Tokens of its folder, from [`folder_tokens`].
    pub folder_tokens: &'a str,
    /// Its set.
    pub set: i64,
    /// Its size in bytes.
    pub size: u64,
    /// When it was modified, in nanoseconds.
    pub modified: i64,
}

/// The tokens of a folder's path, which its files share.
pub(super) fn folder_tokens(path: &[u8]) -> String {
    let folded = fold(&String::from_utf8_lossy(path));
    let mut words = BTreeSet::new();
    for word in words_of(&folded).rev().take(FOLDER_WORDS_MAX) {
        words.insert(word);
    }
    let mut out = String::new();
    for word in words {
        push_token(&mut out, "/w", word);
    }
    out
}

/// Replaces `out` by all tokens of a file, with spaces between.
pub(super) fn file_tokens(file: &IndexedFile<'_>, out: &mut String) {
    out.clear();
    let folded = fold(&String::from_utf8_lossy(file.name));
    let chars: Vec<char> = folded.chars().take(NAME_CHARS_MAX).collect();
    for trigram in chars.windows(3) {
        out.extend(trigram.iter().copied().map(token_char));
        out.push(' ');
    }
    out.push_str(file.folder_tokens);
    if let Some(extension) = extension_of(&folded) {
        push_token(out, "/x", extension);
    }
    let (year, month) = year_and_month(file.modified);
    push_token(out, "/m", &month.to_string());
    push_token(out, "/y", &year.to_string());
    push_token(out, "/z", &size_class(file.size).to_string());
    push_token(out, "/s", &file.set.to_string());
}

/// Conditions that the index can narrow; words and extension are folded.
#[derive(Debug)]
pub(super) struct Conditions<'a> {
    pub words: &'a [String],
    pub extension: Option<&'a str>,
    pub under: Option<&'a [u8]>,
    pub set: Option<i64>,
    /// Smallest and largest size.
    pub sizes: (u64, u64),
    /// From, and before; nanoseconds.
    pub modified: (i64, i64),
}

/// The expression whose matches include every file that meets the conditions; `None` if that is all.
pub(super) fn match_expression(conditions: &Conditions<'_>) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    all.extend(conditions.words.iter().filter_map(|word| word_expression(word)));
    if let Some(extension) = conditions.extension {
        all.push(quoted("/x", extension));
    }
    if let Some(under) = conditions.under {
        let folder = folder_tokens(under);
        all.extend(folder.split_whitespace().map(|token| format!("\"{token}\"")));
    }
    all.extend(month_expression(conditions.modified));
    all.extend(size_expression(conditions.sizes));
    all.extend(conditions.set.map(|set| quoted("/s", &set.to_string())));
    (!all.is_empty()).then(|| all.join(" AND "))
}

/// A word of the text: in the name, or at the beginning of a folder's words.
fn word_expression(word: &str) -> Option<String> {
    let chars: Vec<char> = word.chars().take(NAME_CHARS_MAX).collect();
    if chars.len() < 3 {
        return None;
    }
    let trigrams: BTreeSet<String> = chars
        .windows(3)
        .map(|trigram| {
            format!("\"{}\"", trigram.iter().copied().map(token_char).collect::<String>())
        })
        .collect();
    let in_name = trigrams.into_iter().collect::<Vec<_>>().join(" AND ");
    let mut folder_words: Vec<String> = words_of(word).map(|part| quoted("/w", part)).collect();
    if let Some(last) = folder_words.last_mut() {
        last.push('*');
    }
    if folder_words.is_empty() {
        return Some(format!("({in_name})"));
    }
    Some(format!("(({in_name}) OR ({}))", folder_words.join(" AND ")))
}

fn month_expression((from, before): (i64, i64)) -> Option<String> {
    if from == i64::MIN && before == i64::MAX {
        return None;
    }
    let (first_year, first) = year_and_month(from.max(0));
    let (last_year, last) = year_and_month(before.saturating_sub(1));
    // An open end reaches to where clocks and formats end.
    let (first_year, first) = if from <= 0 { (1970, 0) } else { (first_year, first) };
    let mut any = Vec::new();
    if from < 0 {
        any.push(quoted("/y", "0"));
    }
    for year in first_year..=last_year.min(first_year.saturating_add(400)) {
        let months = (year - 1970) * 12..(year - 1970) * 12 + 12;
        if first <= months.start && last >= months.end - 1 {
            any.push(quoted("/y", &year.to_string()));
        } else {
            let wanted = months.filter(|month| (first..=last).contains(month));
            any.extend(wanted.map(|month| quoted("/m", &month.to_string())));
        }
    }
    Some(any_of(&any))
}

fn size_expression((smallest, largest): (u64, u64)) -> Option<String> {
    if (smallest, largest) == (0, u64::MAX) {
        return None;
    }
    let classes = size_class(smallest)..=size_class(largest);
    let any: Vec<String> = classes.map(|class| quoted("/z", &class.to_string())).collect();
    Some(any_of(&any))
}

/// The year, and the month counted from January 1970; what was before 1970 counts as year and month 0.
fn year_and_month(nanoseconds: i64) -> (i64, i64) {
    if nanoseconds < 0 {
        return (0, 0);
    }
    let moment = OffsetDateTime::from_unix_timestamp(nanoseconds / NANOSECONDS_PER_SECOND)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let year = i64::from(moment.year());
    (year, (year - 1970) * 12 + i64::from(u8::from(moment.month())) - 1)
}

/// Binary digits of a size: 0 for 0, 1 for 1, 2 for 2 and 3, up to 64.
fn size_class(size: u64) -> u32 {
    u64::BITS - size.leading_zeros()
}

fn any_of(alternatives: &[String]) -> String {
    if alternatives.is_empty() {
        // Nothing can match: no file has this token.
        return quoted("/n", "nothing");
    }
    format!("({})", alternatives.join(" OR "))
}

fn words_of(folded: &str) -> impl DoubleEndedIterator<Item = &str> {
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn quoted(kind: &str, text: &str) -> String {
    let mut out = String::from("\"");
    push_token(&mut out, kind, text);
    out.pop();
    out.push('"');
    out
}

fn push_token(out: &mut String, kind: &str, text: &str) {
    out.extend(kind.chars().map(token_char));
    out.extend(text.chars().take(WORD_CHARS_MAX).map(token_char));
    out.push(' ');
}

/// The character that stands for `c` in a token.
fn token_char(c: char) -> char {
    if c.is_ascii() && !c.is_ascii_alphanumeric() {
        char::from_u32(u32::from(c) + SHIFT).unwrap_or('\u{17F}')
    } else {
        c
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(name: &str) -> String {
        let mut out = String::new();
        let folder = folder_tokens(b"photos/Holiday 2019");
        let file = IndexedFile {
            name: name.as_bytes(),
            folder_tokens: &folder,
            set: 4,
            size: 3_000_000,
            modified: 1_557_000_000 * NANOSECONDS_PER_SECOND,
        };
        file_tokens(&file, &mut out);
        out.chars()
            .map(|c| {
                if c > '\u{FF}' && c < '\u{180}' {
                    char::from_u32(u32::from(c) - SHIFT).unwrap()
                } else {
                    c
                }
            })
            .collect()
    }

    #[test]
    fn a_file_has_the_tokens_of_its_name_folders_and_properties() {
        assert_eq!(
            tokens("IMG_12.JPG").trim_end(),
            "img mg_ g_1 _12 12. 2.j .jp jpg /w2019 /wholiday /wphotos /xjpg /m592 /y2019 /z22 /s4"
        );
    }

    #[test]
    fn case_and_accents_are_folded_and_bytes_that_are_no_text_do_no_harm() {
        assert_eq!(fold("ÜBER Straße"), "uber straße");
        assert_eq!(fold("Cafe\u{301}"), "cafe");
        assert_eq!(extension_of("a.tar.gz"), Some("gz"));
        assert_eq!(extension_of(".hidden"), None);
        assert_eq!(extension_of("dot."), None);
        let mut out = String::new();
        let file =
            IndexedFile { name: b"\xFF\"*\n", folder_tokens: "", set: 1, size: 0, modified: -5 };
        file_tokens(&file, &mut out);
        assert!(out.split(' ').all(|token| !token.contains(['"', '*', '\n'])));
    }

    #[test]
    fn a_range_of_dates_becomes_years_and_the_months_at_its_ends() {
        let second = |date: &str| -> i64 {
            let moment: crate::domain::Timestamp = format!("{date}T00:00:00.0Z").parse().unwrap();
            moment.seconds * NANOSECONDS_PER_SECOND
        };
        let expression = month_expression((second("2018-11-15"), second("2020-02-01"))).unwrap();
        let shown = expression.replace('\u{12F}', "/");
        assert_eq!(shown, "(\"/m586\" OR \"/m587\" OR \"/y2019\" OR \"/m600\")");
        assert_eq!(month_expression((i64::MIN, i64::MAX)), None);
        let nothing = month_expression((second("2020-01-01"), second("2019-01-01"))).unwrap();
        assert!(nothing.contains("nothing"));
    }

    #[test]
    fn words_that_are_too_short_do_not_narrow() {
        assert_eq!(word_expression("ab"), None);
        assert!(word_expression("abc").is_some());
        assert!(word_expression("...").is_some());
    }
}
