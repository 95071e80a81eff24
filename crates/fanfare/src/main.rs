//! The `fanfare` program; everything is in the library, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    fanfare::cli::main()
}
