//! `docs/cli.md` says what the commands say.

use std::path::Path;

#[test]
fn the_reference_is_what_the_commands_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let made = fanfare::cli::reference();
    if std::env::var_os("FANFARE_BLESS").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/cli.md is not up to date; run the test with FANFARE_BLESS=1 and look at the difference"
    );
}
