//! Cargo's build script: puts `web/dist`, which scripts/build-web makes, into the binary.
//!
//! It writes one Rust expression, a table of `Asset`s with `include_bytes!`, into OUT_DIR, where
//! `gateway::console` takes it from. Compression and content tags were made with the files; they stand
//! in `web/dist/table.tsv`. Without that file the table is empty, so that a Rust build needs no Node.

#![expect(clippy::print_stdout, reason = "a build script speaks to Cargo on its standard output")]

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).ok_or(io::ErrorKind::NotFound);
    let dist = variable("CARGO_MANIFEST_DIR")?.join("web/dist");
    println!("cargo::rerun-if-changed=scripts/embed_console.rs");
    println!("cargo::rerun-if-changed=web/dist");
    let table = dist.join("table.tsv");
    let lines = if table.exists() { fs::read_to_string(&table)? } else { String::new() };
    let mut text = String::from("&[\n");
    for line in lines.lines() {
        text.push_str(&asset(&dist, line)?);
    }
    text.push_str("]\n");
    fs::write(variable("OUT_DIR")?.join("console_table.rs"), text)
}

/// One entry: path, type, tag and encodings, as web/build/compress.mjs writes them.
fn asset(dist: &Path, line: &str) -> io::Result<String> {
    let mut fields = line.split('\t');
    let mut next = || fields.next().ok_or_else(|| io::Error::other(format!("table.tsv: {line}")));
    let (path, content_type, tag, encodings) = (next()?, next()?, next()?, next()?);
    let include = |suffix: &str| {
        let file = dist.join(format!("{}{suffix}", path.trim_start_matches('/')));
        format!("include_bytes!({:?})", file.display().to_string())
    };
    let packed = |name: &str| match encodings.split(',').any(|each| each == name) {
        true => format!("Some({})", include(&format!(".{name}"))),
        false => "None".to_owned(),
    };
    Ok(format!(
        "Asset {{ path: {path:?}, content_type: {content_type:?}, tag: {tag:?}, plain: {}, \
         brotli: {}, gzip: {} }},\n",
        include(""),
        packed("br"),
        packed("gz"),
    ))
}
