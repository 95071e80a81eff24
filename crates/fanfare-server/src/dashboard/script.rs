//! Joins the scripts of the pages into one, so that a browser requests one file rather than a hundred, most of which it
//! would learn of from another one.
//!
//! The scripts are modules of JavaScript. Each becomes a function that is called once, after those it imports, and
//! returns what it exports. So the gateway needs no bundler, and in return the scripts keep to what is understood here:
//! imports by name at the top of the file, exports where something is declared, and no circles.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Joins `entry` and all that it imports. `read` returns the text of a path. The modules in `apart` remain files of their
/// own; their values are their addresses, relative to the joined script.
pub(super) fn join(
    entry: &str,
    read: &dyn Fn(&str) -> Option<String>,
    apart: &BTreeMap<String, String>,
) -> Result<String, String> {
    let mut joining = Joining {
        read,
        apart,
        imports: String::new(),
        body: String::new(),
        done: Vec::new(),
        open: Vec::new(),
    };
    for (index, address) in apart.values().enumerate() {
        let _ = writeln!(joining.imports, "import * as apart{index} from \"{address}\";");
    }
    joining.add(entry)?;
    Ok(joining.imports + &joining.body)
}

struct Joining<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    apart: &'a BTreeMap<String, String>,
    imports: String,
    body: String,
    /// The modules whose text has been written, in that order, which their numbers follow.
    done: Vec<String>,
    /// The modules between the entry and the one that is being read.
    open: Vec<String>,
}

impl Joining<'_> {
    /// Writes a module after those it imports, and returns the name of its function's value.
    fn add(&mut self, path: &str) -> Result<String, String> {
        if let Some(number) = self.apart.keys().position(|one| one == path) {
            return Ok(format!("apart{number}"));
        }
        if let Some(number) = self.done.iter().position(|one| one == path) {
            return Ok(format!("module{number}"));
        }
        if self.open.iter().any(|one| one == path) {
            return Err(format!("{} imports one another in a circle: {path}", self.open.join(", ")));
        }
        let text = (self.read)(path).ok_or_else(|| format!("{path} is imported, and is not there"))?;
        self.open.push(path.to_owned());
        let module = self.rewritten(path, &text)?;
        self.open.pop();
        let number = self.done.len();
        self.done.push(path.to_owned());
        let _ = write!(self.body, "// {path}\nconst module{number} = (() => {{\n{module}}})();\n");
        Ok(format!("module{number}"))
    }

    fn rewritten(&mut self, path: &str, text: &str) -> Result<String, String> {
        let wrong = |line: &str, fix: &str| format!("{path}: `{line}`: {fix}");
        let (mut module, mut exports) = (String::new(), Vec::new());
        let mut rest = text;
        // Imports stand at the top. Further down, a line that looks like one is part of a text.
        while let Some((line, after)) = next_line(rest) {
            let is_import = line.starts_with("import ");
            if !is_import && !line.is_empty() && !line.starts_with("//") {
                break;
            }
            if !is_import {
                rest = after;
                continue;
            }
            let (import, after) = rest.split_once(";\n").ok_or_else(|| wrong(line, "end it with `;`"))?;
            let fix = "write `import { name } from \"./file.js\";`";
            let (bound, from) = parse(import).ok_or_else(|| wrong(line, fix))?;
            let value = self.add(&joined(path, from))?;
            if let Some(bound) = bound {
                let _ = writeln!(module, "const {bound} = {value};");
            }
            rest = after;
        }
        let mut is_in_text = false;
        for line in rest.lines() {
            match line.strip_prefix("export ").filter(|_| !is_in_text) {
                Some(declaration) => {
                    let fix = "export a `const`, a `function` or a `class` where it is declared";
                    exports.push(declared(declaration).ok_or_else(|| wrong(line, fix))?);
                    module.push_str(declaration);
                }
                None => module.push_str(line),
            }
            module.push('\n');
            is_in_text ^= has_odd_backticks(line);
        }
        if is_in_text {
            return Err(format!("{path}: there is a backtick without another one; write it as `\\u0060`"));
        }
        let _ = writeln!(module, "return {{ {} }};", exports.join(", "));
        Ok(module)
    }
}

fn next_line(text: &str) -> Option<(&str, &str)> {
    (!text.is_empty()).then(|| text.split_once('\n').unwrap_or((text, "")))
}

/// Returns what an import binds, as a declaration writes it, and the path that it names.
fn parse(import: &str) -> Option<(Option<String>, &str)> {
    let rest = import.strip_prefix("import ")?;
    let (bound, path) =
        rest.rsplit_once("from ").map_or((None, rest), |(bound, path)| (Some(bound.trim()), path));
    let path = path.trim().strip_prefix('"')?.strip_suffix('"')?;
    let Some(bound) = bound else { return Some((None, path)) };
    if let Some(whole) = bound.strip_prefix("* as ") {
        return Some((Some(whole.to_owned()), path));
    }
    bound.starts_with('{').then(|| (Some(bound.replace(" as ", ": ")), path))
}

/// Returns whether a line begins or ends a text of several lines, in which `export` is no export. Every template that
/// is open at an export has ended, so their backticks come in pairs, those within `${…}` too.
fn has_odd_backticks(line: &str) -> bool {
    let ticks = line.matches('`').count() - line.matches("\\`").count();
    ticks % 2 == 1
}

/// Returns the name that a declaration declares. A `let` is refused: its importers would keep the value that it had.
fn declared(declaration: &str) -> Option<&str> {
    let rest = declaration.strip_prefix("async ").unwrap_or(declaration);
    let rest =
        ["const ", "function* ", "function ", "class "].iter().find_map(|word| rest.strip_prefix(word))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
    Some(&rest[..end]).filter(|name| !name.is_empty())
}

/// Returns the path that `relative` names in the file at `base`: `js/live/row.js` and `../api.js` are `js/api.js`.
pub(super) fn joined(base: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = base.split('/').collect();
    parts.pop();
    for part in relative.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{join, joined};

    fn joined_from(files: &[(&str, &str)]) -> Result<String, String> {
        let files: BTreeMap<&str, &str> = files.iter().copied().collect();
        let apart = BTreeMap::from([("vendor/v.js".to_owned(), "../vendor/v-0123.js".to_owned())]);
        join("js/main.js", &|path| files.get(path).map(|text| (*text).to_owned()), &apart)
    }

    #[test]
    fn a_module_follows_those_it_imports_and_is_written_once() {
        let script = joined_from(&[
            (
                "js/main.js",
                "// Starts.\nimport { render } from \"../vendor/v.js\";\nimport {\n  one as first,\n  Two,\n} from \"./ui/a.js\";\nimport * as b from \"./b.js\";\nimport \"./b.js\";\n\nrender(first, Two);\n",
            ),
            (
                "js/ui/a.js",
                "import { three } from \"../b.js\";\nexport const one = three();\nexport class Two {}\n",
            ),
            (
                "js/b.js",
                "export async function three() {\n  return `\nimport { not } from \"here\";\nexport ${`not`}`;\n}\n",
            ),
        ]);
        let expected = "\
import * as apart0 from \"../vendor/v-0123.js\";
// js/b.js
const module0 = (() => {
async function three() {
  return `
import { not } from \"here\";
export ${`not`}`;
}
return { three };
})();
// js/ui/a.js
const module1 = (() => {
const { three } = module0;
const one = three();
class Two {}
return { one, Two };
})();
// js/main.js
const module2 = (() => {
const { render } = apart0;
const {
  one: first,
  Two,
} = module1;
const b = module0;
render(first, Two);
return {  };
})();
";
        assert_eq!(script.as_deref(), Ok(expected));
    }

    #[test]
    fn what_would_not_mean_the_same_is_refused() {
        for (main, said) in [
            ("import { x } from \"./none.js\";\n", "js/none.js is imported, and is not there"),
            ("import { x } from \"./main.js\";\n", "in a circle"),
            ("import x from \"./main.js\";\n", "write `import { name } from"),
            ("export let x = 1;\n", "export a `const`"),
            ("export default 1;\n", "export a `const`"),
            ("const quote = /`/;\n", "a backtick without another"),
            ("export const { a } = b;\n", "export a `const`"),
        ] {
            let refused = joined_from(&[("js/main.js", main)]).expect_err(main);
            assert!(refused.contains(said), "{main}: {refused}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_file_that_names_them() {
        assert_eq!(joined("js/live/row.js", "../api.js"), "js/api.js");
        assert_eq!(joined("js/live/row.js", "./list.js"), "js/live/list.js");
    }
}
