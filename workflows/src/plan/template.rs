//! Templates and conditions over earlier results: minijinja, strict, fuel-limited, with nothing
//! that reaches outside.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

/// Instructions one template may take.
pub const FUEL_MAX: u64 = 20_000;
/// Bytes one template may make.
pub const OUTPUT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one expression's value as JSON.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of one template's source.
pub const SOURCE_BYTES_MAX: usize = 16 * 1024;

/// Why a template gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

/// The names a template can see.
#[derive(Debug, Clone)]
pub struct Scope(minijinja::Value);

impl Scope {
    /// A scope of these names.
    pub fn new(names: &Map<String, Value>) -> Self {
        Self(minijinja::Value::from(minijinja::value::Serde(names)))
    }
}

/// Whether a text has template syntax at all.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Whether a value holds template syntax anywhere.
pub fn holds_template(value: &Value) -> bool {
    match value {
        Value::String(text) => is_template(text),
        Value::Array(items) => items.iter().any(holds_template),
        Value::Object(fields) => fields.values().any(holds_template),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Renders a template to text.
///
/// # Errors
/// On faulty syntax, an undefined name, or a limit.
pub fn render(text: &str, scope: &Scope) -> Result<String, TemplateError> {
    if !is_template(text) {
        return Ok(text.to_owned());
    }
    check_source(text)?;
    let template = environment().template_from_str(text).map_err(error)?;
    let mut out = Bounded { bytes: Vec::new(), most: OUTPUT_BYTES_MAX };
    template.render_captured_to(scope.0.clone(), &mut out).map_err(error)?;
    String::from_utf8(out.bytes).map_err(|_| TemplateError("it makes no valid text".to_owned()))
}

/// Evaluates an expression.
///
/// # Errors
/// On faulty syntax, an undefined name, or a limit.
pub fn evaluate(expression: &str, scope: &Scope) -> Result<Value, TemplateError> {
    check_source(expression)?;
    let compiled = environment().compile_expression(expression).map_err(error)?;
    let value = compiled.eval(scope.0.clone()).map_err(error)?;
    if value.is_undefined() {
        return Err(TemplateError(format!("{expression} is undefined")));
    }
    // Written to a buffer that refuses to grow: a lazy value may be far larger than it looks.
    let mut out = Bounded { bytes: Vec::new(), most: VALUE_BYTES_MAX };
    serde_json::to_writer(&mut out, &value).map_err(|_| TemplateError("its value is too large".to_owned()))?;
    let value = serde_json::from_slice(&out.bytes).map_err(|error| TemplateError(error.to_string()))?;
    Ok(value)
}

/// Whether a condition holds: false, null, zero, and what is empty do not.
///
/// # Errors
/// As [`evaluate`].
pub fn holds(expression: &str, scope: &Scope) -> Result<bool, TemplateError> {
    Ok(match evaluate(expression, scope)? {
        Value::Null => false,
        Value::Bool(flag) => flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    })
}

/// Fills every template in a value. A text that is exactly one `{{ expression }}` keeps the type
/// of its value.
///
/// # Errors
/// The first one met, with the path to it.
pub fn fill(value: &Value, scope: &Scope) -> Result<Value, TemplateError> {
    match value {
        Value::String(text) => match sole_expression(text) {
            Some(expression) => evaluate(expression, scope),
            None => render(text, scope).map(Value::String),
        },
        Value::Array(items) => items.iter().map(|item| fill(item, scope)).collect::<Result<_, _>>().map(Value::Array),
        Value::Object(fields) => fill_map(fields, scope).map(Value::Object),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
    }
}

/// [`fill`] for a whole object.
///
/// # Errors
/// As [`fill`].
pub fn fill_map(fields: &Map<String, Value>, scope: &Scope) -> Result<Map<String, Value>, TemplateError> {
    fields
        .iter()
        .map(|(name, value)| match fill(value, scope) {
            Ok(filled) => Ok((name.clone(), filled)),
            Err(TemplateError(why)) => Err(TemplateError(format!("{name}: {why}"))),
        })
        .collect()
}

/// The names a template uses that it does not make itself, dotted: `venue.name`.
///
/// # Errors
/// On faulty syntax.
pub fn names_of_template(text: &str) -> Result<BTreeSet<String>, TemplateError> {
    if !is_template(text) {
        return Ok(BTreeSet::new());
    }
    check_source(text)?;
    if let Some(expression) = sole_expression(text) {
        return names_of_expression(expression);
    }
    let template = environment().template_from_str(text).map_err(error)?;
    Ok(template.undeclared_variables(true).into_iter().collect())
}

/// The names an expression uses, dotted.
///
/// # Errors
/// On faulty syntax.
pub fn names_of_expression(text: &str) -> Result<BTreeSet<String>, TemplateError> {
    check_source(text)?;
    let compiled = environment().compile_expression(text).map_err(error)?;
    Ok(compiled.undeclared_variables(true).into_iter().collect())
}

fn check_source(text: &str) -> Result<(), TemplateError> {
    if text.len() > SOURCE_BYTES_MAX {
        return Err(TemplateError(format!("longer than {SOURCE_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// The expression of a text that is exactly one `{{ expression }}`.
fn sole_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("}}") && !inner.contains("{{") && !inner.contains("{%")).then(|| inner.trim_matches('-').trim())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn error(error: minijinja::Error) -> TemplateError {
    let kind = error.kind().to_string();
    TemplateError(match error.detail() {
        Some(detail) => format!("{kind}: {detail}"),
        None => kind,
    })
}

fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL_MAX));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        for function in ["debug", "range", "namespace", "cycler", "joiner", "lipsum"] {
            environment.remove_global(function);
        }
        environment
    })
}

/// A buffer that refuses to grow past its bound.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(std::io::Error::other("the text is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let names = json!({"slots": {"date": "2026-11-28", "people": 10}, "venue": {"name": "Beach"}, "empty": []});
        Scope::new(names.as_object().expect("an object"))
    }

    #[test]
    fn a_sole_expression_keeps_its_type() {
        let filled =
            fill(&json!({"n": "{{ slots.people }}", "t": "{{ slots.people }} people", "l": ["{{ venue }}"]}), &scope());
        assert_eq!(filled, Ok(json!({"n": 10, "t": "10 people", "l": [{"name": "Beach"}]})));
    }

    #[test]
    fn escaped_braces_come_out_as_typed() {
        assert_eq!(render("a {{ '{{' }} b {{ '{%' }}", &scope()).as_deref(), Ok("a {{ b {%"));
    }

    #[test]
    fn undefined_names_are_errors() {
        for text in ["{{ venu.name }}", "{{ venue.nam }}", "{{ slots.date.x.y }}"] {
            assert!(fill(&json!(text), &scope()).is_err(), "{text}");
        }
    }

    #[test]
    fn loops_and_floods_run_out_of_fuel() {
        let nested = "{% for a in slots.date %}".repeat(8) + "x" + &"{% endfor %}".repeat(8);
        for text in [
            "{% for i in range(100000000) %}x{% endfor %}",
            nested.as_str(),
            "{{ 'a' * 1000000000 }}!",
            "{{ ('a' * 100000) }}!",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}!",
            "{{ ('%1000000000d' | format(1)) }}!",
        ] {
            assert!(render(text, &scope()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_value_far_larger_than_it_looks_is_refused_at_once() {
        let begun = std::time::Instant::now();
        for text in ["{{ [1] * 100000000 }}", "{{ [[1] * 100000] * 100000 }}"] {
            assert!(fill(&json!(text), &scope()).is_err(), "{text}");
        }
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    }

    #[test]
    fn names_are_dotted() {
        let names = names_of_template("{{ venue.name }}, {{ slots.date }} {% for x in y.z %}{{ x.q }}{% endfor %}")
            .expect("valid");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["slots.date", "venue.name", "y.z"]);
    }

    #[test]
    fn conditions_follow_truth() {
        for (text, expected) in
            [("empty", false), ("empty | length > 0", false), ("slots.people > 9 and venue.name", true), ("'' ", false)]
        {
            assert_eq!(holds(text, &scope()), Ok(expected), "{text}");
        }
    }
}
