//! A change of one client's file. All changes are planned before any file is written.

use std::path::PathBuf;

use crate::cli::failure::Failure;
use crate::cli::install::entry::Entry;
use crate::cli::install::file::{self, Backup, Found};
use crate::cli::install::hosts::{Form, Host, Places, Scope};
use crate::cli::install::problem::Problem;
use crate::cli::install::wish::Wish;
use crate::cli::install::{diff, jsonc, kept, toml_file};

/// The action on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Add,
    /// The user edits the file.
    ByHand,
    Change,
    Nothing,
    Remove,
}

/// A planned change of one client's file.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) host: Host,
    pub(crate) scope: Scope,
    pub(crate) path: PathBuf,
    pub(crate) action: Action,
    pub(crate) found: Option<Found>,
    /// Content of the file after the change; `None` if the file is removed.
    pub(crate) after: Option<String>,
    /// The backup that the file is restored from.
    pub(crate) former: Option<PathBuf>,
    /// The names of what others put into our entry, which stays.
    pub(crate) kept: Vec<String>,
    /// The texts in it, which may be secrets and are never shown.
    hidden: Vec<String>,
}

/// Why no change was planned.
#[derive(Debug)]
pub(crate) enum ChangeError {
    /// The file has a problem.
    File {
        host: Host,
        path: PathBuf,
        problem: Problem,
        /// What the user can add by hand instead; empty for `uninstall`.
        snippet: String,
    },
    /// Something else is wrong.
    Other(Failure),
}

impl Change {
    /// Plans to add our entry to the file, or to change it there.
    pub(crate) fn install(
        host: Host,
        scope: Scope,
        places: &Places,
        wish: &Wish,
    ) -> Result<Change, ChangeError> {
        let path = path(host, scope, places)?;
        let entry = wish.entry(host)?;
        if host.form() == Form::ByHand {
            return Ok(Change::nothing(host, scope, path, Action::ByHand));
        }
        let found = file::read(&path)?;
        let text = found.as_ref().map_or("", |found| &found.text);
        let refused = |problem| {
            let snippet = wish.snippet(host).unwrap_or_default();
            ChangeError::File { host, path: path.clone(), problem, snippet }
        };
        let there = host.form().found(text).map_err(refused)?;
        let (entry, kept) = match &there {
            Some(there) => entry.over(there),
            None => (entry, Vec::new()),
        };
        let hidden = there.as_ref().map_or_else(Vec::new, kept::texts);
        let action = match there {
            None => Action::Add,
            Some(there) if there == entry.value() => Action::Nothing,
            Some(_) => Action::Change,
        };
        let after = match action {
            Action::Add | Action::Change => Some(host.form().with(text, &entry).map_err(refused)?),
            Action::ByHand | Action::Nothing | Action::Remove => {
                found.as_ref().map(|found| found.text.clone())
            }
        };
        Ok(Change { host, scope, path, action, found, after, former: None, kept, hidden })
    }

    /// Plans to remove our entry from the file.
    pub(crate) fn uninstall(host: Host, scope: Scope, places: &Places) -> Result<Change, ChangeError> {
        let path = path(host, scope, places)?;
        let form = host.form();
        if form == Form::ByHand {
            return Ok(Change::nothing(host, scope, path, Action::ByHand));
        }
        let Some(found) = file::read(&path)? else {
            return Ok(Change::nothing(host, scope, path, Action::Nothing));
        };
        let refused =
            |problem| ChangeError::File { host, path: path.clone(), problem, snippet: String::new() };
        if form.found(&found.text).map_err(refused)?.is_none() {
            let after = Some(found.text.clone());
            return Ok(Change {
                found: Some(found),
                after,
                ..Change::nothing(host, scope, path, Action::Nothing)
            });
        }
        let backups = file::backups(&found.target);
        let former = form.former(&found.text, &backups);
        // A link belongs to the user, so its target stays, even if it becomes empty.
        let may_go = backups.is_empty() && !path.is_symlink();
        let is_ours = form.with_written("", &found.text).is_some_and(|made| made == found.text);
        let after = match former {
            Some(backup) => Some(backup.text.clone()),
            None if is_ours && may_go => None,
            None => {
                let keeps_list = backups.first().is_some_and(|backup| form.has_list(&backup.text));
                let rest = form.without(&found.text, keeps_list).map_err(refused)?;
                Some(rest).filter(|rest| !may_go || !form.is_empty(rest))
            }
        };
        let former = former.map(|backup| backup.path.clone());
        Ok(Change { found: Some(found), after, former, ..Change::nothing(host, scope, path, Action::Remove) })
    }

    fn nothing(host: Host, scope: Scope, path: PathBuf, action: Action) -> Change {
        Change {
            host,
            scope,
            path,
            action,
            found: None,
            after: None,
            former: None,
            kept: Vec::new(),
            hidden: Vec::new(),
        }
    }

    /// Returns whether the change writes or removes a file.
    pub(crate) fn is_any(&self) -> bool {
        matches!(self.action, Action::Add | Action::Change | Action::Remove)
    }

    /// Returns the diff that the change makes.
    pub(crate) fn diff(&self, places: &Places) -> String {
        let before = self.found.as_ref().map(|found| &*found.text);
        let is_ours = self.action != Action::Remove;
        let diff = diff::unified(&places.shown(&self.path), before, self.after.as_deref(), is_ours);
        diff::without(&diff, &self.hidden)
    }

    /// Carries out the change, and returns the path of the backup if one was saved.
    pub(crate) fn apply(&self, places: &Places) -> Result<Option<PathBuf>, Failure> {
        let Some(found) = &self.found else {
            file::replace(&self.path, None, self.after.as_deref().unwrap_or_default())?;
            return Ok(None);
        };
        // No backup is needed if `install` can create the same file again.
        let is_ours = self.action == Action::Remove && (self.former.is_some() || self.after.is_none());
        let backup = if is_ours { None } else { Some(file::back_up(found)?) };
        match &self.after {
            Some(after) => file::replace(&self.path, Some(found), after)?,
            None => {
                let is_own = self.path.parent().is_some_and(|folder| !places.is_shared(folder));
                file::remove(&self.path, found, is_own)?;
            }
        }
        if let Some(former) = &self.former {
            // The backup now equals the file, so it does no harm if it cannot be removed.
            let _ = std::fs::remove_file(former);
        }
        Ok(backup)
    }
}

impl From<Failure> for ChangeError {
    fn from(failure: Failure) -> ChangeError {
        ChangeError::Other(failure)
    }
}

impl From<ChangeError> for Failure {
    fn from(refused: ChangeError) -> Failure {
        let (host, path, problem, snippet) = match refused {
            ChangeError::File { host, path, problem, snippet } => (host, path, problem, snippet),
            ChangeError::Other(failure) => return failure,
        };
        let (at, fix) = match problem.line {
            Some(line) => (
                format!("line {line} of {}", path.display()),
                "repair the file and run the same command again".to_owned(),
            ),
            None if snippet.is_empty() => (path.display().to_string(), "change it by hand".to_owned()),
            None => (path.display().to_string(), format!("add this to it by hand:\n{snippet}")),
        };
        Failure::usage(format!("cannot change the configuration file of {}", host.title()))
            .at(at)
            .why(problem.what)
            .fix(fix)
    }
}

fn path(host: Host, scope: Scope, places: &Places) -> Result<PathBuf, Failure> {
    host.file(scope, places).ok_or_else(|| {
        Failure::usage(format!("{} does not support project servers", host.title()))
            .fix("remove --scope project")
    })
}

impl Form {
    pub(crate) fn found(self, text: &str) -> Result<Option<serde_json::Value>, Problem> {
        match self {
            Form::ByHand => Ok(None),
            Form::Jsonc(servers) => jsonc::found(text, servers),
            Form::Toml(servers) => toml_file::found(text, servers),
        }
    }

    pub(crate) fn with(self, text: &str, entry: &Entry) -> Result<String, Problem> {
        match self {
            Form::ByHand => Ok(text.to_owned()),
            Form::Jsonc(servers) => jsonc::with(text, servers, entry),
            Form::Toml(servers) => toml_file::with(text, servers, entry),
        }
    }

    pub(crate) fn without(self, text: &str, keeps_list: bool) -> Result<String, Problem> {
        match self {
            Form::ByHand => Ok(text.to_owned()),
            Form::Jsonc(servers) => jsonc::without(text, servers, keeps_list),
            Form::Toml(servers) => toml_file::without(text, servers, keeps_list),
        }
    }

    /// Returns `text` with our entry exactly as it is written in `source`.
    fn with_written(self, text: &str, source: &str) -> Option<String> {
        match self {
            Form::ByHand => None,
            Form::Jsonc(servers) => {
                let entry = jsonc::written(source, servers)?;
                jsonc::with_rendered(text, servers, |_| entry.clone()).ok()
            }
            Form::Toml(servers) => {
                let entry = toml_file::written(source, servers)?;
                Some(toml_file::with_rendered(text, |_| entry.clone()))
            }
        }
    }

    /// Finds the backup that differs from `text` only by our entry.
    pub(crate) fn former<'b>(self, text: &str, backups: &'b [Backup]) -> Option<&'b Backup> {
        backups.iter().find(|backup| {
            self.found(&backup.text).is_ok_and(|there| there.is_none())
                && self.with_written(&backup.text, text).is_some_and(|made| made == text)
        })
    }

    fn has_list(self, text: &str) -> bool {
        match self {
            Form::Jsonc(servers) => jsonc::has_list(text, servers),
            Form::ByHand | Form::Toml(_) => false,
        }
    }

    fn is_empty(self, text: &str) -> bool {
        match self {
            Form::ByHand => false,
            Form::Jsonc(_) => jsonc::is_empty(text),
            Form::Toml(_) => toml_file::is_empty(text),
        }
    }
}
