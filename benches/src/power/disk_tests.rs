//! What a disk may hold after a cut, and what it must.

use std::path::PathBuf;

use super::{
    disk::{Change, Disk, Fate, Op},
    image::{Image, Node},
};
use crate::rng::Rng;

fn name(text: &str) -> PathBuf {
    PathBuf::from(text)
}

/// Each change begins at an even moment and has returned at the next.
fn disk(changes: &[Change]) -> Disk {
    let op = |(place, change): (usize, &Change)| Op {
        begin: place * 2,
        end: place * 2 + 1,
        change: change.clone(),
    };
    let base = Image([(name("d"), Node::Directory)].into());
    Disk { base, ops: changes.iter().enumerate().map(op).collect(), ignores_syncs: false }
}

fn link(file: usize, text: &str) -> Change {
    Change::Link { name: name(text), file }
}

fn write(at: usize, bytes: &[u8]) -> Change {
    Change::Write { file: 0, at, bytes: bytes.to_vec() }
}

/// All contents that `d/a` may have after a cut, found with many seeds.
fn outcomes(disk: &Disk, at: usize, fates: &[Fate]) -> Vec<Option<Vec<u8>>> {
    let mut found: Vec<_> = (0..200)
        .flat_map(|seed| fates.iter().map(move |fate| (seed, *fate)))
        .map(|(seed, fate)| match disk.cut(at, fate, &mut Rng::new(seed)).image.0.get(&name("d/a")) {
            Some(Node::File(bytes)) => Some(bytes.clone()),
            _ => None,
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

const ALL: [Fate; 6] = [Fate::Kept, Fate::Lost, Fate::InOrder, Fate::ByFile, Fate::Each, Fate::Torn];

#[test]
fn what_was_synced_is_kept_and_what_was_not_may_be_lost() {
    let steps = [
        link(0, "d/a"),
        Change::SyncDirectory { name: name("d") },
        write(0, b"one"),
        Change::Sync { file: 0 },
        write(0, b"two"),
        Change::Sync { file: 0 },
    ];
    let disk = disk(&steps);
    // The second sync has begun and not returned, then it has.
    assert_eq!(outcomes(&disk, 11, &ALL), [Some(b"one".to_vec()), Some(b"two".to_vec())]);
    assert_eq!(outcomes(&disk, 12, &ALL), [Some(b"two".to_vec())]);
    assert_eq!(disk.end().0.get(&name("d/a")), Some(&Node::File(b"two".to_vec())));
    let forgetful = Disk { ignores_syncs: true, ..disk };
    assert!(outcomes(&forgetful, 12, &ALL).contains(&None));
}

#[test]
fn a_sync_that_began_before_a_write_returned_does_not_cover_it() {
    let mut disk = disk(&[link(0, "d/a"), Change::SyncDirectory { name: name("d") }, write(0, b"x")]);
    disk.ops.push(Op { begin: 4, end: 9, change: Change::Sync { file: 0 } });
    disk.ops[2].end = 6;
    let found = outcomes(&disk, 20, &ALL);
    assert!(found.contains(&Some(Vec::new())) && found.contains(&Some(b"x".to_vec())));
}

#[test]
fn a_name_is_kept_by_a_sync_of_its_directory_only() {
    let steps = [
        link(0, "d/a.new"),
        write(0, b"new"),
        Change::Sync { file: 0 },
        Change::Rename { from: name("d/a.new"), to: name("d/a") },
        Change::SyncDirectory { name: name("d") },
    ];
    let disk = disk(&steps);
    assert_eq!(outcomes(&disk, 8, &ALL), [None, Some(b"new".to_vec())]);
    assert_eq!(outcomes(&disk, 10, &ALL), [Some(b"new".to_vec())]);
}

#[test]
fn what_is_in_a_directory_goes_with_its_name() {
    let disk = disk(&[
        Change::MakeDirectory { name: name("d/e") },
        link(0, "d/e/a"),
        Change::SyncDirectory { name: name("d/e") },
    ]);
    assert_eq!(disk.cut(6, Fate::Lost, &mut Rng::new(1)).image, disk.base);
    assert_eq!(disk.end().0.len(), 3);
}

#[test]
fn a_write_is_torn_between_sectors_and_a_later_one_may_come_first() {
    let steps = [
        link(0, "d/a"),
        Change::SyncDirectory { name: name("d") },
        write(0, &[0; 1024]),
        Change::Sync { file: 0 },
        write(0, &[1; 1024]),
        write(512, &[2; 512]),
    ];
    let disk = disk(&steps);
    let found = outcomes(&disk, 12, &ALL);
    for (first, second) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        let content = [[first; 512], [second; 512]].concat();
        assert!(found.contains(&Some(content)), "{first} {second}");
    }
    assert_eq!(found.len(), 6);
}

#[test]
fn a_length_may_be_there_without_the_bytes_and_the_other_way_round() {
    let steps = [
        link(0, "d/a"),
        Change::SyncDirectory { name: name("d") },
        write(0, b"ab"),
        Change::Sync { file: 0 },
        Change::Resize { file: 0, len: 0 },
    ];
    assert_eq!(outcomes(&disk(&steps), 10, &ALL), [Some(Vec::new()), Some(b"ab".to_vec())]);
    let extended = disk(&[link(0, "d/a"), Change::SyncDirectory { name: name("d") }, write(0, b"ab")]);
    let found = outcomes(&extended, 6, &ALL);
    assert!(found.contains(&Some(vec![0, 0])) && found.contains(&Some(Vec::new())));
}
