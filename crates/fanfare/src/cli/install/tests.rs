//! Round trips: removing the entry restores every byte, whatever the file looked like.

use std::path::PathBuf;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::cli::install::entry::Entry;
use crate::cli::install::file::Backup;
use crate::cli::install::hosts::Form;

const JSONC: Form = Form::Jsonc("mcpServers");
const TOML: Form = Form::Toml("mcp_servers");

fn entry() -> Entry {
    Entry::default().text("command", "/usr/bin/fanfare").list("args", vec!["mcp".to_owned()])
}

fn other_entry() -> Entry {
    Entry::default().text("type", "http").text("url", "http://127.0.0.1:8000/mcp").map(
        "headers",
        "Authorization",
        "Bearer ${FANFARE_TOKEN}",
    )
}

fn backup(text: &str) -> Backup {
    Backup { path: PathBuf::from("x"), text: text.to_owned() }
}

/// Text that may be between two tokens.
fn gap(inline: bool, newline: &'static str) -> impl Strategy<Value = String> {
    let spaces = select(vec!["", " ", "  ", "\t", " /* a , } */ "]).prop_map(str::to_owned);
    if inline {
        return spaces.boxed();
    }
    let breaks = select(vec!["", " ", "  ", "\t", "    ", " // a , } \"\n ", "/* b\n */", "\n"])
        .prop_map(move |gap| format!("{newline}{}", gap.replace('\n', newline)));
    prop_oneof![1 => spaces, 4 => breaks].boxed()
}

/// Returns an object with gaps between all tokens, and perhaps a trailing comma.
fn object(members: Vec<String>, inline: bool, newline: &'static str) -> impl Strategy<Value = String> {
    let gaps = vec(gap(inline, newline), 2 * members.len() + 2);
    (gaps, any::<bool>(), Just(members)).prop_map(|(gaps, has_comma, members)| {
        let mut text = format!("{{{}", gaps[0]);
        let last = members.len().saturating_sub(1);
        for (index, member) in members.iter().enumerate() {
            let comma = if index < last || has_comma { "," } else { "" };
            text.push_str(&format!("{member}{}{comma}{}", gaps[2 * index + 1], gaps[2 * index + 2]));
        }
        text + "}"
    })
}

fn servers(inline: bool, newline: &'static str) -> impl Strategy<Value = Option<String>> {
    let member = |name: &str| format!("\"{name}\": {{\"command\": \"x\", \"env\": {{\"KEY\": \"a{{b\"}}}}");
    let some = |names: &[&str]| {
        let members = names.iter().map(|name| member(name)).collect();
        object(members, inline, newline).prop_map(|list| Some(format!("\"mcpServers\" : {list}")))
    };
    prop_oneof![Just(None), some(&[]), some(&["git"]), some(&["git", "fan", "ünïcode"])]
}

fn jsonc() -> impl Strategy<Value = String> {
    (any::<bool>(), select(vec!["\n", "\r\n"])).prop_flat_map(|(inline, newline)| {
        let others =
            select(vec![vec![], vec!["\"a\": [1, 2,\t3]"], vec!["\"theme\":\"dark\"", "\"n\" : -1.5e3"]]);
        (others, servers(inline, newline), any::<bool>()).prop_flat_map(move |(others, servers, is_first)| {
            let mut members: Vec<String> = others.into_iter().map(str::to_owned).collect();
            if let Some(servers) = servers {
                members.insert(if is_first { 0 } else { members.len() }, servers);
            }
            let around = (gap(inline, newline), gap(inline, newline), select(vec!["", "\u{feff}"]));
            (object(members, inline, newline), around)
                .prop_map(|(object, (before, after, mark))| format!("{mark}{before}{object}{after}"))
        })
    })
}

fn toml() -> impl Strategy<Value = String> {
    let parts = select(vec![
        "model = \"o\" # why\n",
        "\n\n# a comment of its own\n",
        "[mcp_servers.git]\ncommand = 'git' # here\nargs = [ \"a\",\n  \"b\", # two\n]\n",
        "  [mcp_servers.git.env]\n  KEY = \"secret\"\n",
        "[tui]\ntheme = \"dark\"\n\n",
        "[profiles.\"a.b\"]\nx = { y = 1 }\n",
        "mcp_servers.dotted.command = \"x\"\n",
    ]);
    (vec(parts, 0..5), any::<bool>(), any::<bool>())
        .prop_map(|(parts, has_returns, has_end)| {
            let text = if has_end { parts.concat() } else { parts.concat().trim_end().to_owned() };
            if has_returns { text.replace('\n', "\r\n") } else { text }
        })
        .prop_filter("TOML", |text| text.parse::<::toml::Table>().is_ok())
}

fn round_trip(form: Form, text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    prop_assert_eq!(form.found(text), Ok(None));
    let installed = form.with(text, &entry()).map_err(|problem| fail(text, &problem.what))?;
    prop_assert_eq!(form.found(&installed), Ok(Some(entry().value())), "{}", installed);
    prop_assert_eq!(&form.with(&installed, &entry()).expect("again"), &installed);
    let backups = [backup(&installed), backup(text)];
    let former = form.former(&installed, &backups);
    prop_assert_eq!(former.map(|backup| &*backup.text), Some(text), "{}", installed);
    // A different entry is changed in place.
    let changed = form.with(&installed, &other_entry()).map_err(|problem| fail(text, &problem.what))?;
    prop_assert_eq!(form.found(&changed), Ok(Some(other_entry().value())), "{}", changed);
    let former = form.former(&changed, &backups);
    prop_assert_eq!(former.map(|backup| &*backup.text), Some(text), "{}", changed);
    // Without a backup, the meaning is still restored.
    let without = form.without(&installed, true).map_err(|problem| fail(text, &problem.what))?;
    prop_assert_eq!(form.found(&without), Ok(None), "{}", without);
    Ok(())
}

fn fail(text: &str, what: &str) -> proptest::test_runner::TestCaseError {
    proptest::test_runner::TestCaseError::fail(format!("{what}: {text}"))
}

proptest! {
    #[test]
    fn any_json_comes_back_byte_for_byte(text in jsonc()) {
        round_trip(JSONC, &text)?;
        let installed = JSONC.with(&text, &entry()).expect("installed");
        // Strict readers must still be able to read it.
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&installed).is_ok(), "{}", installed);
        }
        // An entry before others can be removed exactly even without a backup.
        let list_is_there = text.contains("mcpServers");
        let has_others = text.contains("\"git\"") || (!list_is_there && (text.contains("\"a\"") || text.contains("theme")));
        if has_others {
            prop_assert_eq!(JSONC.without(&installed, list_is_there), Ok(text));
        }
    }

    #[test]
    fn any_toml_comes_back_byte_for_byte(text in toml()) {
        round_trip(TOML, &text)?;
        let installed = TOML.with(&text, &entry()).expect("installed");
        prop_assert!(installed.starts_with(&text), "{}", installed);
        let rest = TOML.without(&installed, false).expect("removed");
        prop_assert_eq!(rest.trim_end(), text.trim_end());
    }
}

#[test]
fn a_new_file_has_a_common_layout() {
    let entry = entry().map("env", "FANFARE_TOKEN", "${FANFARE_TOKEN}");
    insta::assert_snapshot!(JSONC.with("", &entry).expect("made"), @r#"
    {
      "mcpServers": {
        "fanfare": {
          "command": "/usr/bin/fanfare",
          "args": ["mcp"],
          "env": {
            "FANFARE_TOKEN": "${FANFARE_TOKEN}"
          }
        }
      }
    }
    "#);
    insta::assert_snapshot!(TOML.with("", &entry).expect("made"), @r#"
    [mcp_servers.fanfare]
    command = "/usr/bin/fanfare"
    args = ["mcp"]
    env = { FANFARE_TOKEN = "${FANFARE_TOKEN}" }
    "#);
}

#[test]
fn an_entry_is_laid_out_like_its_neighbors() {
    let with = |text: &str| JSONC.with(text, &entry()).expect("put in");
    insta::assert_snapshot!(with("{ // mine\n\t// the servers\n\t\"mcpServers\": {\n\t\t// git\n\t\t\"git\": {}\n\t}\n}\n"), @r#"
    { // mine
    	// the servers
    	"mcpServers": {
    		"fanfare": {
    			"command": "/usr/bin/fanfare",
    			"args": ["mcp"]
    		},
    		// git
    		"git": {}
    	}
    }
    "#);
    assert_eq!(
        with("{\"mcpServers\":{\"git\":{}}}"),
        "{\"mcpServers\":{\"fanfare\": { \"command\": \"/usr/bin/fanfare\", \"args\": [\"mcp\"] },\"git\":{}}}"
    );
    insta::assert_snapshot!(with("{\n    \"theme\": \"dark\"\n}"), @r#"
    {
        "mcpServers": {
            "fanfare": {
                "command": "/usr/bin/fanfare",
                "args": ["mcp"]
            }
        },
        "theme": "dark"
    }
    "#);
    insta::assert_snapshot!(with("{\n    \"mcpServers\": {}\n}"), @r#"
    {
        "mcpServers": {
            "fanfare": {
                "command": "/usr/bin/fanfare",
                "args": ["mcp"]
            }
        }
    }
    "#);
}

#[test]
fn an_entry_that_was_moved_can_be_removed() {
    for (text, rest) in [
        (r#"{"mcpServers": {"git": {}, "fanfare": {}}}"#, r#"{"mcpServers": {"git": {}}}"#),
        (r#"{"mcpServers": {"a": 1, "fanfare": {}, "b": 2}}"#, r#"{"mcpServers": {"a": 1, "b": 2}}"#),
        (
            "{\"mcpServers\": {\"a\": 1, // one\n\"fanfare\": {}, \"b\": 2}}",
            "{\"mcpServers\": {\"a\": 1, // one\n \"b\": 2}}",
        ),
        (
            "{\"mcpServers\": {\"a\": 1, /* , */\n \"fanfare\": {} /* , */ , }}",
            "{\"mcpServers\": {\"a\": 1, /* , */ }}",
        ),
        (r#"{"x": 1, "mcpServers": { "fanfare": {} }}"#, r#"{"x": 1}"#),
        (r#"{ "mcpServers": { "fanfare": {} } }"#, "{}"),
    ] {
        assert_eq!(JSONC.without(text, false).as_deref(), Ok(rest));
    }
    for (text, rest) in [
        (
            "[mcp_servers.fanfare]\ncommand = \"x\"\n\n[mcp_servers.fanfare.env]\nA = \"b\"\n\n# tui\n[tui]\na = 1\n",
            "# tui\n[tui]\na = 1\n",
        ),
        (
            "[mcp_servers]\nfanfare = { command = \"x\" }\ngit = { command = \"y\" } # why\n",
            "[mcp_servers]\ngit = { command = \"y\" } # why\n",
        ),
        ("mcp_servers.fanfare.command = \"x\"\nb = 1\n", "b = 1\n"),
    ] {
        assert_eq!(TOML.without(text, false).as_deref(), Ok(rest));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_refused_with_its_line() {
    for (form, text, line, what) in [
        (JSONC, "{\n  \"a\": 1\n  \"b\": 2\n}", Some(2), "expected comma"),
        (JSONC, "[]", Some(1), "the file is not a `{…}` object"),
        (JSONC, "{\n\"mcpServers\": []}", Some(2), "`mcpServers` is not a `{…}` object"),
        (JSONC, "{\"mcpServers\": {},\n\"mcpServers\": {}}", Some(2), "`mcpServers` appears twice"),
        (TOML, "a = 1\nb =\n", Some(2), "string values must be quoted, expected literal string"),
        (TOML, "mcp_servers = 1\n", None, "`mcp_servers` is not a table"),
        (
            TOML,
            "mcp_servers = { git = { command = \"x\" } }\n",
            None,
            "`mcp_servers` is written in a way that cannot be continued at the end of the file",
        ),
    ] {
        let problem = form.with(text, &entry()).expect_err(text);
        assert_eq!((problem.line, &*problem.what), (line, what), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(JSONC.with(&deep, &entry()).is_err());
}
