//! What lies beside an image: its checksum, and who has signed that. Looked at as somebody does who has fetched
//! the image and has the keyring, by the commands of `buildroot/README.md`.

use std::path::Path;
use std::process::Command;

use crate::machine::run;
use crate::steps::ensure;

/// The signature fits the checksum, the checksum the image; and a changed checksum is refused.
pub(crate) fn check(bench: &Path) -> Result<(), String> {
    let folder = bench.join("1.0.0");
    let keyring = bench.join("ca/keyring.pem");
    let checksum = folder.join("fossilsafe.img.sha256");
    verify(&folder, &keyring, &checksum)?;
    run(Command::new("sha256sum")
        .args(["--check", "--strict"])
        .arg(&checksum)
        .current_dir(&folder))?;
    let text = std::fs::read_to_string(&checksum).map_err(|error| error.to_string())?;
    let changed = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(changed.path(), format!("0{text}")).map_err(|error| error.to_string())?;
    let is_refused = verify(&folder, &keyring, changed.path()).is_err();
    ensure(is_refused, || "a changed checksum is taken".to_owned())
}

/// What the keyring says of a checksum's signature.
fn verify(folder: &Path, keyring: &Path, checksum: &Path) -> Result<(), String> {
    let mut command = Command::new("openssl");
    command.args(["cms", "-verify", "-binary", "-inform", "DER", "-out", "/dev/null", "-in"]);
    command.arg(folder.join("fossilsafe.img.sha256.p7s")).arg("-content").arg(checksum);
    run(command.arg("-CAfile").arg(keyring)).map(drop)
}
