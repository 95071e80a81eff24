//! Texts that are kept together: many small ones in one piece of memory, allocated and freed at once.

/// `N` texts.
#[derive(Debug)]
pub(super) struct Kept<const N: usize> {
    bytes: Box<[u8]>,
    /// The offset at which each of them ends.
    ends: [usize; N],
}

impl<const N: usize> Kept<N> {
    /// Copies `parts`.
    pub(super) fn new(parts: [&[u8]; N]) -> Kept<N> {
        let mut end = 0;
        let ends = parts.map(|part| {
            end += part.len();
            end
        });
        Kept { bytes: parts.concat().into(), ends }
    }

    /// Returns the text at `index`, from 0, as bytes.
    pub(super) fn part(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// Returns the text at `index`, which was given as UTF-8.
    pub(super) fn text(&self, index: usize) -> &str {
        // Callers only ask for parts as text that were given as text.
        str::from_utf8(self.part(index)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Kept;

    #[test]
    fn each_part_comes_back_as_it_was() {
        let kept = Kept::new([b"one".as_slice(), b"", "zwölf".as_bytes(), &[0xff]]);
        assert_eq!((kept.text(0), kept.text(1), kept.text(2)), ("one", "", "zwölf"));
        assert_eq!(kept.part(3), [0xff]);
    }
}
