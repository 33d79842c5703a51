//! The web door: API requests to neutral events, states and questions to API shapes. Pure; the
//! HTTP server itself is not here.

pub mod fields;
pub mod parse;
pub mod render;

use workflows::ids::ConversationId;

/// The conversation of a web session.
pub fn conversation_of(session_id: &str) -> ConversationId {
    ConversationId(format!("web:{session_id}"))
}

/// What the API calls a conversation: a web session by its own id, others by their whole name.
pub fn session_of(conversation: &ConversationId) -> &str {
    conversation.as_str().strip_prefix("web:").unwrap_or(conversation.as_str())
}
