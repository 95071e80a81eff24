//! Text that can be shown on one line.

/// Returns whether `text` has 1 to `len_max` bytes and no control characters.
pub fn is_printable(text: &str, len_max: usize) -> bool {
    (1..=len_max).contains(&text.len()) && !text.chars().any(char::is_control)
}
