//! The record of a process's system calls, as `strace -f -xx` writes it.
//!
//! A thread stops before and after each call until strace has recorded it, so causes come before their effects:
//! anything that happened because a call had returned is on a later line.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

/// Maximum bytes of one call in the record. Writes to files must be whole; SQLite writes pages.
pub(super) const BYTES_MAX: usize = 1024 * 1024;

/// The calls that change a file or a directory, sync one, or use a socket. `fcntl` and `pread64` are left out,
/// because SQLite makes many of them.
pub(super) const CALLS: &str = "accept4,chmod,close,close_range,copy_file_range,creat,dup,dup2,dup3,fallocate,fdatasync,fsync,\
    ftruncate,io_uring_setup,link,linkat,lseek,mkdir,mkdirat,mmap,msync,open,openat,openat2,pwrite64,pwritev,pwritev2,\
    recvfrom,recvmsg,rename,renameat,renameat2,rmdir,sendfile,sendmsg,sendto,splice,symlink,symlinkat,sync,\
    sync_file_range,syncfs,truncate,unlink,unlinkat,write,writev";

/// A system call.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    /// The lines at which it began and ended; for a call that never ended, the last line of the record.
    pub(super) begin: usize,
    pub(super) end: usize,
    /// The text of the call, with a `$` for each string.
    pub(super) arguments: String,
    pub(super) strings: Vec<Vec<u8>>,
    /// Whether strace shortened a string.
    pub(super) is_cut: bool,
    /// `None` if it failed or never ended.
    pub(super) returned: Option<i64>,
}

impl Call {
    /// The argument at `place`, as a number.
    pub(super) fn number(&self, place: usize) -> Result<i64> {
        let argument = self.arguments.split(", ").nth(place).unwrap_or_default();
        argument.parse().with_context(|| format!("argument {place} of {self} is no number"))
    }

    /// The string at `place`, as a path.
    pub(super) fn path(&self, place: usize) -> Result<&str> {
        let bytes = self.strings.get(place).with_context(|| format!("{self} names no path"))?;
        Ok(str::from_utf8(bytes)?)
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({}) in line {}", self.name, self.arguments, self.begin)
    }
}

/// Joins the lines of a record into calls.
#[derive(Default)]
pub(super) struct Reader {
    line: usize,
    /// By thread: the calls that have begun, as text.
    unfinished: HashMap<u32, (usize, Vec<u8>)>,
    calls: Vec<Call>,
}

impl Reader {
    pub(super) fn line(&mut self, line: &[u8]) -> Result<()> {
        let index = self.line;
        self.line += 1;
        let Some(space) = memchr::memchr(b' ', line) else { return Ok(()) };
        let thread: u32 = str::from_utf8(&line[..space])?.parse().context("a line without a thread")?;
        let rest = line[space..].trim_ascii();
        if rest.starts_with(b"+++") || rest.starts_with(b"---") {
            return Ok(());
        }
        if let Some(start) = rest.strip_suffix(b" <unfinished ...>") {
            self.unfinished.insert(thread, (index, start.to_vec()));
            return Ok(());
        }
        let Some(rest) = rest.strip_prefix(b"<... ") else {
            self.calls.push(call(rest, index, index)?);
            return Ok(());
        };
        let (begin, mut text) =
            self.unfinished.remove(&thread).context("a call is resumed that has not begun")?;
        let resumed = memchr::memmem::find(rest, b" resumed>").context("what is resumed?")?;
        text.extend_from_slice(&rest[resumed + b" resumed>".len()..]);
        self.calls.push(call(&text, begin, index)?);
        Ok(())
    }

    /// Returns the calls in the order in which they began, and the number of lines.
    pub(super) fn calls(mut self) -> Result<(Vec<Call>, usize)> {
        for (begin, text) in std::mem::take(&mut self.unfinished).into_values() {
            self.calls.push(call(&text, begin, usize::MAX)?);
        }
        self.calls.sort_by_key(|call| call.begin);
        Ok((self.calls, self.line))
    }
}

fn call(text: &[u8], begin: usize, end: usize) -> Result<Call> {
    let open = memchr::memchr(b'(', text).context("a call without arguments")?;
    let mut call = Call { name: str::from_utf8(&text[..open])?.to_owned(), begin, end, ..Call::default() };
    let mut rest = &text[open + 1..];
    while let Some(quote) = memchr::memchr(b'"', rest) {
        call.arguments.push_str(str::from_utf8(&rest[..quote])?);
        call.arguments.push('$');
        let len = memchr::memchr(b'"', &rest[quote + 1..]).context("a string without an end")?;
        call.strings.push(unescape(&rest[quote + 1..quote + 1 + len])?);
        rest = &rest[quote + len + 2..];
        if let Some(after) = rest.strip_prefix(b"...") {
            call.is_cut = true;
            rest = after;
        }
    }
    let rest = str::from_utf8(rest)?;
    let (arguments, returned) = match rest.rsplit_once(" = ") {
        Some((arguments, returned)) => {
            (arguments.trim_end().strip_suffix(')').unwrap_or(arguments), returned)
        }
        None => (rest, "?"),
    };
    call.arguments.push_str(arguments);
    let word = returned.split(' ').next().unwrap_or_default();
    let number = match word.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    };
    call.returned = number.filter(|number| *number >= 0);
    Ok(call)
}

/// Reads `\x41\x42`.
fn unescape(text: &[u8]) -> Result<Vec<u8>> {
    ensure!(text.len().is_multiple_of(4), "a string that is not in hexadecimal");
    let mut bytes = Vec::with_capacity(text.len() / 4);
    for escape in text.chunks_exact(4) {
        let [b'\\', b'x', high, low] = *escape else { bail!("a string that is not in hexadecimal") };
        bytes.push(digit(high)? << 4 | digit(low)?);
    }
    Ok(bytes)
}

fn digit(byte: u8) -> Result<u8> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => bail!("a string that is not in hexadecimal"),
    }
}

#[cfg(test)]
mod tests {
    use super::Reader;

    #[test]
    fn calls_of_several_threads_are_joined_and_keep_their_order() {
        let record = br#"12 pwrite64(11, "\x61\x00" <unfinished ...>
13 openat(AT_FDCWD, "\x2f\x78", O_RDWR|O_CREAT, 0600) = 7
12 <... pwrite64 resumed>, 2, 4096) = 2
13 recvfrom(8,  <unfinished ...>
12 fsync(11)                         = -1 EIO (Input/output error)
13 <... recvfrom resumed>"\x47"..., 128, 0, NULL, NULL) = 1
12 +++ exited with 0 +++
13 fsync(7 <unfinished ...>"#;
        let mut reader = Reader::default();
        for line in record.split(|byte| *byte == b'\n') {
            reader.line(line).expect("well formed");
        }
        let (calls, lines) = reader.calls().expect("well formed");
        assert_eq!(lines, 8);
        let seen: Vec<_> =
            calls.iter().map(|call| (call.name.as_str(), call.begin, call.end, call.returned)).collect();
        let never = usize::MAX;
        assert_eq!(
            seen,
            [
                ("pwrite64", 0, 2, Some(2)),
                ("openat", 1, 1, Some(7)),
                ("recvfrom", 3, 5, Some(1)),
                ("fsync", 4, 4, None),
                ("fsync", 7, never, None),
            ]
        );
        assert_eq!((calls[0].strings[0].as_slice(), calls[0].number(3).ok()), (&b"a\0"[..], Some(4096)));
        assert_eq!((calls[1].path(0).ok(), calls[1].arguments.contains("O_CREAT")), (Some("/x"), true));
        assert!(calls[2].is_cut && !calls[0].is_cut);
        assert_eq!(calls[4].number(0).ok(), Some(7));
    }
}
