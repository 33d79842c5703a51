//! Whose address book it is, as cards may name them.

use super::folded;

/// The owner of an address book.
#[derive(Debug, Clone, Default)]
pub struct Owner {
    names: Vec<String>,
}

/// What somebody is whose card says of the owner: "my … is the owner".
const TURNED: &[(&str, &str)] = &[
    ("spouse", "spouse"),
    ("wife", "husband"),
    ("husband", "wife"),
    ("partner", "partner"),
    ("sweetheart", "partner"),
    ("friend", "friend"),
    ("sibling", "sibling"),
    ("brother", "sibling"),
    ("sister", "sibling"),
    ("parent", "child"),
    ("mother", "child"),
    ("father", "child"),
    ("child", "parent"),
    ("son", "parent"),
    ("daughter", "parent"),
    ("colleague", "colleague"),
    ("co-worker", "colleague"),
    ("neighbor", "neighbour"),
    ("neighbour", "neighbour"),
    ("manager", "employee"),
    ("assistant", "boss"),
];

impl Owner {
    /// The owner with these names and addresses.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().map(|name| folded(&name)).filter(|name| !name.is_empty()).collect() }
    }

    /// What the person of a card is to the owner, when the card says "my `kind` is `whom`" and that
    /// is the owner; nothing when it speaks of somebody else.
    pub(super) fn relation(&self, kind: &str, whom: &str) -> Option<&'static str> {
        let whom = folded(whom.strip_prefix("mailto:").unwrap_or(whom));
        let kind = folded(kind);
        let (_, turned) = TURNED.iter().find(|(said, _)| *said == kind)?;
        self.names.contains(&whom).then_some(*turned)
    }
}
