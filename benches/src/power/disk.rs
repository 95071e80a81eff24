//! A disk as POSIX defines it: what it may hold after a power cut.
//!
//! A change is **kept** if a sync that covers it began after the change had returned, and returned before the
//! cut. `fsync` and `fdatasync` of a file cover its bytes and its length; only `fsync` of the directory covers
//! names in it. (ext4 and XFS keep the name of a new file when the file is synced. POSIX does not say so.)
//! Every other change is **loose**: chance decides whether the disk has it. Of a loose write, any subset of its
//! sectors may be there. Names and lengths are independent too: a later change may be there although an earlier
//! one is not.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::image::{Image, Node};
use crate::rng::Rng;

/// The smallest unit that a disk writes atomically.
const SECTOR: usize = 512;
/// Shared memory beside the log. Its pages are written without system calls, and SQLite rebuilds it.
pub(super) const SHARED_MEMORY: &str = "-shm";

/// A file, whatever its name.
pub(super) type File = usize;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Write { file: File, at: usize, bytes: Vec<u8> },
    Resize { file: File, len: usize },
    Sync { file: File },
    Link { name: PathBuf, file: File },
    Unlink { name: PathBuf },
    Rename { from: PathBuf, to: PathBuf },
    MakeDirectory { name: PathBuf },
    SyncDirectory { name: PathBuf },
}

/// A change, and the moments at which it began and had returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Op {
    pub(super) begin: usize,
    pub(super) end: usize,
    pub(super) change: Change,
}

/// What happens to loose changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// All are there.
    Kept,
    /// None is.
    Lost,
    /// All changes up to one of them are there, and part of the next.
    InOrder,
    /// All of one file or none, names apart.
    ByFile,
    /// Each is there, in part, or not.
    Each,
    /// Each write is there in part.
    Torn,
}

impl Fate {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        const FATES: [Fate; 8] = [
            Fate::Kept,
            Fate::Lost,
            Fate::InOrder,
            Fate::ByFile,
            Fate::ByFile,
            Fate::Each,
            Fate::Each,
            Fate::Torn,
        ];
        FATES[rng.below(FATES.len() as u64) as usize]
    }

    /// Picks a fate with which some changes are likely to be missing.
    pub(super) fn draw_loss(rng: &mut Rng) -> Self {
        loop {
            let fate = Self::draw(rng);
            if fate != Fate::Kept {
                return fate;
            }
        }
    }
}

/// How much of a loose change the disk has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    Nothing,
    Part,
    All,
}

/// The initial content of a disk, and the changes requested since.
pub(super) struct Disk {
    pub(super) base: Image,
    pub(super) ops: Vec<Op>,
    /// Whether syncs have no effect, so that the disk may lose any change: this checks the checks.
    pub(super) ignores_syncs: bool,
}

/// What a disk holds after a cut.
pub(super) struct Remains {
    pub(super) image: Image,
    /// Loose changes, and how many of them are missing or incomplete on the disk.
    pub(super) loose: usize,
    pub(super) not_kept: usize,
    /// The files with loose writes.
    pub(super) loose_files: HashSet<File>,
}

impl Disk {
    /// Returns the image after all changes.
    pub(super) fn end(&self) -> Image {
        self.cut(usize::MAX, Fate::Kept, &mut Rng::new(0)).image
    }

    /// Returns what the disk may hold if the power is cut just before the moment `at`.
    pub(super) fn cut(&self, at: usize, fate: Fate, rng: &mut Rng) -> Remains {
        let asked: Vec<_> = self.ops.iter().filter(|op| op.begin < at).collect();
        let syncs = Syncs::of(if self.ignores_syncs { &[] } else { &asked }, at);
        let loose: Vec<_> = asked.iter().filter(|op| op.is_effect() && !syncs.cover(op)).copied().collect();
        let shares = shares(&loose, fate, rng);
        let mut state = State::new(&self.base, rng.below(2) == 0);
        let mut next = 0;
        for op in asked {
            let is_loose = loose.get(next).is_some_and(|loose| std::ptr::eq(*loose, op));
            let share = if is_loose { shares[next] } else { Share::All };
            next += usize::from(is_loose);
            state.apply(&op.change, share, rng);
        }
        Remains {
            image: state.image(),
            loose: loose.len(),
            not_kept: shares.iter().filter(|share| **share != Share::All).count(),
            loose_files: loose.iter().filter_map(|op| op.written()).collect(),
        }
    }
}

impl Op {
    /// The file that it writes to.
    pub(super) fn written(&self) -> Option<File> {
        match self.change {
            Change::Write { file, .. } => Some(file),
            _ => None,
        }
    }

    fn is_effect(&self) -> bool {
        !matches!(self.change, Change::Sync { .. } | Change::SyncDirectory { .. })
    }
}

/// When the last completed sync of each file and directory began.
#[derive(Default)]
struct Syncs<'a> {
    files: HashMap<File, usize>,
    directories: HashMap<&'a Path, usize>,
}

impl<'a> Syncs<'a> {
    fn of(asked: &[&'a Op], at: usize) -> Self {
        let mut syncs = Self::default();
        for op in asked.iter().filter(|op| op.end < at) {
            match &op.change {
                Change::Sync { file } => syncs.files.insert(*file, op.begin),
                Change::SyncDirectory { name } => syncs.directories.insert(name, op.begin),
                _ => None,
            };
        }
        syncs
    }

    fn cover(&self, op: &Op) -> bool {
        let sync = match &op.change {
            Change::Write { file, .. } | Change::Resize { file, .. } => self.files.get(file),
            Change::Link { name, .. }
            | Change::Unlink { name }
            | Change::Rename { to: name, .. }
            | Change::MakeDirectory { name } => name.parent().and_then(|parent| self.directories.get(parent)),
            Change::Sync { .. } | Change::SyncDirectory { .. } => None,
        };
        sync.is_some_and(|began| op.end < *began)
    }
}

/// Decides about each loose change.
fn shares(loose: &[&Op], fate: Fate, rng: &mut Rng) -> Vec<Share> {
    let whole = |is_there: bool| if is_there { Share::All } else { Share::Nothing };
    let until = rng.below(loose.len() as u64 + 1) as usize;
    let mut by_file: HashMap<File, bool> = HashMap::new();
    let share = |(place, op): (usize, &&Op)| match fate {
        Fate::Kept => Share::All,
        Fate::Lost => Share::Nothing,
        Fate::InOrder if place == until => Share::Part,
        Fate::InOrder => whole(place < until),
        Fate::ByFile => match op.change {
            Change::Write { file, .. } | Change::Resize { file, .. } => {
                whole(*by_file.entry(file).or_insert_with(|| rng.below(2) == 0))
            }
            _ => whole(rng.below(2) == 0),
        },
        Fate::Each => [Share::Nothing, Share::Part, Share::All][rng.below(3) as usize],
        Fate::Torn => Share::Part,
    };
    loose.iter().enumerate().map(share).collect()
}

/// Files and names while changes are applied.
struct State {
    contents: Vec<Vec<u8>>,
    /// `None` is a directory.
    names: BTreeMap<PathBuf, Option<File>>,
    /// Whether bytes within a file's length that were never written are zeros, or else random.
    is_clean: bool,
}

impl State {
    fn new(base: &Image, is_clean: bool) -> Self {
        let mut state = Self { contents: Vec::new(), names: BTreeMap::new(), is_clean };
        for (name, node) in &base.0 {
            let file = match node {
                Node::Directory => None,
                Node::File(bytes) => {
                    state.contents.push(bytes.clone());
                    Some(state.contents.len() - 1)
                }
            };
            state.names.insert(name.clone(), file);
        }
        state
    }

    fn apply(&mut self, change: &Change, share: Share, rng: &mut Rng) {
        match change {
            Change::Write { file, at, bytes } => self.write(*file, *at, bytes, share, rng),
            Change::Resize { file, len } if decide(share, rng) => self.resize(*file, *len, rng),
            Change::Link { name, file } if decide(share, rng) => {
                self.names.insert(name.clone(), Some(*file));
            }
            Change::Unlink { name } if decide(share, rng) => {
                self.names.remove(name);
            }
            // A rename changes both names at once: the file never has two names, or none.
            Change::Rename { from, to, .. } if decide(share, rng) => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Change::MakeDirectory { name } if decide(share, rng) => {
                self.names.insert(name.clone(), None);
            }
            _ => {}
        }
    }

    fn content(&mut self, file: File) -> &mut Vec<u8> {
        if self.contents.len() <= file {
            self.contents.resize(file + 1, Vec::new());
        }
        &mut self.contents[file]
    }

    fn resize(&mut self, file: File, len: usize, rng: &mut Rng) {
        let is_clean = self.is_clean;
        let content = self.content(file);
        let before = content.len();
        content.resize(len, 0);
        if !is_clean && before < len {
            content[before..].fill_with(|| rng.next() as u8);
        }
    }

    fn write(&mut self, file: File, at: usize, bytes: &[u8], share: Share, rng: &mut Rng) {
        if share == Share::All {
            let content = self.content(file);
            content.resize(content.len().max(at + bytes.len()), 0);
            content[at..at + bytes.len()].copy_from_slice(bytes);
            return;
        }
        // The length may be there without the bytes.
        let end = at + bytes.len();
        if self.content(file).len() < end && rng.below(4) == 0 {
            self.resize(file, end, rng);
        }
        if share == Share::Nothing {
            return;
        }
        let mut start = at;
        while start < end {
            // Sectors are counted from the start of the file.
            let next = ((start / SECTOR + 1) * SECTOR).min(end);
            if rng.below(2) == 0 {
                if self.content(file).len() < next {
                    self.resize(file, next, rng);
                }
                self.content(file)[start..next].copy_from_slice(&bytes[start - at..next - at]);
            }
            start = next;
        }
    }

    fn image(mut self) -> Image {
        let mut image = Image::default();
        for (name, file) in std::mem::take(&mut self.names) {
            let is_reachable = name.parent().is_none_or(|parent| {
                parent == Path::new("") || image.0.get(parent) == Some(&Node::Directory)
            });
            if is_reachable {
                let node = file.map_or(Node::Directory, |file| Node::File(self.content(file).clone()));
                image.0.insert(name, node);
            }
        }
        image
    }
}

/// A change that cannot be there in part is there or not.
fn decide(share: Share, rng: &mut Rng) -> bool {
    match share {
        Share::Nothing => false,
        Share::Part => rng.below(2) == 0,
        Share::All => true,
    }
}
