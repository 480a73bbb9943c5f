//! What the index knows of a file: numbers for what is in its path, its extension, month, size and set.
//!
//! All conditions are tokens of one kind, so that a question is one intersection of sets of files:
//!
//! ```text
//!  /photos/Holiday 2019/IMG_12.JPG, 3 MB, May 2019, set 4
//!    of the folder, shared by its files   pho hot oto tos os/ s/h /ho hol … 201 019 19/
//!    of the name                          9/i /im img mg_ g_1 _12 12. 2.j .jp jpg pg∎
//!    extension, month, year               jpg, 592, 2019
//!    power of two of the size, set        22, 4
//! ```
//!
//! Three characters are 63 bits; a first "character" beyond Unicode's last says that it is one of the
//! other kinds. So tokens that begin with the same two characters are neighbours, and a word of two
//! letters is a range of them; the end of a name counts as a character for that.

use std::ops::RangeInclusive;

use time::OffsetDateTime;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Longest name or folder that is indexed in full; of longer ones the last characters are.
const CHARS_MAX: usize = 4096;
/// Longest extension that counts as one.
const EXTENSION_CHARS_MAX: usize = 40;
const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
/// Stands behind the last character of a name. No name holds it.
const END: char = '\0';
/// Bits of a character.
const CHAR_BITS: u32 = 21;
/// Kinds of tokens that are no characters begin behind Unicode's last.
const KIND_FIRST: u64 = 0x11_0000;
/// What a token of such a kind can tell apart.
const VALUE_BITS: u32 = 2 * CHAR_BITS;

/// A token. Comparing them compares the characters.
pub(super) type Token = u64;

/// Kinds of tokens that are not of characters.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Extension,
    Month,
    Year,
    Size,
    Set,
    /// No file has it.
    Nothing,
}

impl Kind {
    fn token(self, value: u64) -> Token {
        (KIND_FIRST + self as u64) << VALUE_BITS | (value & ((1 << VALUE_BITS) - 1))
    }
}

fn trigram(chars: &[char]) -> Token {
    chars.iter().take(3).fold(0, |token, c| token << CHAR_BITS | u64::from(*c))
}

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
    (fits && extension.chars().count() <= EXTENSION_CHARS_MAX).then_some(extension)
}

/// An extension as a number; two that share one are told apart by looking at the names.
fn extension_token(extension: &str) -> Token {
    // FNV-1a, because it is short and stays the same in every version.
    let hash = extension.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    Kind::Extension.token(hash >> (u64::BITS - VALUE_BITS))
}

/// What all files of a folder share.
#[derive(Clone, Debug, Default)]
pub(super) struct FolderTokens {
    /// Its set, and the characters of its path.
    pub(super) tokens: Vec<Token>,
    /// How it ends, for what reaches into the names.
    tail: Vec<char>,
}

impl FolderTokens {
    pub(super) fn of(path: &[u8], set: i64) -> Self {
        let mut chars = Vec::new();
        if !path.is_empty() {
            chars.extend(last_chars(&fold(&String::from_utf8_lossy(path))));
            chars.push('/');
        }
        let mut tokens: Vec<Token> = chars.windows(3).map(trigram).collect();
        tokens.push(Kind::Set.token(set.cast_unsigned()));
        tokens.sort_unstable();
        tokens.dedup();
        Self { tokens, tail: chars[chars.len().saturating_sub(2)..].to_vec() }
    }
}

fn last_chars(folded: &str) -> impl Iterator<Item = char> + '_ {
    let excess = if folded.len() > CHARS_MAX { folded.chars().count() } else { 0 };
    folded.chars().skip(excess.saturating_sub(CHARS_MAX))
}

/// A file as the index takes it, without what its folder says.
#[derive(Debug)]
pub(super) struct IndexedFile<'a> {
    /// Its own name.
    pub name: &'a [u8],
    /// Its size in bytes.
    pub size: u64,
    /// When it was modified, in nanoseconds.
    pub modified: i64,
}

/// Calls `take` with each token of a file that its folder has not; some of them twice.
pub(super) fn file_tokens(
    file: &IndexedFile<'_>,
    folder: &FolderTokens,
    chars: &mut Vec<char>,
    mut take: impl FnMut(Token),
) {
    let folded = fold(&String::from_utf8_lossy(file.name));
    chars.clear();
    chars.extend_from_slice(&folder.tail);
    chars.extend(last_chars(&folded));
    chars.push(END);
    chars.windows(3).map(trigram).for_each(&mut take);
    if let Some(extension) = extension_of(&folded) {
        take(extension_token(extension));
    }
    let (year, month) = year_and_month(file.modified);
    take(Kind::Month.token(month.cast_unsigned()));
    take(Kind::Year.token(year.cast_unsigned()));
    take(Kind::Size.token(size_class(file.size).into()));
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

/// Ranges of tokens, of each of which a file that meets the conditions has one at least. None at all
/// says that every file may meet them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted(pub(super) Vec<Vec<RangeInclusive<Token>>>);

impl Wanted {
    pub(super) fn by(conditions: &Conditions<'_>) -> Self {
        let one = |token: Token| vec![token..=token];
        let mut all = Vec::new();
        let words = conditions.words.iter().map(|word| word.chars().collect::<Vec<_>>());
        let mut words: Vec<_> = words.map(|word| word_tokens(&word).into_iter()).collect();
        // One of each word after the other: what never stands together is soon nothing.
        loop {
            let before = all.len();
            all.extend(words.iter_mut().filter_map(Iterator::next));
            if all.len() == before {
                break;
            }
        }
        all.extend(conditions.extension.map(|extension| one(extension_token(extension))));
        if let Some(under) = conditions.under {
            let mut chars: Vec<char> = last_chars(&fold(&String::from_utf8_lossy(under))).collect();
            chars.push('/');
            all.extend(word_tokens(&chars));
        }
        all.extend(month_tokens(conditions.modified));
        all.extend(size_tokens(conditions.sizes));
        all.extend(conditions.set.map(|set| one(Kind::Set.token(set.cast_unsigned()))));
        all.dedup();
        Self(all)
    }
}

/// A word that stands anywhere in a path. One letter narrows nothing.
fn word_tokens(chars: &[char]) -> Vec<Vec<RangeInclusive<Token>>> {
    let chars = &chars[..chars.len().min(CHARS_MAX)];
    if let [first, second] = chars {
        let low = trigram(&[*first, *second, END]);
        return vec![vec![low..=low | ((1 << CHAR_BITS) - 1)]];
    }
    let mut tokens: Vec<Token> = chars.windows(3).map(trigram).collect();
    tokens.sort_unstable();
    tokens.dedup();
    tokens.into_iter().map(|token| vec![token..=token]).collect()
}

fn month_tokens((from, before): (i64, i64)) -> Option<Vec<RangeInclusive<Token>>> {
    if from == i64::MIN && before == i64::MAX {
        return None;
    }
    if before <= from {
        return Some(one_that_is_nowhere());
    }
    let (first_year, first) = year_and_month(from);
    let (last_year, last) = year_and_month(before.saturating_sub(1));
    let tokens = |kind: Kind, range: RangeInclusive<i64>| {
        let token = |value: i64| kind.token(value.cast_unsigned());
        token(*range.start())..=token(*range.end())
    };
    let months = |year: i64| (year - 1970) * 12..=(year - 1970) * 12 + 11;
    if from >= 0 && first_year == last_year {
        return Some(vec![tokens(Kind::Month, first..=last)]);
    }
    // What was before 1970 has year and month 0, whatever is asked for in it.
    let mut any = vec![tokens(Kind::Month, *months(last_year.max(1970)).start()..=last)];
    let years = if from < 0 {
        0..=(last_year - 1).max(0)
    } else {
        any.push(tokens(Kind::Month, first..=*months(first_year).end()));
        first_year + 1..=last_year - 1
    };
    if !years.is_empty() {
        any.push(tokens(Kind::Year, years));
    }
    Some(any)
}

fn size_tokens((smallest, largest): (u64, u64)) -> Option<Vec<RangeInclusive<Token>>> {
    if (smallest, largest) == (0, u64::MAX) {
        return None;
    }
    if largest < smallest {
        return Some(one_that_is_nowhere());
    }
    let class = |size| Kind::Size.token(size_class(size).into());
    Some(vec![class(smallest)..=class(largest)])
}

fn one_that_is_nowhere() -> Vec<RangeInclusive<Token>> {
    let nothing = Kind::Nothing.token(0);
    vec![nothing..=nothing]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(token: Token) -> String {
        if token >> VALUE_BITS >= KIND_FIRST {
            let kind = ["x", "m", "y", "z", "s", "n"];
            let at = usize::try_from((token >> VALUE_BITS) - KIND_FIRST).unwrap();
            return format!("{}{}", kind[at], token & ((1 << VALUE_BITS) - 1));
        }
        let c = |shift: u32| {
            let c = u32::try_from(token >> shift & ((1 << CHAR_BITS) - 1)).unwrap();
            char::from_u32(c).unwrap()
        };
        [c(2 * CHAR_BITS), c(CHAR_BITS), c(0)].into_iter().collect()
    }

    fn tokens(path: &str) -> Vec<String> {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let folder = FolderTokens::of(dir.as_bytes(), 4);
        let file = IndexedFile {
            name: name.as_bytes(),
            size: 3_000_000,
            modified: 1_557_000_000 * NANOSECONDS_PER_SECOND,
        };
        let mut all = folder.tokens.clone();
        file_tokens(&file, &folder, &mut Vec::new(), |token| all.push(token));
        all.into_iter().map(spelled).collect()
    }

    #[test]
    fn a_file_has_the_tokens_of_its_path_and_properties() {
        let extension = spelled(extension_token("jpg"));
        let expected = ["a/b", "/bc", "bc/", "s4", "c/i", "/im", "img", "mg.", "g.j", ".jp", "jpg"];
        let mut expected: Vec<&str> = expected.to_vec();
        expected.sort_unstable();
        let more = ["pg\0", extension.as_str(), "m592", "y2019", "z22"];
        let found = tokens("a/bc/IMG.JPG");
        let (of_path, rest) = found.split_at(found.len() - more.len());
        let mut of_path: Vec<&str> = of_path.iter().map(String::as_str).collect();
        of_path.sort_unstable();
        assert_eq!(of_path, expected);
        assert_eq!(rest, more);
        assert_eq!(tokens("x")[1..], ["m592", "y2019", "z22"]);
    }

    #[test]
    fn every_part_of_a_path_is_found_by_its_tokens() {
        let path = "photos/Hol\u{ED}day 2019/IMG_12.JPG";
        let folded: Vec<char> = fold(path).chars().collect();
        let of_file = tokens(path);
        for from in 0..folded.len() {
            for to in from + 2..=folded.len() {
                for group in word_tokens(&folded[from..to]) {
                    let is_met = of_file.iter().any(|token| {
                        let chars: Vec<char> = token.chars().collect();
                        chars.len() == 3 && group.iter().any(|r| r.contains(&trigram(&chars)))
                    });
                    assert!(is_met, "{:?}", &folded[from..to]);
                }
            }
        }
    }

    #[test]
    fn case_and_accents_are_folded_and_bytes_that_are_no_text_do_no_harm() {
        assert_eq!(fold("ÜBER Straße"), "uber straße");
        assert_eq!(fold("Cafe\u{301}"), "cafe");
        assert_eq!(extension_of("a.tar.gz"), Some("gz"));
        assert_eq!(extension_of(".hidden"), None);
        assert_eq!(extension_of("dot."), None);
        let file = IndexedFile { name: b"\xFF\"*\n", size: 0, modified: -5 };
        let mut count = 0;
        file_tokens(&file, &FolderTokens::of(b"\xFE", 1), &mut Vec::new(), |_| count += 1);
        assert_eq!(count, 5 + 3);
    }

    #[test]
    fn a_range_of_dates_becomes_years_and_the_months_at_its_ends() {
        let second = |date: &str| -> i64 {
            let moment: crate::domain::Timestamp = format!("{date}T00:00:00.0Z").parse().unwrap();
            moment.seconds * NANOSECONDS_PER_SECOND
        };
        let shown = |from: &str, before: &str| {
            let ranges = month_tokens((second(from), second(before))).unwrap();
            let range = |r: &RangeInclusive<Token>| (spelled(*r.start()), spelled(*r.end()));
            ranges.iter().map(range).map(|(a, b)| format!("{a}..{b}")).collect::<Vec<_>>()
        };
        let three = ["m600..m600", "m586..m587", "y2019..y2019"];
        assert_eq!(shown("2018-11-15", "2020-02-01"), three);
        assert_eq!(shown("2018-03-15", "2018-06-02"), ["m578..m581"]);
        assert_eq!(shown("2018-11-15", "2019-02-01"), ["m588..m588", "m586..m587"]);
        assert_eq!(shown("1960-01-01", "1971-02-02"), ["m12..m13", "y0..y1970"]);
        assert_eq!(shown("2020-01-01", "2019-01-01"), ["n0..n0"]);
        assert_eq!(month_tokens((i64::MIN, i64::MAX)), None);
    }

    #[test]
    fn a_word_of_two_letters_is_a_range_and_one_letter_narrows_nothing() {
        let range = &word_tokens(&['a', 'b'])[0][0];
        assert!(range.contains(&trigram(&['a', 'b', END])));
        assert!(range.contains(&trigram(&['a', 'b', char::MAX])));
        assert!(!range.contains(&trigram(&['a', 'c', END])));
        assert!(word_tokens(&['a']).is_empty());
    }
}
