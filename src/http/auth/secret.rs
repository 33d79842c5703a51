//! Secrets: made once, shown once, kept as hashes.

use sha2::{Digest, Sha256};
use workflows::ports::Ids;

/// Hexadecimal digits of a one-use code: 80 bits, tried at most a few times before it lapses.
const CODE_DIGITS: usize = 20;

/// A fresh secret of a session or token, `sm_` and 64 hexadecimal digits.
pub fn token(ids: &dyn Ids) -> String {
    format!("sm_{}", digits(ids))
}

/// A fresh one-use code.
pub fn code(ids: &dyn Ids) -> String {
    let mut code = digits(ids);
    code.truncate(CODE_DIGITS);
    code
}

/// What a secret is kept as.
pub fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.trim()))
}

fn digits(ids: &dyn Ids) -> String {
    // Part of an id may be the time; three of them hold well over 128 random bits.
    hex::encode(Sha256::digest(format!("secret/{}/{}/{}", ids.fresh(), ids.fresh(), ids.fresh())))
}
