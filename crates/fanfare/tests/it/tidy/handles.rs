//! Who spawns owns the handle: none is dropped where it is created, so that no end goes unseen.

use super::sources;

/// Functions that return a handle. `JoinSet::spawn` does not: the set is the handle.
const SPAWNS: &[&str] =
    &["tokio::spawn(", "task::spawn(", "spawn_blocking(", "thread::spawn(", "thread::Builder::new()"];

/// Threads whose end is heard over a channel, because waiting for the handle would block.
const HEARD_OTHERWISE: &[&str] = &[
    // The lines end with it.
    "fanfare/src/cli/push/ndjson.rs",
    // The receiver that `run` returns ends with it.
    "fanfare/src/cli/mcp/thread.rs",
    // Each has a `oneshot` that it sends on, or drops.
    "fanfare/src/cli/run/child.rs",
    // The store reports its own failure, and `ended` closes.
    "fanfare-store-embedded/src/lib.rs",
];

#[test]
fn no_handle_is_dropped_where_it_is_made() {
    let (mut wrong, mut spawns) = (Vec::new(), 0);
    let mut heard: Vec<&str> = Vec::new();
    for source in sources::all().iter().filter(|source| source.module().is_some()) {
        let code = source.code();
        spawns += SPAWNS.iter().map(|spawn| code.matches(spawn).count()).sum::<usize>();
        // It spawns, and drops the handles.
        wrong.extend(code.contains("TokioExecutor").then(|| format!("{}: TokioExecutor", source.path)));
        let dropped = dropped(&code);
        match HEARD_OTHERWISE.iter().find(|path| **path == source.path) {
            Some(path) if !dropped.is_empty() => heard.push(path),
            _ => wrong.extend(dropped.into_iter().map(|statement| format!("{}: {statement}", source.path))),
        }
    }
    assert!(spawns > 5, "the spawns were not found: {spawns}");
    assert!(wrong.is_empty(), "a handle is dropped: {wrong:#?}");
    heard.sort_unstable();
    let mut listed = HEARD_OTHERWISE.to_vec();
    listed.sort_unstable();
    assert_eq!(heard, listed, "files that no longer need to be listed");
}

/// Returns the start of each statement that spawns and drops the handle.
fn dropped(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for spawn in SPAWNS {
        for (at, _) in code.match_indices(spawn) {
            let head = code[..at].rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let head = head.map_or(0, |before| before + 1);
            let before = code[..head].rfind([';', '{', '}']).map_or(0, |end| end + 1);
            let before = code[before..head].trim();
            let is_thrown_away = match before {
                "" => chain_end(&code[at..])
                    .is_some_and(|chain| chain.after.trim_start().starts_with(';') && !chain.is_awaited),
                before => before == "let _ =" || before.ends_with("drop("),
            };
            if is_thrown_away {
                found.push(code[head..].lines().next().unwrap_or_default().to_owned());
            }
        }
    }
    found
}

/// A call with the methods that are called on it: `a(…).b(…)?`.
struct Chain<'a> {
    /// Whether `.await` is one of them. One inside brackets, such as in a closure, waits for something else.
    is_awaited: bool,
    /// The code after the chain.
    after: &'a str,
}

/// Reads the chain at the start of `code`.
fn chain_end(code: &str) -> Option<Chain<'_>> {
    let (mut end, mut is_awaited) = (0, false);
    loop {
        let rest = &code[end..];
        let trimmed = rest.trim_start();
        let goes_on = end == 0 || trimmed.starts_with(['.', '?', '(']);
        if !goes_on {
            return Some(Chain { is_awaited, after: &code[end..] });
        }
        end += rest.len() - trimmed.len();
        if trimmed.starts_with('?') {
            end += 1;
            continue;
        }
        let open = code[end..].find(|c: char| !(c.is_alphanumeric() || "_:.".contains(c)))?;
        is_awaited |= code[end..end + open].contains(".await");
        end += open;
        if code[end..].starts_with('(') {
            end += closing(&code[end..])?;
        }
    }
}

/// Returns the place after the bracket that closes the one at the start.
fn closing(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn a_dropped_handle_is_found() {
    for code in [
        "fn f() { tokio::spawn(work()); }",
        "fn f() { a(); std::thread::spawn(move || { b(); c(1) }); d() }",
        "fn f() { std::thread::spawn(move || { rt.block_on(async { x().await }); }); }",
        "fn f() { let _ = tokio::task::spawn(work()); }",
        "fn f() { drop(tokio::task::spawn_blocking(work)); }",
        "{\n    std::thread::Builder::new()\n        .name(name)\n        .spawn(move || { x(); })\n        .map_err(|e| io(&e))?;\n}",
    ] {
        assert_eq!(dropped(code).len(), 1, "{code}");
    }
    for code in [
        "fn f() { let handle = tokio::spawn(work()); }",
        "fn f() -> JoinHandle { tokio::spawn(work()) }",
        "fn f() { tokio::task::spawn_blocking(work).await?; }",
        "fn f() { self.handle = std::thread::Builder::new().spawn(work)?; }",
        "fn f() { set.spawn(work()); }",
    ] {
        assert_eq!(dropped(code), Vec::<String>::new(), "{code}");
    }
}
