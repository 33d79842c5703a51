//! What of a server's configuration is never to be shown.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::config::{ServerConfig, Way};
use super::words::Secrets;

/// A part of an address's path of that many characters, with a digit in it, is a key.
const KEY_CHARS_MIN: usize = 16;

/// Every secret of that server.
pub(super) fn of(config: &ServerConfig) -> Secrets {
    let mut all = Vec::new();
    match &config.way {
        Way::Program { env, args, .. } => {
            all.extend(env.values().map(|value| value.expose_secret().to_owned()));
            in_args(args, &mut all);
        }
        Way::Http { url, headers } => {
            in_address(url, &mut all);
            for (_, value) in headers {
                in_header(value, &mut all);
            }
        }
    }
    Secrets::new(all)
}

/// "Bearer x" is one, and so is x.
fn in_header(value: &SecretString, all: &mut Vec<String>) {
    let value = value.expose_secret();
    all.push(value.to_owned());
    all.extend(value.split_whitespace().skip(1).map(str::to_owned));
}

/// The password, what the query holds, and keys in the path.
fn in_address(url: &Url, all: &mut Vec<String>) {
    all.extend(url.password().map(str::to_owned));
    all.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    all.extend(url.query().into_iter().flat_map(|query| query.split(['&', '=']).skip(1).step_by(2)).map(str::to_owned));
    let keys = url.path_segments().into_iter().flatten();
    all.extend(
        keys.filter(|part| part.len() >= KEY_CHARS_MIN && part.contains(|c: char| c.is_ascii_digit()))
            .map(str::to_owned),
    );
}

/// What follows a flag or an `=` is a secret; what stands alone is one unless it is a path, the name of a
/// package or a plain word. Flags themselves are none.
fn in_args(args: &[String], all: &mut Vec<String>) {
    let mut after_flag = false;
    for arg in args {
        let is_flag = arg.starts_with('-');
        if let Some((_, value)) = arg.split_once('=') {
            in_value(value, all);
        }
        if !is_flag && (after_flag || !is_plain(arg)) {
            in_value(arg, all);
        }
        after_flag = is_flag && !arg.contains('=');
    }
}

fn in_value(value: &str, all: &mut Vec<String>) {
    if is_path(value) || is_package(value) {
        return;
    }
    if let Some(url) = value.parse::<Url>().ok().filter(Url::has_host) {
        in_address(&url, all);
        if url.password().is_some() {
            all.push(value.to_owned());
        }
        return;
    }
    all.push(value.to_owned());
    // "Authorization: Bearer x" is one, and so is x.
    all.extend(value.split([' ', ':', '=']).skip(1).map(str::to_owned));
}

fn is_path(text: &str) -> bool {
    ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start)) && !text.contains(['=', '+'])
}

fn is_package(text: &str) -> bool {
    text.starts_with('@') && text.contains('/')
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(args: &[&str]) -> String {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let mut all = Vec::new();
        in_args(&args, &mut all);
        Secrets::new(all).hide(&args.join(" | "))
    }

    #[test]
    fn arguments_that_may_be_secret_are_hidden_and_the_usual_ones_are_not() {
        for (args, shown) in [
            (&["--api-key=abcdef123"][..], "--api-key=***"),
            (&["--token", "correcthorse"], "--token | ***"),
            (&["-p", "hunter22", "run"], "-p | *** | run"),
            (&["TOKEN=abcdef"], "***"),
            (&["sk-abc123DEF"], "***"),
            (&["--header", "Authorization: Bearer abc.def.ghi"], "--header | ***"),
            (&["postgresql://me:hunter22@db.example.org/x"], "***"),
            (&["https://x.org/s/0123456789abcdef0/mcp?key=hunter22"], "https://x.org/s/***/mcp?key=***"),
            (&["-y", "@scope/server-files", "/home/me/docs"], "-y | @scope/server-files | /home/me/docs"),
            (&["--root", "/home/me/docs", "server-files"], "--root | /home/me/docs | server-files"),
            (&["mcp-remote", "https://x.org/mcp"], "mcp-remote | https://x.org/mcp"),
        ] {
            assert_eq!(hidden(args), shown);
        }
        // The value of a header given as an argument is a secret without its name, too.
        let mut all = Vec::new();
        in_args(&["--header".to_owned(), "Authorization: Bearer abc.def.ghi".to_owned()], &mut all);
        assert_eq!(Secrets::new(all).hide("got abc.def.ghi"), "got ***");
    }
}
