//! The `fossilsafe` program: reads the arguments and hands over.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fossilsafe::app::main(std::env::args_os())
}
