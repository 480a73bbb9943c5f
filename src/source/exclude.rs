//! Patterns of what a walk leaves out, in the manner of `.gitignore`.
//!
//! | pattern | leaves out |
//! |---|---|
//! | `*.tmp` | every entry with such a name, at any depth |
//! | `cache/` | every directory of that name, with all it holds |
//! | `build/*.o` | what matches below each root, from the root on |
//! | `/home/ann/cache` | this absolute path |
//! | `**/target/**/x` | `**` stands for any number of directories, also none |
//! | `!keep.tmp` | nothing: takes back what an earlier pattern said |
//!
//! `*` and `?` stop at `/`, `[a-z]` and `[!a-z]` are classes, `\` takes the next character as it is.
//! The last pattern that matches decides. What lies in a directory that is left out is never looked
//! at, so nothing in it can be taken back. A root that was asked for is never left out.

use crate::source::{SourceError, SourcePath};

/// A list of patterns, in their order.
#[derive(Clone, Debug, Default)]
pub struct Excludes {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor {
    /// Compared with the last part of the path only.
    Name,
    /// Compared with the path from its root on.
    Root,
    /// Compared with the absolute path.
    Absolute,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Exclude,
    Keep,
}

#[derive(Clone, Debug)]
struct Pattern {
    parts: Vec<Part>,
    anchor: Anchor,
    verdict: Verdict,
    only_directories: bool,
}

/// A pattern between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// `**`
    AnyDirectories,
    Name(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    AnyOne,
    AnyRun,
    Class { ranges: Vec<(u8, u8)>, is_negated: bool },
}

impl Excludes {
    /// Reads patterns. Empty ones and those that begin with `#` say nothing.
    ///
    /// # Errors
    /// Names the first malformed pattern and what is wrong with it.
    pub fn parse<P: AsRef<str>>(patterns: &[P]) -> Result<Self, SourceError> {
        let meaningful = patterns.iter().map(|pattern| pattern.as_ref().trim_end());
        let meaningful = meaningful.filter(|text| !text.is_empty() && !text.starts_with('#'));
        let patterns = meaningful.map(|text| {
            Pattern::parse(text)
                .map_err(|reason| SourceError::BadPattern { pattern: text.to_owned(), reason })
        });
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()? })
    }

    /// True when nothing is ever left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// True if `path` is left out. `root_bytes` is the length of the path of its root.
    #[must_use]
    pub fn covers(&self, path: &SourcePath, root_bytes: usize, is_directory: bool) -> bool {
        let absolute = path.as_bytes();
        let below_root = absolute.get(root_bytes..).unwrap_or_default();
        let below_root = below_root.strip_prefix(b"/").unwrap_or(below_root);
        let decisive = self.patterns.iter().rev().find(|pattern| {
            (is_directory || !pattern.only_directories)
                && match pattern.anchor {
                    Anchor::Name => pattern.matches(path.name()),
                    Anchor::Root => pattern.matches(below_root),
                    Anchor::Absolute => pattern.matches(absolute),
                }
        });
        decisive.is_some_and(|pattern| pattern.verdict == Verdict::Exclude)
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (verdict, text) = match text.strip_prefix('!') {
            Some(rest) => (Verdict::Keep, rest),
            None => (Verdict::Exclude, text),
        };
        let only_directories = text.ends_with('/') && !text.ends_with("\\/");
        let text = if only_directories { text.trim_end_matches('/') } else { text };
        let (anchor, text) = match text.strip_prefix('/') {
            Some(rest) => (Anchor::Absolute, rest),
            None if text.contains('/') => (Anchor::Root, text),
            None => (Anchor::Name, text),
        };
        if text.is_empty() {
            return Err("it names nothing");
        }
        let parts = text.split('/').map(Part::parse).collect::<Result<_, _>>()?;
        Ok(Self { parts, anchor, verdict, only_directories })
    }

    fn matches(&self, path: &[u8]) -> bool {
        let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
        matches_sequence(&self.parts, &names, Part::is_any_directories, Part::matches)
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "**" {
            return Ok(Self::AnyDirectories);
        }
        if text.is_empty() {
            return Err("it has an empty part between two slashes");
        }
        let mut tokens = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            tokens.push(match byte {
                b'*' => Token::AnyRun,
                b'?' => Token::AnyOne,
                b'[' => {
                    let (class, after) = parse_class(rest)?;
                    rest = after;
                    class
                }
                b'\\' => {
                    let (&literal, after) = rest.split_first().ok_or("it ends in a backslash")?;
                    rest = after;
                    Token::Byte(literal)
                }
                literal => Token::Byte(literal),
            });
        }
        Ok(Self::Name(tokens))
    }

    fn is_any_directories(&self) -> bool {
        *self == Self::AnyDirectories
    }

    fn matches(&self, name: &&[u8]) -> bool {
        match self {
            Self::AnyDirectories => true,
            Self::Name(tokens) => {
                matches_sequence(tokens, name, |token| *token == Token::AnyRun, Token::matches)
            }
        }
    }
}

impl Token {
    fn matches(&self, byte: &u8) -> bool {
        match self {
            Self::Byte(expected) => byte == expected,
            Self::AnyOne | Self::AnyRun => true,
            Self::Class { ranges, is_negated } => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&byte)) != *is_negated
            }
        }
    }
}

/// Reads what follows `[`; returns the class and what follows `]`.
fn parse_class(text: &[u8]) -> Result<(Token, &[u8]), &'static str> {
    const UNCLOSED: &str = "a '[' has no ']'";
    let (is_negated, mut rest) = match text {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut ranges = Vec::new();
    loop {
        rest = match rest {
            [b']', after @ ..] if !ranges.is_empty() => {
                return Ok((Token::Class { ranges, is_negated }, after));
            }
            [low, b'-', high, after @ ..] if *high != b']' => {
                ranges.push((*low, *high));
                after
            }
            [byte, after @ ..] => {
                ranges.push((*byte, *byte));
                after
            }
            [] => return Err(UNCLOSED),
        };
    }
}

/// Matches a pattern in which some elements stand for any number of items.
///
/// Goes back to the last such element only, which is enough and keeps the time at the product of
/// both lengths, whatever the pattern.
fn matches_sequence<P, T>(
    pattern: &[P],
    items: &[T],
    is_any_run: impl Fn(&P) -> bool,
    matches: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at_pattern, mut at_item) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at_item < items.len() {
        match pattern.get(at_pattern) {
            Some(element) if is_any_run(element) => {
                back = Some((at_pattern + 1, at_item));
                at_pattern += 1;
                continue;
            }
            Some(element) if matches(element, &items[at_item]) => {
                at_pattern += 1;
                at_item += 1;
                continue;
            }
            _ => {}
        }
        let Some((after_run, taken)) = back else { return false };
        back = Some((after_run, taken + 1));
        (at_pattern, at_item) = (after_run, taken + 1);
    }
    pattern[at_pattern..].iter().all(is_any_run)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a root at `r`.
    fn is_out(patterns: &[&str], path: &str, is_directory: bool) -> bool {
        let path = SourcePath::from_bytes(path).unwrap();
        Excludes::parse(patterns).unwrap().covers(&path, 1, is_directory)
    }

    #[test]
    fn patterns_match_as_their_table_says() {
        for (pattern, path, expected) in [
            ("*.tmp", "r/a/b.tmp", true),
            ("*.tmp", "r/a/b.tmp2", false),
            ("a?c", "r/abc", true),
            ("a?c", "r/ac", false),
            ("[a-c]x", "r/bx", true),
            ("[!a-c]x", "r/bx", false),
            ("[]]", "r/]", true),
            ("\\*", "r/*", true),
            ("\\*", "r/a", false),
            ("build/*.o", "r/build/x.o", true),
            ("build/*.o", "r/sub/build/x.o", false),
            ("build/*.o", "r/build/sub/x.o", false),
            ("/r/a", "r/a", true),
            ("/r/a", "r/b/r/a", false),
            ("**/target", "r/target", true),
            ("**/target", "r/x/y/target", true),
            ("a/**/z", "r/a/z", true),
            ("a/**/z", "r/a/b/c/z", true),
            ("a/**", "r/a/b", true),
            ("a*b*c", "r/aXbYbZc", true),
            ("a*b*c", "r/aXbYbZ", false),
            ("é?", "r/éa", true),
            ("é*", "r/émile", true),
        ] {
            assert_eq!(is_out(&[pattern], path, false), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn a_closing_slash_means_directories_and_the_last_match_decides() {
        assert!(is_out(&["cache/"], "r/cache", true));
        assert!(!is_out(&["cache/"], "r/cache", false));
        assert!(!is_out(&["*.tmp", "!keep.tmp"], "r/keep.tmp", false));
        assert!(is_out(&["!keep.tmp", "*.tmp"], "r/keep.tmp", false));
        assert!(!is_out(&["", "# *"], "r/x", false));
    }

    #[test]
    fn malformed_patterns_are_named() {
        for bad in ["[a", "x\\", "!", "/", "a//b"] {
            let error = Excludes::parse(&[bad]).unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
        }
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        let pattern = "*a".repeat(60);
        let name = format!("r/{}", "a".repeat(50) + "b");
        assert!(!is_out(&[&pattern], &name, false));
    }
}
