//! Files that the appliance keeps or is handed: dumps of cartridges, spools, settings.

use std::cell::OnceCell;
use std::fs;
use std::hint::black_box;

use super::Seeds;
use super::devices::Devices;

thread_local! {
    /// One library for all imports of a thread: making one takes longer than an import.
    static DEVICES: OnceCell<Devices> = const { OnceCell::new() };
}

pub(crate) mod dump {
    use super::*;
    use fossilsafe::vtl::VirtualLibrary;

    /// Blocks of this many bytes at most can be cut from the dump's `data.bin`.
    const DATA_BYTES: usize = 64 * 1024;

    /// The bytes are `dump.jsonl`. What is imported is exported, and that import is the same.
    pub(crate) fn run(bytes: &[u8]) {
        DEVICES.with(|devices| {
            let devices = match devices.get() {
                Some(devices) => devices,
                None => {
                    let Ok(made) = Devices::new() else { return };
                    devices.get_or_init(|| made)
                }
            };
            let Some(once) = passed_through(&devices.library, bytes, &vec![7; DATA_BYTES]) else {
                return;
            };
            let twice = passed_through(&devices.library, &once.0, &once.1);
            assert!(twice.as_ref() == Some(&once), "{}", String::from_utf8_lossy(&once.0));
        });
    }

    /// Imports a dump and exports what came of it; the cartridge goes away again.
    fn passed_through(
        library: &VirtualLibrary,
        dump: &[u8],
        data: &[u8],
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        let folder = tempfile::tempdir().ok()?;
        let (dump_path, data_path) =
            (folder.path().join("dump.jsonl"), folder.path().join("data.bin"));
        fs::write(&dump_path, dump).ok()?;
        fs::write(&data_path, data).ok()?;
        let serial = library.import_cartridge(folder.path()).ok()?;
        let exported = library.export_cartridge(&serial, folder.path());
        let removed = fs::remove_dir_all(library.folder().join("cartridges").join(&serial));
        assert!(exported.is_ok() && removed.is_ok(), "{exported:?} {removed:?}");
        Some((fs::read(&dump_path).ok()?, fs::read(&data_path).ok()?))
    }

    pub(crate) fn seeds() -> Seeds {
        let devices = Devices::new()?;
        let folder = tempfile::tempdir()?;
        devices.library.export_cartridge("FSP001L9", folder.path())?;
        devices.library.export_cartridge("FSP002L9", &folder.path().join("blank"))?;
        Ok(vec![
            fs::read(folder.path().join("dump.jsonl"))?,
            fs::read(folder.path().join("blank/dump.jsonl"))?,
        ])
    }
}

pub(crate) mod record_spool {
    use super::*;
    use fossilsafe::spool::{SpoolReader, SpoolWriter};

    /// The bytes are a spool file: what reopening keeps is what can be read.
    pub(crate) fn run(bytes: &[u8]) {
        let Ok(folder) = tempfile::tempdir() else { return };
        let path = folder.path().join("spool");
        if fs::write(&path, bytes).is_err() {
            return;
        }
        let Ok(writer) = SpoolWriter::reopen(&path) else { return };
        assert!(writer.len() <= bytes.len() as u64);
        let Ok(mut reader) = SpoolReader::open(&path) else { return };
        while let Some(payload) = reader.next_record().unwrap_or_else(|error| panic!("{error}")) {
            black_box(payload);
        }
        assert_eq!(reader.position(), writer.len());
    }

    pub(crate) fn seeds() -> Seeds {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("spool");
        let mut writer = SpoolWriter::create(&path)?;
        for payload in [&b"one"[..], b"", &[7; 300]] {
            writer.push(payload)?;
        }
        writer.sync()?;
        Ok(vec![fs::read(&path)?])
    }
}

pub(crate) mod settings {
    use super::*;
    use fossilsafe::app::settings::Settings;

    /// Loading is stable: what a first start writes, a second one leaves as it is.
    pub(crate) fn run(bytes: &[u8]) {
        let Ok(folder) = tempfile::tempdir() else { return };
        let path = folder.path().join("settings.json");
        if fs::write(&path, bytes).is_err() {
            return;
        }
        let Ok(settings) = Settings::load(folder.path()) else { return };
        black_box(settings.ensure_usable().map_err(|error| (error.to_string(), error.next_step())))
            .unwrap_or_default();
        let written = fs::read(&path).unwrap_or_default();
        let again = Settings::load(folder.path());
        assert_eq!(again.ok().as_ref(), Some(&settings));
        assert_eq!(fs::read(&path).unwrap_or_default(), written);
    }

    pub(crate) fn seeds() -> Seeds {
        let old = r#"{"log":"debug","practice":{"cartridges":3,"colour":"red"},"future":[1]}"#;
        Ok(vec![serde_json::to_vec_pretty(&Settings::default())?, old.as_bytes().to_vec()])
    }
}
