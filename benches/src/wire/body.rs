//! A body of unknown length as it arrives: plain until the end, or in chunks.

use anyhow::{Result, bail};

#[derive(Debug)]
pub(crate) enum Body {
    Chunked(Chunk),
    Plain,
}

/// The part of the chunked encoding that the next byte belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Chunk {
    Data {
        left: usize,
    },
    /// The line break after the data.
    DataEnd,
    Ended,
    /// A line after the last chunk; an empty one ends the body.
    Trailer {
        empty: bool,
    },
    /// The rest of the size line: extensions and the line break.
    SizeEnd {
        size: usize,
    },
    Size {
        size: usize,
    },
}

impl Body {
    pub(crate) fn chunked() -> Self {
        Self::Chunked(Chunk::Size { size: 0 })
    }

    /// Hands the content in `bytes` to `each`, in order.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Self::Chunked(chunk) => chunk.feed(bytes, each),
            Self::Plain => each(bytes),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self, Self::Chunked(Chunk::Ended))
    }
}

impl Chunk {
    fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some(first) = bytes.first() {
            if let Self::Data { left } = *self {
                let taken = left.min(bytes.len());
                each(&bytes[..taken])?;
                bytes = &bytes[taken..];
                *self = if taken < left { Self::Data { left: left - taken } } else { Self::DataEnd };
                continue;
            }
            *self = self.after(*first)?;
            bytes = &bytes[1..];
        }
        Ok(())
    }

    fn after(self, byte: u8) -> Result<Self> {
        Ok(match (self, byte) {
            (Self::Size { size }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if size < 1 << 40 => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                Self::Size { size: size * 16 + digit as usize }
            }
            (Self::Size { size } | Self::SizeEnd { size }, b'\n') if size == 0 => {
                Self::Trailer { empty: true }
            }
            (Self::Size { size } | Self::SizeEnd { size }, b'\n') => Self::Data { left: size },
            (Self::Size { size }, b'\r' | b';' | b' ') | (Self::SizeEnd { size }, _) => {
                Self::SizeEnd { size }
            }
            (Self::DataEnd, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::Size { size: 0 },
            (Self::Trailer { empty: true }, b'\n') => Self::Ended,
            (Self::Trailer { empty }, b'\r') => Self::Trailer { empty },
            (Self::Trailer { .. }, byte) => Self::Trailer { empty: byte == b'\n' },
            (state, byte) => bail!("byte {byte:#04x} in the chunked encoding at {state:?}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Body;

    const WIRE: &[u8] = b"5\r\nhello\r\n1;ext=1\r\n,\r\n00b\r\n wide world\r\n0\r\nx: y\r\n\r\n";

    fn decoded(pieces: impl Iterator<Item = &'static [u8]>) -> (String, bool) {
        let mut body = Body::chunked();
        let mut content = Vec::new();
        for piece in pieces {
            let fed = body.feed(piece, |bytes| {
                content.extend_from_slice(bytes);
                Ok(())
            });
            fed.expect("well formed");
        }
        (String::from_utf8(content).expect("text"), body.has_ended())
    }

    #[test]
    fn chunks_are_joined_however_they_arrive() {
        for size in 1..WIRE.len() {
            assert_eq!(
                decoded(WIRE.chunks(size)),
                ("hello, wide world".to_owned(), true),
                "in pieces of {size}"
            );
        }
    }

    #[test]
    fn a_broken_chunk_is_an_error() {
        assert!(Body::chunked().feed(b"zz\r\n", |_| Ok(())).is_err());
        assert!(Body::chunked().feed(b"1\r\nab\r\n", |_| Ok(())).is_err());
    }
}
