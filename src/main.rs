//! The `fossilsafe` program: reads the arguments and hands over.

use std::io::Write as _;
use std::process::ExitCode;

use fossilsafe::system::sources::PASSWORD_VARIABLE;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Run by an SSH client that it has started itself: see `system::sources`.
    if let Ok(password) = std::env::var(PASSWORD_VARIABLE) {
        let said = writeln!(std::io::stdout(), "{password}");
        return if said.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    fossilsafe::app::main(std::env::args_os())
}
