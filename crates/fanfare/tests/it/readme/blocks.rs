//! The fenced blocks of a Markdown text.

use std::fmt;

/// A block that can be run.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The line of its fence, from 1.
    pub(super) line: usize,
    pub(super) language: Language,
    pub(super) code: String,
}

/// The language of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    JavaScript,
    Python,
    Shell,
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {:?}:\n{}", self.line, self.language, self.code)
    }
}

/// Returns the blocks that can be run. A fence must name its language: without a name, or with an unknown one, it could
/// be code that no test runs.
pub(super) fn runnable(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, fence)) = lines.next() {
        let Some(name) = fence.trim_start().strip_prefix("```") else { continue };
        let code: Vec<&str> = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| !line.trim_start().starts_with("```"))
            .collect();
        let language = match name.trim() {
            "bash" | "sh" => Language::Shell,
            "js" => Language::JavaScript,
            "python" => Language::Python,
            // Only for reading.
            "json" | "text" => continue,
            other => panic!("line {}: `{other}` is no language that this test knows", index + 1),
        };
        blocks.push(Block { line: index + 1, language, code: code.join("\n") + "\n" });
    }
    blocks
}

#[test]
fn blocks_are_found_with_their_language() {
    let found = runnable("a\n```sh\nls\n```\n```text\nnothing\n```\n```js\nlet a;\nlet b;\n```\n");
    let found: Vec<_> = found.iter().map(|block| (block.line, block.language, block.code.as_str())).collect();
    assert_eq!(found, [(2, Language::Shell, "ls\n"), (8, Language::JavaScript, "let a;\nlet b;\n")]);
}

#[test]
#[should_panic(expected = "no language")]
fn a_block_without_a_language_is_refused() {
    runnable("```\nls\n```\n");
}
