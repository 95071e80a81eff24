//! `docs/cli.md` matches the help of the commands.

use std::path::Path;

#[test]
fn the_reference_matches_the_help_of_the_commands() {
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
    assert_eq!(made.matches("Global options:").count(), 1, "they are the same for every command");
    for line in made.lines() {
        assert!(line.chars().count() <= 120, "docs/cli.md has a line over 120 columns: {line}");
    }
}
