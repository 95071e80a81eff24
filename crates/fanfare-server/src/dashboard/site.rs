//! What a browser loads: the page, one sheet and one script, under names that change with their content.
//!
//! `index.html` is a page that would work as it stands, with a line for each sheet and one for the script that imports
//! all others. What it names is joined here, so a new file needs nothing but its line or its import.

use std::collections::BTreeMap;
use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use ring::digest::{SHA256, digest};

use super::{Assets, script};

/// The path of the joined sheet.
const SHEET: &str = "css/all.css";
/// Bytes of a hash: they need to differ only from those of other versions.
const HASH_LEN: usize = 8;

/// The page and the files that it loads.
#[derive(Debug)]
pub(super) struct Site {
    /// The page, with `"/assets/` in front of the name of each file.
    page: String,
    files: Vec<File>,
}

/// A file, plain and compressed.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// The path without the hash: `js/main.js`.
    path: String,
    /// The path with the hash: `js/main-0123456789abcdef.js`.
    name: String,
    pub(super) hash: String,
    pub(super) content_type: &'static str,
    pub(super) plain: Bytes,
    pub(super) gzip: Bytes,
}

impl Site {
    /// Joins what `index.html` names. Fails if a file is not there, or is not one that can be joined.
    pub(super) fn read(assistants: &str) -> Result<Site, String> {
        let mut site = Site { page: String::new(), files: Vec::new() };
        let index = text("index.html")?.replace("ASSISTANTS", assistants);
        let sheets = index.lines().filter(|line| is_sheet(line)).filter_map(named);
        let sheet = sheets.map(text).collect::<Result<String, _>>()?;
        for line in index.lines() {
            match named(line) {
                None => site.write(line),
                // The joined sheet stands where the first one stood.
                Some(_) if is_sheet(line) && site.has(SHEET) => {}
                Some(path) if is_sheet(line) => site.add(path, line, SHEET, sheet.clone())?,
                Some(path) if line.contains("type=\"module\"") => site.add_script(path, line)?,
                Some(path) if line.trim_start().starts_with("<!--") => site.write(text(path)?.trim_end()),
                // A browser looks for the icon again when the address changes, and then from there.
                Some(path) if line.contains("rel=\"icon\"") => {
                    site.write(&line.replace(&format!("/assets/{path}"), &data_url(&text(path)?)));
                }
                Some(path) => site.add(path, line, path, text(path)?)?,
            }
        }
        Ok(site)
    }

    /// Returns the page. `root` leads from the page's address to the gateway's: `../`.
    pub(super) fn page(&self, root: &str) -> Result<File, String> {
        File::new("index.html", self.page.replace("\"/assets/", &format!("\"{root}assets/")))
    }

    /// Returns the file at a path below `/assets/`, and whether it has the hash that was asked for. A page that another
    /// version served asks for other hashes, and gets the files of this version, which belong together.
    pub(super) fn file(&self, asked: &str) -> Option<(&File, bool)> {
        if let Some(file) = self.files.iter().find(|file| file.name == asked) {
            return Some((file, true));
        }
        let path = without_hash(asked).unwrap_or_else(|| asked.to_owned());
        self.files.iter().find(|file| file.path == path).map(|file| (file, false))
    }

    /// Joins the scripts. Those in `vendor/` remain apart: they change less often, and the page preloads them.
    fn add_script(&mut self, path: &str, line: &str) -> Result<(), String> {
        let mut apart = BTreeMap::new();
        for vendored in Assets::iter().filter(|path| path.starts_with("vendor/") && path.ends_with(".js")) {
            let file = File::new(&vendored, text(&vendored)?)?;
            self.write(&format!("    <link rel=\"modulepreload\" href=\"/assets/{}\">", file.name));
            apart.insert(vendored.into_owned(), "../".repeat(path.matches('/').count()) + &file.name);
            self.files.push(file);
        }
        let joined = script::join(path, &|path| text(path).ok(), &apart)?;
        self.add(path, line, path, joined)
    }

    /// Adds a file at `path`, and the line of the page that loads `named`.
    fn add(&mut self, named: &str, line: &str, path: &str, content: String) -> Result<(), String> {
        let file = File::new(path, content)?;
        self.write(&line.replace(named, &file.name));
        self.files.push(file);
        Ok(())
    }

    fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    fn write(&mut self, line: &str) {
        self.page.push_str(line);
        self.page.push('\n');
    }
}

impl File {
    fn new(path: &str, content: String) -> Result<File, String> {
        let content_type =
            content_type(path).ok_or_else(|| format!("{path} is of a kind that is not served"))?;
        let hash: String = digest(&SHA256, content.as_bytes()).as_ref()[..HASH_LEN]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (stem, kind) = path.rsplit_once('.').unwrap_or((path, ""));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = gzip
            .write_all(content.as_bytes())
            .and_then(|()| gzip.finish())
            .map_err(|why| format!("{path}: {why}"))?;
        Ok(File {
            path: path.to_owned(),
            name: format!("{stem}-{hash}.{kind}"),
            hash,
            content_type,
            plain: content.into(),
            gzip: gzip.into(),
        })
    }
}

/// Returns the path of the asset that a line of the page names.
fn named(line: &str) -> Option<&str> {
    line.split_once("\"/assets/")?.1.split_once('"').map(|(path, _)| path)
}

fn is_sheet(line: &str) -> bool {
    line.contains("rel=\"stylesheet\"")
}

/// Returns a picture as an address that has it inside.
fn data_url(picture: &str) -> String {
    let picture = picture.trim_end().replace('%', "%25").replace('#', "%23").replace('"', "'");
    format!("data:image/svg+xml,{}", picture.replace('<', "%3C").replace('>', "%3E"))
}

/// Returns `js/main.js` for `js/main-0123456789abcdef.js`.
fn without_hash(name: &str) -> Option<String> {
    let (stem, kind) = name.rsplit_once('.')?;
    let (stem, hash) = stem.rsplit_once('-')?;
    let is_hash = hash.len() == 2 * HASH_LEN && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| format!("{stem}.{kind}"))
}

fn text(path: &str) -> Result<String, String> {
    let file = Assets::get(path).ok_or_else(|| format!("{path} is named, and is not there"))?;
    String::from_utf8(file.data.into_owned()).map_err(|_| format!("{path} is not text"))
}

/// Returns the media type of a path; files of any other kind (a README beside the vendored module) are not served.
pub(super) fn content_type(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}
