//! How long a file and a function may be.

use super::Finding;
use super::source::{Source, closing, identifiers};

/// Lines of code of a file, without its tests, comments and blank lines: what can still be read in
/// one sitting. Documentation does not count, or the limit would be met by leaving it out.
const FILE_LINES_MAX: usize = 400;
/// Lines of a function: one screen.
const FUNCTION_LINES_MAX: usize = 70;

/// A file that should be split, by noun.
pub(super) fn file_lines(source: &Source) -> Option<Finding> {
    let code = source.product_lines(&source.code_and_strings);
    let lines = code.filter(|(_, line)| !line.trim().is_empty()).count();
    (lines > FILE_LINES_MAX).then(|| Finding {
        path: source.path.clone(),
        line: 1,
        rule: "file-lines",
        message: format!(
            "{lines} lines of code without tests, at most {FILE_LINES_MAX}: split it by noun"
        ),
    })
}

/// Functions that do not fit on a screen.
pub(super) fn function_lines(source: &Source) -> Vec<Finding> {
    let code = &source.code;
    let mut words = identifiers(code).peekable();
    let mut findings = Vec::new();
    while let Some((at, word)) = words.next() {
        let Some((name_at, name)) = words.peek().copied() else { break };
        // `fn(` is a type; a function has its name one space on.
        if word != "fn" || name_at != at + 3 || source.is_test_line[source.line_of(at) - 1] {
            continue;
        }
        let Some(brace) = body(&code[at..]) else { continue };
        let end = closing(code, at + brace);
        let lines = code[at..end].matches('\n').count() + 1;
        if lines > FUNCTION_LINES_MAX {
            findings.push(Finding {
                path: source.path.clone(),
                line: source.line_of(at),
                rule: "function-lines",
                message: format!("`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}"),
            });
        }
    }
    findings
}

/// The offset of the brace that opens a function's body; `None` if it has only a signature.
fn body(function: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in function.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}
