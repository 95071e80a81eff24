//! The `fanfare` program; everything is in the library, where tests reach it.

use std::process::ExitCode;

/// A push is a dozen small allocations, which cost most where the kernel does least: a call over stdio needs a fifth
/// less processor time than with the system's allocator; fan-out and single pushes show no difference. It is built
/// without huge pages: with them an idle subscriber used 2 KB, without them 0.8 (docs/benchmarks.md, "The allocator").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fanfare::cli::main()
}
