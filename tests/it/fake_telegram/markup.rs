//! Keyboards, as strict as the server is with them.

use serde_json::{Map, Value};

use super::state::Refusal;

/// Most buttons of a keyboard.
const BUTTONS_MAX: usize = 100;
/// Most buttons of a row.
const ROW_MAX: usize = 8;
/// Most bytes that a button carries.
const DATA_BYTES_MAX: usize = 64;
/// The fields of which a button has exactly one.
const KINDS: [&str; 10] = [
    "url",
    "callback_data",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
];

/// Whether Telegram makes a link of it: a name without a dot, as localhost, is none.
pub(super) fn link_is_valid(link: &url::Url) -> bool {
    match link.scheme() {
        "tg" => true,
        "http" | "https" => match link.host() {
            Some(url::Host::Domain(name)) => name.contains('.') && !name.starts_with('.') && !name.ends_with('.'),
            host => host.is_some(),
        },
        _ => false,
    }
}

/// The keyboard of a message; an empty one is none.
pub(super) fn of(params: &Map<String, Value>, inline_only: bool) -> Result<Option<Value>, Refusal> {
    let Some(markup) = params.get("reply_markup") else { return Ok(None) };
    let Some(rows) = markup.get("inline_keyboard") else {
        return if inline_only { Err(Refusal::wrong("inline keyboard expected")) } else { Ok(Some(markup.clone())) };
    };
    let rows = rows.as_array().ok_or_else(|| Refusal::wrong("field \"inline_keyboard\" must be an Array"))?;
    let mut count = 0;
    for row in rows {
        let row = row.as_array().ok_or_else(|| Refusal::wrong("inline keyboard row must be an Array"))?;
        if row.len() > ROW_MAX {
            return Err(Refusal::wrong(format_args!("{} buttons in a row", row.len())));
        }
        count += row.len();
        for button in row {
            check(button)?;
        }
    }
    if count > BUTTONS_MAX {
        return Err(Refusal::wrong("reply markup is too long"));
    }
    Ok((count > 0).then(|| markup.clone()))
}

fn check(button: &Value) -> Result<(), Refusal> {
    let text = button["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Refusal::wrong("inline keyboard button text can't be empty"));
    }
    match KINDS.iter().filter(|kind| button.get(**kind).is_some()).count() {
        0 => return Err(Refusal::wrong("text buttons are unallowed in the inline keyboard")),
        1 => {}
        _ => return Err(Refusal::wrong(format_args!("button \"{text}\" does more than one thing"))),
    }
    if let Some(data) = button.get("callback_data") {
        let fits = data.as_str().is_some_and(|data| (1..=DATA_BYTES_MAX).contains(&data.len()));
        if !fits {
            return Err(Refusal::wrong("BUTTON_DATA_INVALID"));
        }
    }
    if let Some(link) = button.get("url") {
        let parsed = link.as_str().and_then(|link| url::Url::parse(link).ok());
        if !parsed.is_some_and(|link| link_is_valid(&link)) {
            return Err(Refusal::wrong("BUTTON_URL_INVALID"));
        }
    }
    Ok(())
}
