//! The `fanfare` program. All code is in the library, where tests can call it.

use std::process::ExitCode;

/// A push makes a dozen small allocations. With mimalloc, an MCP call over stdio takes a fifth less processor time than
/// with the system's allocator; fan-out and single pushes take the same. Huge pages are off: with them, an idle
/// subscriber takes 2 KB of memory instead of 0.8 KB (docs/benchmarks.md, "The allocator").
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fanfare::cli::main()
}
