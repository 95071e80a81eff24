//! The prompts, and the completion of their arguments.

use fanfare_mcp::prompts::{Argument, Complete, Get, Line, Prompt, PromptAnswer, Reference};
use fanfare_mcp::tools::Content;
use fanfare_mcp::{Error, Outcome};
use fanfare_server::mcp::call::Call;

use crate::asked::{Asked, Round};
use crate::media::{picture, text_of};

const SIMPLE: &str = "test_simple_prompt";
const ARGUMENTS: &str = "test_prompt_with_arguments";
const EMBEDDED: &str = "test_prompt_with_embedded_resource";
const IMAGE: &str = "test_prompt_with_image";
const INPUT_REQUIRED: &str = "test_input_required_result_prompt";

/// Lists them.
pub(crate) fn all() -> Vec<Prompt> {
    let prompt = |name, title, description, arguments: &[(&'static str, &'static str)]| Prompt {
        name,
        title,
        description,
        arguments: arguments
            .iter()
            .map(|&(name, description)| Argument { name, description, required: true })
            .collect(),
    };
    vec![
        prompt(SIMPLE, "Simple", "Says one sentence", &[]),
        prompt(
            ARGUMENTS,
            "With arguments",
            "Says its arguments back",
            &[("arg1", "What is said first"), ("arg2", "What is said second")],
        ),
        prompt(
            EMBEDDED,
            "With a resource",
            "Has a resource in it",
            &[("resourceUri", "The address that the resource gets")],
        ),
        prompt(IMAGE, "With a picture", "Has a picture in it", &[]),
        prompt(INPUT_REQUIRED, "With a question", "Asks the user for its context first", &[]),
    ]
}

/// Returns the text of a prompt.
pub(crate) fn get(call: &Call, wanted: &Get) -> Result<Outcome, Error> {
    match wanted.name.as_str() {
        SIMPLE => Ok(said(vec![Content::text("This is a simple prompt for testing.")])),
        ARGUMENTS => {
            let (first, second) = (argument(wanted, "arg1")?, argument(wanted, "arg2")?);
            let text = format!("Prompt with arguments: arg1='{first}', arg2='{second}'");
            Ok(said(vec![Content::text(text)]))
        }
        EMBEDDED => {
            let uri = argument(wanted, "resourceUri")?;
            let resource = text_of(uri, "text/plain", "Embedded resource content for testing.");
            let text = "Please process the embedded resource above.";
            Ok(said(vec![Content::Resource { resource }, Content::text(text)]))
        }
        IMAGE => Ok(said(vec![picture(), Content::text("Please analyze the image above.")])),
        INPUT_REQUIRED => {
            let asked = Asked::text("user_context", "What context should the prompt use?", "context");
            let round = Round::new(call, wanted.input_responses.as_ref());
            match round.answer(&asked) {
                Some(context) => Ok(said(vec![Content::text(format!("Use this context: {context}"))])),
                None => round.ask(&[asked], None),
            }
        }
        name => Err(unknown(name)),
    }
}

/// Suggests values: those that start with the input.
pub(crate) fn complete(wanted: &Complete) -> Result<Vec<String>, Error> {
    let values: &[&str] = match &wanted.reference {
        Reference::Prompt { name } if name == ARGUMENTS => match wanted.argument.name.as_str() {
            "arg1" => &["first", "further", "testValue1"],
            "arg2" => &["second", "seventh", "testValue2"],
            _ => &[],
        },
        Reference::Prompt { name } if !all().iter().any(|prompt| prompt.name == name) => {
            return Err(unknown(name));
        }
        Reference::Prompt { .. } => &[],
        Reference::Resource { .. } => &["1", "12", "123"],
    };
    let fitting = values.iter().filter(|value| value.starts_with(&wanted.argument.value));
    Ok(fitting.map(|value| (*value).to_owned()).collect())
}

fn unknown(name: &str) -> Error {
    Error::invalid_params(format!("there is no prompt `{name}`"))
}

fn said(contents: Vec<Content>) -> Outcome {
    let messages = contents.into_iter().map(|content| Line { role: "user", content }).collect();
    Outcome::complete(&PromptAnswer { description: "A prompt for the suite".to_owned(), messages })
}

fn argument<'a>(wanted: &'a Get, name: &str) -> Result<&'a str, Error> {
    let arguments = wanted.arguments.as_ref();
    let value = arguments.and_then(|arguments| arguments.get(name)).and_then(serde_json::Value::as_str);
    value.ok_or_else(|| Error::invalid_params(format!("the argument `{name}` is missing or no text")))
}
