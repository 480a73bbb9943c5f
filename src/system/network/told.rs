//! Telling a service of the system something, by the program that is made for it.

use std::path::Path;
use std::process::Command;

use super::NetworkError;

/// What it printed.
pub(super) fn tell(program: &Path, words: &[&str]) -> Result<Vec<u8>, NetworkError> {
    let refused = |said: String| {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        NetworkError::System { command: format!("{name} {}", words.join(" ")), said }
    };
    let done = Command::new(program).args(words).output();
    let done = done.map_err(|error| refused(error.to_string()))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    Err(refused(if said.is_empty() { done.status.to_string() } else { said }))
}
