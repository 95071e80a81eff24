//! Text that is searched ignoring case: folded once, however many texts it is searched for.

use std::cell::OnceCell;

use memchr::memmem;

/// A text whose ASCII letters become lowercase when it is first searched.
#[derive(Debug)]
pub struct Folded<'a> {
    text: &'a str,
    folded: OnceCell<Box<[u8]>>,
}

impl Folded<'_> {
    /// Creates one for `text`.
    pub fn new(text: &str) -> Folded<'_> {
        Folded { text, folded: OnceCell::new() }
    }

    /// Returns `true` if the text contains `wanted`, which is in lowercase. The time grows with the length of the text
    /// alone, whatever the two consist of.
    pub fn contains(&self, wanted: &str) -> bool {
        let fold = || self.text.as_bytes().to_ascii_lowercase().into_boxed_slice();
        wanted.len() <= self.text.len()
            && memmem::find(self.folded.get_or_init(fold), wanted.as_bytes()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Folded;

    #[test]
    fn text_is_found_in_any_case() {
        assert!(Folded::new("Deploy FINISHED").contains("finished"));
        assert!(!Folded::new("Deploy").contains("deployed"));
        // Only ASCII letters have a case here.
        assert!(!Folded::new("ÄRGER").contains("ärger"));
    }

    proptest! {
        #[test]
        fn a_text_is_found_where_a_slow_search_finds_it(text in "[aAbB]{0,12}", wanted in "[ab]{1,3}") {
            prop_assert_eq!(Folded::new(&text).contains(&wanted), text.to_lowercase().contains(&wanted));
        }
    }
}
