//! What a template may contain, decided on its tokens before the engine sees it: see the folder's first page for why.

use minijinja::machinery::{Span, Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use fanfare_core::code::Code;
use fanfare_core::invalid::Invalid;

/// Words after which a bracket begins a list, and a parenthesis a group.
const WORDS: [&str; 13] =
    ["and", "autoescape", "do", "elif", "else", "for", "if", "in", "is", "not", "or", "set", "with"];
/// Words that are constants in a list.
const CONSTANTS: [&str; 6] = ["False", "None", "True", "false", "none", "true"];

/// What a bracket or a parenthesis begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Call,
    Group,
    Index,
    List,
}

/// Refuses what can build lists and maps of variables, or multiply texts and lists.
pub(super) fn check(text: &str) -> Result<(), Invalid> {
    let mut open: Vec<Open> = Vec::new();
    // Whether the token before ends a value: a bracket after it is an index, a parenthesis a call.
    let mut after_value = false;
    // Whether the names of a loop are being read: `{% for name, value in … %}`.
    let mut in_names = false;
    let (mut at_start, mut after_dot) = (false, false);
    for token in tokenize(text, false, SyntaxConfig::default()) {
        // The engine says what is wrong with it.
        let Ok((token, span)) = token else { return Ok(()) };
        let is_member = std::mem::replace(&mut after_dot, matches!(token, Token::Dot));
        let is_list = open.contains(&Open::List);
        let is_first = std::mem::replace(&mut at_start, matches!(token, Token::BlockStart));
        match &token {
            Token::TemplateData(_) | Token::VariableStart | Token::BlockStart => {
                open.clear();
                in_names = false;
            }
            Token::Plus | Token::Mul | Token::Pow | Token::Mod => {
                return Err(refused(span, &token.to_string(), "write `~` to join texts"));
            }
            Token::BraceOpen | Token::BraceClose => {
                return Err(refused(span, "an object", "write it outside of `{{ … }}`, member by member"));
            }
            Token::Ident(word) if is_list && !CONSTANTS.contains(word) => {
                return Err(refused(span, "a list with variables", "write constants into it"));
            }
            // An index or a group could have variables in it.
            Token::BracketOpen if is_list && !after_value => open.push(Open::List),
            _ if is_list && !is_constant(&token) => {
                return Err(refused(span, "a list with expressions", "write constants into it"));
            }
            Token::Comma if in_names || matches!(open.last(), Some(Open::Call | Open::List)) => {}
            Token::Comma => {
                return Err(refused(span, "a list of values", "write `~` to join texts"));
            }
            Token::ParenOpen => open.push(if after_value { Open::Call } else { Open::Group }),
            Token::BracketOpen => open.push(if after_value { Open::Index } else { Open::List }),
            Token::ParenClose | Token::BracketClose => {
                open.pop();
            }
            Token::Ident("for") if is_first => in_names = true,
            Token::Ident("in") => in_names = false,
            _ => {}
        }
        after_value = match &token {
            Token::Ident(word) => is_member || !WORDS.contains(word),
            Token::Str(_) | Token::String(_) | Token::ParenClose | Token::BracketClose => true,
            _ => false,
        };
    }
    Ok(())
}

/// Returns the line of the first occurrence of a name, from 1.
pub(super) fn line_of(text: &str, name: &str) -> usize {
    let tokens = tokenize(text, false, SyntaxConfig::default());
    let found = tokens.flatten().find(|(token, _)| matches!(token, Token::Ident(word) if *word == name));
    found.map_or(1, |(_, span)| span.start_line.into())
}

fn is_constant(token: &Token<'_>) -> bool {
    matches!(
        token,
        Token::Ident(_)
            | Token::Str(_)
            | Token::String(_)
            | Token::Int(_)
            | Token::Int128(_)
            | Token::Float(_)
            | Token::Minus
            | Token::Comma
            | Token::BracketClose
    )
}

fn refused(span: Span, what: &str, fix: &'static str) -> Invalid {
    let what = format!("line {}: {what} cannot be used in a template", span.start_line);
    Invalid::new(Code::InvalidWebhook, what, fix)
}
