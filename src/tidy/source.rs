//! A source file as the rules see it: its text, with comments and strings blanked, and its tests.
//!
//! Blanking keeps every character's place and every line break, so positions in one view hold in the
//! others.

use std::io;
use std::path::Path;

/// One `.rs` file.
#[derive(Debug)]
pub(super) struct Source {
    /// Path below `src/`, with `/`.
    pub(super) path: String,
    /// As it stands.
    pub(super) text: String,
    /// Comments and the insides of strings blanked.
    pub(super) code: String,
    /// Comments blanked, strings kept.
    pub(super) code_and_strings: String,
    /// For each line, whether it belongs to tests.
    pub(super) is_test_line: Vec<bool>,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (code, code_and_strings) = blank(text);
        let is_test_line = test_lines(path, &code);
        Self { path: path.to_owned(), text: text.to_owned(), code, code_and_strings, is_test_line }
    }

    /// The first folder or file name below `src/`, without `.rs`: `drive` of `drive/mod.rs`.
    pub(super) fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Lines of `view`, counted from 1, that do not belong to tests.
    pub(super) fn product_lines<'a>(
        &'a self,
        view: &'a str,
    ) -> impl Iterator<Item = (usize, &'a str)> {
        let numbered = view.lines().enumerate();
        numbered.filter(|(at, _)| !self.is_test_line[*at]).map(|(at, line)| (at + 1, line))
    }

    /// The line, counted from 1, of a byte offset.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }
}

/// All `.rs` files below `root`, in the order of their paths.
pub(super) fn read_tree(root: &Path) -> io::Result<Vec<Source>> {
    let mut folders = vec![root.to_path_buf()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                // What a build of a package in there leaves is not ours.
                folders.extend((!path.ends_with("target")).then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(root).map_err(io::Error::other)?;
                let text = std::fs::read_to_string(&path)?;
                sources.push(Source::new(&below.to_string_lossy(), &text));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

/// Identifiers of a text with their byte offsets.
pub(super) fn identifiers(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let start = rest + text[rest..].find(is_word)?;
        let length = text[start..].find(|c| !is_word(c)).unwrap_or(text.len() - start);
        rest = start + length;
        Some((start, &text[start..rest]))
    })
}

/// The offset just after the bracket that closes the one at `open`.
pub(super) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Marks the lines of test files and of items under `#[cfg(test)]` or `#[test]`.
fn test_lines(path: &str, code: &str) -> Vec<bool> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_test_file = matches!(name, "tests.rs" | "test_support.rs")
        || path.contains("/tests/")
        || path.starts_with("tidy");
    let mut marks = vec![is_test_file; code.lines().count()];
    for marker in ["#[cfg(test)]", "#[test]"] {
        for (at, _) in code.match_indices(marker) {
            let item = &code[at..];
            let brace = item.find('{').unwrap_or(item.len());
            // `mod tests;` and `use …;` end before any brace.
            let end = match item.find(';') {
                Some(semicolon) if semicolon < brace => at + semicolon,
                _ => closing(code, at + brace),
            };
            let first = code[..at].matches('\n').count();
            let last = code[..end].matches('\n').count();
            marks.iter_mut().take(last + 1).skip(first).for_each(|mark| *mark = true);
        }
    }
    marks
}

/// Returns the text with comments and strings blanked, and with comments alone blanked.
fn blank(text: &str) -> (String, String) {
    let (mut code, mut with_strings) = (String::new(), String::new());
    let mut rest = text;
    while !rest.is_empty() {
        let (length, is_comment, is_string) = token(rest, code.chars().next_back());
        let (piece, after) = rest.split_at(length);
        let blanked: String =
            piece.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        code.push_str(if is_comment || is_string { &blanked } else { piece });
        with_strings.push_str(if is_comment { &blanked } else { piece });
        rest = after;
    }
    (code, with_strings)
}

/// The next token's length in bytes, and whether it is a comment or a string.
fn token(rest: &str, before: Option<char>) -> (usize, bool, bool) {
    let one = rest.chars().next().map_or(1, char::len_utf8);
    let is_in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), true, false);
    }
    if rest.starts_with("/*") {
        return (rest.find("*/").map_or(rest.len(), |end| end + 2), true, false);
    }
    if rest.starts_with('"') {
        return (quoted(rest, '"'), false, true);
    }
    let raw = rest.trim_start_matches('b').strip_prefix('r').unwrap_or_default();
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    if !is_in_word && raw[hashes..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let open = rest.len() - raw.len() + hashes + 1;
        let end = rest[open..].find(&close).map_or(rest.len(), |at| open + at + close.len());
        return (end, false, true);
    }
    // A lifetime has no closing quote after one character.
    let mut quote = rest.chars();
    if quote.next() == Some('\'') {
        let (second, third) = (quote.next(), quote.next());
        if second == Some('\\') || third == Some('\'') {
            return (quoted(rest, '\''), false, true);
        }
    }
    (one, false, false)
}

/// Length of a quoted text with backslash escapes, quotes included.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
