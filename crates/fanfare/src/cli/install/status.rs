//! `fanfare install --status`: shows which clients have Fanfare.

use serde_json::json;

use crate::cli::Context;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::install::change::{Action, Change, ChangeError};
use crate::cli::install::hosts::{Form, Host, Places, Scope};
use crate::cli::install::wish::{Transport, Wish};
use crate::cli::output::Mode;
use crate::cli::text::harmless;

struct Row {
    host: Host,
    scope: Scope,
    path: String,
    state: &'static str,
    /// Description of what `install` would do.
    would: String,
    is_here: bool,
}

/// Shows the state of `hosts`. Without a scope, a project is shown only if it has a file.
pub(crate) fn show(
    hosts: &[Host],
    scope: Option<Scope>,
    transport: Transport,
    places: &Places,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut rows = Vec::new();
    for wanted in [Scope::User, Scope::Project] {
        if scope.is_some_and(|scope| scope != wanted) {
            continue;
        }
        let wish = Wish::new(context, transport, wanted)?;
        for host in hosts {
            let Some(path) = host.file(wanted, places) else { continue };
            // In the home directory, both scopes can have the same file.
            let is_other = host.file(Scope::User, places).is_some_and(|user| user != path) && path.exists();
            if scope.is_some() || wanted == Scope::User || is_other {
                rows.push(row(*host, wanted, places, &wish));
            }
        }
    }
    print(&rows, context)?;
    Ok(Exit::Ok)
}

fn row(host: Host, scope: Scope, places: &Places, wish: &Wish) -> Row {
    let path = host.file(scope, places).map(|path| places.shown(&path)).unwrap_or_default();
    let (state, would) = match Change::install(host, scope, places, wish) {
        Err(ChangeError::File { problem, .. }) => {
            let line = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            ("unreadable", format!("refuse: {line}{}", problem.what))
        }
        Err(ChangeError::Other(failure)) => {
            let why = failure.why.as_deref().unwrap_or(&failure.what);
            ("unreadable", format!("refuse: {why}"))
        }
        Ok(change) => match change.action {
            Action::Add if change.found.is_none() => ("not installed", "create the file".to_owned()),
            Action::Add => ("not installed", "add the entry".to_owned()),
            Action::Change => ("different", "change the entry".to_owned()),
            Action::Nothing | Action::Remove => ("installed", "nothing".to_owned()),
            Action::ByHand => ("unknown", "show a snippet".to_owned()),
        },
    };
    Row { host, scope, path, state, would, is_here: host.is_here(places) }
}

fn print(rows: &[Row], context: &Context) -> Result<(), Failure> {
    let json = |row: &Row| {
        json!({
            "client": row.host.as_str(),
            "scope": row.scope.as_str(),
            "path": row.path,
            "state": row.state,
            "would": row.would,
            "client_found": row.is_here,
            "written_by_hand": row.host.form() == Form::ByHand,
        })
    };
    let output = context.output;
    match output.mode {
        Mode::Human | Mode::Table => {
            let cells = |row: &Row| {
                let here = if row.is_here { "yes" } else { "–" };
                let texts = [row.host.as_str(), here, row.scope.as_str(), row.state, &row.would, &row.path];
                texts.iter().map(|text| harmless(text).into_owned()).collect()
            };
            let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
            output.table(&["client", "found", "scope", "state", "install would", "where"], &rows)?;
        }
        Mode::Json => {
            output.line(json!({ "clients": rows.iter().map(json).collect::<Vec<_>>() }).to_string())?;
        }
        Mode::Ndjson => rows.iter().try_for_each(|row| output.line(json(row).to_string()))?,
        Mode::Raw => rows
            .iter()
            .filter(|row| row.state == "installed")
            .try_for_each(|row| output.line(row.host.as_str()))?,
    }
    Ok(())
}
