//! What is shipped.

#![expect(clippy::cast_precision_loss, reason = "figures are shown with a digit or two")]

use std::path::Path;

use crate::Line;

pub(crate) fn measure() -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/dist/super-manager");
    let (measured, reached) = match std::fs::metadata(&path) {
        Ok(file) => {
            let mb = file.len() as f64 / 1e6;
            (format!("{mb:.1} MB"), mb <= 30.0)
        }
        Err(_) => ("not built: cargo build --profile dist".to_owned(), false),
    };
    vec![Line::new("the shipped binary", measured, "<= 30 MB", reached)]
}
