//! The stand-ins for the web's services themselves.

mod faults;
mod nominatim;
mod searxng;

use std::time::Duration;

/// A client that knows nothing of the rules.
fn client() -> reqwest::Client {
    let builder =
        reqwest::Client::builder().timeout(Duration::from_secs(10)).redirect(reqwest::redirect::Policy::none());
    builder.build().expect("a client")
}
