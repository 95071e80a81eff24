//! Turns system calls into changes of a disk and conversations.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    conversation::{Conversations, Exchange},
    disk::{Change, File, Op, SHARED_MEMORY},
    image::{Image, Node},
    trace::Call,
};

/// What the program says when it is ready, and when it ends.
const READY: &[u8] = b"listening on http://";
const ENDING: &[u8] = b"shutting down";

/// The meaning of a program's calls.
#[derive(Default)]
pub(super) struct Meaning {
    pub(super) ops: Vec<Op>,
    /// The files that have a name in the end.
    pub(super) names: HashMap<PathBuf, Option<File>>,
    pub(super) exchanges: Vec<Exchange>,
    /// When it reported that it listens, and that it stops.
    pub(super) ready: Option<usize>,
    pub(super) ending: Option<usize>,
}

/// What a descriptor stands for; a socket, a pipe or another file is not in the table.
enum Handle {
    Directory(PathBuf),
    File { file: File, position: usize },
}

struct Interpreter<'a> {
    root: &'a Path,
    /// By path below the root; `None` is a directory.
    names: HashMap<PathBuf, Option<File>>,
    files: usize,
    handles: HashMap<i64, Handle>,
    conversations: Conversations,
    meaning: Meaning,
}

/// Interprets the calls of a program that began on `base`, which is at `root`.
pub(super) fn interpret(calls: &[Call], root: &Path, base: &Image) -> Result<Meaning> {
    let mut interpreter = Interpreter {
        root,
        names: HashMap::new(),
        files: 0,
        handles: HashMap::from([]),
        conversations: Conversations::default(),
        meaning: Meaning::default(),
    };
    interpreter.names.insert(PathBuf::new(), None);
    // In the order in which the disk numbers the files of its base.
    for (name, node) in &base.0 {
        let file = matches!(node, Node::File(_)).then(|| interpreter.new_file());
        interpreter.names.insert(name.clone(), file);
    }
    for call in in_order_of_effect(calls) {
        interpreter.call(call).with_context(|| format!("{call}"))?;
    }
    let mut meaning = interpreter.meaning;
    meaning.names = interpreter.names;
    meaning.exchanges = interpreter.conversations.end();
    meaning.ops.sort_by_key(|op| op.begin);
    Ok(meaning)
}

/// Orders the calls so that descriptors keep their meaning: a descriptor exists once `openat` has returned, and
/// no longer exists when `close` begins.
fn in_order_of_effect(calls: &[Call]) -> Vec<&Call> {
    let makes = |name: &str| matches!(name, "openat" | "accept4" | "recvfrom" | "dup" | "dup2" | "dup3");
    let mut ordered: Vec<_> = calls.iter().collect();
    ordered.sort_by_key(|call| if makes(&call.name) { call.end } else { call.begin });
    ordered
}

impl Interpreter<'_> {
    fn new_file(&mut self) -> File {
        self.files += 1;
        self.files - 1
    }

    fn op(&mut self, call: &Call, change: Change) {
        self.meaning.ops.push(Op { begin: call.begin, end: call.end, change });
    }

    /// The path of a call below the root; `None` if it is elsewhere.
    fn name(&self, call: &Call, place: usize) -> Result<Option<PathBuf>> {
        let path = Path::new(call.path(place)?);
        Ok(path.strip_prefix(self.root).ok().map(Path::to_owned))
    }

    fn call(&mut self, call: &Call) -> Result<()> {
        match call.name.as_str() {
            "openat" => self.open(call),
            "close" => {
                let descriptor = call.number(0)?;
                self.handles.remove(&descriptor);
                self.conversations.close(descriptor);
                Ok(())
            }
            "write" | "pwrite64" | "writev" | "sendto" | "sendmsg" => self.write(call),
            "ftruncate" => {
                let len = usize::try_from(call.number(1)?)?;
                match self.handles.get(&call.number(0)?) {
                    Some(Handle::File { file, .. }) if is_done(call) => {
                        let file = *file;
                        self.op(call, Change::Resize { file, len });
                    }
                    _ => {}
                }
                Ok(())
            }
            "lseek" => {
                if let (Some(Handle::File { position, .. }), Some(at)) =
                    (self.handles.get_mut(&call.number(0)?), call.returned)
                {
                    *position = usize::try_from(at)?;
                }
                Ok(())
            }
            "fsync" | "fdatasync" => {
                let change = match self.handles.get(&call.number(0)?) {
                    Some(Handle::File { file, .. }) => Change::Sync { file: *file },
                    Some(Handle::Directory(name)) => Change::SyncDirectory { name: name.clone() },
                    None => return Ok(()),
                };
                // A failed sync promises nothing.
                if call.returned.is_some() {
                    self.op(call, change);
                }
                Ok(())
            }
            "rename" | "unlink" | "mkdir" => self.rename(call),
            // One that succeeded has replaced nothing.
            "renameat2" if call.arguments == "AT_FDCWD, $, AT_FDCWD, $, RENAME_NOREPLACE" => {
                self.rename(call)
            }
            "accept4" => {
                if let Some(descriptor) = call.returned {
                    self.conversations.accept(descriptor);
                }
                Ok(())
            }
            // Bytes that were only peeked at are read again.
            "recvfrom" if call.arguments.contains("MSG_PEEK") => Ok(()),
            "recvfrom" | "recvmsg" => {
                if let (Some(len), Some(bytes)) = (call.returned, call.strings.first()) {
                    let bytes = &bytes[..bytes.len().min(usize::try_from(len)?)];
                    self.conversations.read(call.number(0)?, call, bytes)?;
                }
                Ok(())
            }
            "mmap" => self.map(call),
            "chmod" => Ok(()),
            _ => self.refuse(call),
        }
    }

    fn open(&mut self, call: &Call) -> Result<()> {
        let Some(name) = self.name(call, 0)? else { return Ok(()) };
        let Some(descriptor) = call.returned else {
            ensure!(call.end != usize::MAX || !call.arguments.contains("O_CREAT"), "the record ends in it");
            return Ok(());
        };
        let handle = match self.names.get(&name) {
            Some(None) => Handle::Directory(name),
            Some(Some(file)) => {
                let file = *file;
                if call.arguments.contains("O_TRUNC") {
                    self.op(call, Change::Resize { file, len: 0 });
                }
                Handle::File { file, position: 0 }
            }
            None => {
                ensure!(call.arguments.contains("O_CREAT"), "it opened a file that the record does not know");
                let file = self.new_file();
                self.names.insert(name.clone(), Some(file));
                self.op(call, Change::Link { name, file });
                Handle::File { file, position: 0 }
            }
        };
        self.handles.insert(descriptor, handle);
        Ok(())
    }

    fn write(&mut self, call: &Call) -> Result<()> {
        let descriptor = call.number(0)?;
        let mut bytes = call.strings.concat();
        let Some(Handle::File { file, position }) = self.handles.get_mut(&descriptor) else {
            if let (Some(len), false) = (call.returned, call.is_cut) {
                bytes.truncate(usize::try_from(len)?);
            }
            let is_said = |sentence| memchr::memmem::find(&bytes, sentence).is_some();
            if descriptor == 2 && is_said(READY) {
                self.meaning.ready.get_or_insert(call.begin);
            }
            if descriptor == 2 && is_said(ENDING) {
                self.meaning.ending.get_or_insert(call.begin);
            }
            return self.conversations.wrote(descriptor, call, &bytes);
        };
        ensure!(!call.is_cut, "a write that the record does not have in whole");
        if !is_done(call) {
            return Ok(());
        }
        if let Some(len) = call.returned {
            bytes.truncate(usize::try_from(len)?);
        }
        let at = match call.name.as_str() {
            "pwrite64" => usize::try_from(call.number(3)?)?,
            "write" => {
                *position += bytes.len();
                *position - bytes.len()
            }
            other => bail!("{other} to a file"),
        };
        let file = *file;
        self.op(call, Change::Write { file, at, bytes });
        Ok(())
    }

    /// Changes names. Calls that failed change none.
    fn rename(&mut self, call: &Call) -> Result<()> {
        let Some(name) = self.name(call, 0)?.filter(|_| is_done(call)) else { return Ok(()) };
        let change = match call.name.as_str() {
            "mkdir" => {
                self.names.insert(name.clone(), None);
                Change::MakeDirectory { name }
            }
            "unlink" => {
                self.names.remove(&name);
                Change::Unlink { name }
            }
            _ => {
                let to = self.name(call, 1)?.context("a file leaves")?;
                ensure!(name.parent() == to.parent(), "a file goes to another directory");
                let file = self.names.remove(&name).context("a file of unknown origin")?;
                self.names.insert(to.clone(), file);
                Change::Rename { from: name, to }
            }
        };
        self.op(call, change);
        Ok(())
    }

    /// A memory-mapped file changes without a system call; only the index of the write-ahead log may be mapped.
    fn map(&self, call: &Call) -> Result<()> {
        if !call.arguments.contains("MAP_SHARED") || !call.arguments.contains("PROT_WRITE") {
            return Ok(());
        }
        let Ok(descriptor) = call.number(4) else { return Ok(()) };
        let Some(Handle::File { file, .. }) = self.handles.get(&descriptor) else { return Ok(()) };
        let name = self.names.iter().find(|(_, found)| **found == Some(*file)).map(|(name, _)| name);
        let is_index = name.is_some_and(|name| name.to_string_lossy().ends_with(SHARED_MEMORY));
        ensure!(is_index, "{name:?} is changed without calls");
        Ok(())
    }

    /// Any other call, if it is about something below the root.
    fn refuse(&self, call: &Call) -> Result<()> {
        let is_ours = match call.strings.is_empty() {
            true => call.number(0).is_ok_and(|descriptor| self.handles.contains_key(&descriptor)),
            false => (0..call.strings.len()).any(|place| matches!(self.name(call, place), Ok(Some(_)))),
        };
        let is_global = matches!(call.name.as_str(), "sync" | "syncfs" | "io_uring_setup" | "close_range");
        ensure!(!is_ours && !is_global, "the model does not know this call");
        Ok(())
    }
}

/// Whether a call had, or may have had, an effect.
fn is_done(call: &Call) -> bool {
    call.returned.is_some() || call.end == usize::MAX
}
