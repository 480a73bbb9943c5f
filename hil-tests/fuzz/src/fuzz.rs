//! One target under libFuzzer: which one, says the name of the program. Before it starts it writes its
//! seeds into the folder that `FUZZ_SEEDS` names, if it names one.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: {
        if let Some(folder) = std::env::var_os("FUZZ_SEEDS") {
            fossilsafe_fuzz::write_seeds(env!("CARGO_BIN_NAME"), folder.as_ref());
        }
    },
    |bytes: &[u8]| fossilsafe_fuzz::run(env!("CARGO_BIN_NAME"), bytes)
);
