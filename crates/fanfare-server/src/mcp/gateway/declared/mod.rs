//! Tools that the operator declares in `fanfare.toml`: each pushes an event, and can wait for a reply to it. They can
//! change while the gateway runs.

mod calling;
mod declaration;
mod template;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::mcp::gateway::declared::declaration::DeclaredTool;
use crate::mcp::gateway::{ToolEntry, built_in};
use crate::mcp::pace::Pace;
use crate::mcp::toolset::{ToolList, Toolset};

pub use declaration::{Declaration, PushDeclaration, WaitDeclaration};

/// Maximum number of declared tools: each costs every conversation its description, and Cursor passes 40 tools of all
/// servers together on to the model.
pub const TOOLS_MAX: usize = 24;

/// The tools of a gateway, built in and declared; cheap to clone.
#[derive(Debug, Clone)]
pub struct Tools(Arc<watch::Sender<Arc<Set>>>);

/// The tools at one time.
#[derive(Debug)]
pub(super) struct Set {
    declarations: Vec<Declaration>,
    declared: HashMap<String, DeclaredTool>,
    /// The lists of all tools, in the order of [`Toolset`].
    lists: [Arc<ToolList>; 3],
}

impl Default for Tools {
    /// Returns the tools that are built in.
    fn default() -> Tools {
        let set = Set::of(Vec::new()).expect("no declaration is wrong");
        Tools(Arc::new(watch::Sender::new(Arc::new(set))))
    }
}

impl Tools {
    /// Returns the tools that are built in and those that are declared. Fails if one of the latter is wrong, and says
    /// which.
    pub fn with(declarations: Vec<Declaration>) -> Result<Tools, String> {
        Ok(Tools(Arc::new(watch::Sender::new(Arc::new(Set::of(declarations)?)))))
    }

    /// Takes the tools of `other`; returns whether that changes any.
    pub fn replace(&self, other: &Tools) -> bool {
        let new = Arc::clone(&other.0.borrow());
        self.0.send_if_modified(|set| {
            let is_other = set.declarations != new.declarations;
            if is_other {
                *set = new;
            }
            is_other
        })
    }

    pub(super) fn now(&self) -> Arc<Set> {
        Arc::clone(&self.0.borrow())
    }

    /// Returns the set as it changes.
    pub(super) fn moves(&self) -> watch::Receiver<Arc<Set>> {
        self.0.subscribe()
    }
}

impl Set {
    fn of(declarations: Vec<Declaration>) -> Result<Set, String> {
        if declarations.len() > TOOLS_MAX {
            return Err(format!("{} tools are declared; declare at most {TOOLS_MAX}", declarations.len()));
        }
        let built_in = built_in();
        let (mut declared, mut tools) = (HashMap::new(), Vec::new());
        for declaration in &declarations {
            let name = &declaration.name;
            let refused = |problem: String| format!("the tool `{}`: {problem}", name.escape_debug());
            if built_in.iter().any(|entry| entry.tool.name == *name) {
                return Err(refused("`name` is that of a built-in tool; choose another one".to_owned()));
            }
            let checked = declaration.check().map_err(refused)?;
            tools.push(checked.tool.clone());
            if declared.insert(name.clone(), checked).is_some() {
                return Err(refused("`name` is declared twice".to_owned()));
            }
        }
        let lists = Toolset::ALL.map(|toolset| Arc::new(list(&built_in, &tools, toolset)));
        Ok(Set { declarations, declared, lists })
    }

    pub(super) fn list(&self, toolset: Toolset) -> Arc<ToolList> {
        Arc::clone(&self.lists[toolset as usize])
    }

    pub(super) fn find(&self, name: &str) -> Option<&DeclaredTool> {
        self.declared.get(name)
    }

    /// Returns how long a declared tool takes.
    pub(super) fn pace(&self, name: &str) -> Option<Pace> {
        let tool = self.find(name)?;
        Some(if tool.wait.is_some() { Pace::Waiting } else { Pace::AtOnce })
    }
}

/// Returns the list of a set of tools. Declared ones push, so callers that may only look do not see them.
fn list(built_in: &[ToolEntry], declared: &[fanfare_mcp::tools::Tool], toolset: Toolset) -> ToolList {
    let ours = built_in.iter().filter(|entry| entry.toolset <= toolset).map(|entry| &entry.tool);
    let theirs = declared.iter().filter(|_| toolset >= Toolset::Essential);
    let tools: Vec<_> = ours.chain(theirs).cloned().collect();
    ToolList::new(&tools)
}
