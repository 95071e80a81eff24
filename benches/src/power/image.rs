//! The files and directories below a directory, in memory.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    File(Vec<u8>),
}

/// By path below the root; a directory comes before what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Image(pub(super) BTreeMap<PathBuf, Node>);

impl Image {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut image = Self::default();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                let name = path.strip_prefix(root)?.to_owned();
                if path.is_dir() {
                    image.0.insert(name, Node::Directory);
                    folders.push(path);
                } else {
                    image.0.insert(name, Node::File(fs::read(path)?));
                }
            }
        }
        Ok(image)
    }

    /// Writes everything below `root`, for the owner only, as the gateway does.
    pub(super) fn write(&self, root: &Path) -> Result<()> {
        for (name, node) in &self.0 {
            let path = root.join(name);
            match node {
                Node::Directory => DirBuilder::new().mode(0o700).create(path)?,
                Node::File(bytes) => {
                    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path);
                    file.and_then(|mut file| file.write_all(bytes))
                        .with_context(|| format!("cannot write {}", path.display()))?;
                }
            }
        }
        Ok(())
    }

    /// Fails at the first difference from `other`.
    pub(super) fn ensure_equals(&self, other: &Self) -> Result<()> {
        let names = |image: &Self| image.0.keys().cloned().collect::<Vec<_>>();
        ensure!(
            names(self) == names(other),
            "the record leads to {:?}, and there are {:?}",
            names(self),
            names(other)
        );
        for ((name, recorded), found) in self.0.iter().zip(other.0.values()) {
            let (Node::File(recorded), Node::File(found)) = (recorded, found) else {
                ensure!(recorded == found, "{} is a directory or not", name.display());
                continue;
            };
            let differs = recorded.iter().zip(found).position(|(recorded, found)| recorded != found);
            ensure!(
                recorded.len() == found.len() && differs.is_none(),
                "the record leads to {} bytes of {}, there are {}, and the first that differs is at {differs:?}",
                recorded.len(),
                name.display(),
                found.len()
            );
        }
        Ok(())
    }
}
