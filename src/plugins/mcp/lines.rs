//! Lines of bounded length from a stream that may never end one.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// As much of the beginning of a line that is too long as is kept, in bytes.
const HEAD_BYTES: usize = 1 << 10;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its end.
    Whole(Vec<u8>),
    /// The beginning of a line that was longer than allowed; the rest was thrown away unread.
    Long(Vec<u8>),
}

/// Reads lines; nothing is lost when a read is given up half-way.
pub(super) struct Lines<R> {
    from: BufReader<R>,
    bytes_max: usize,
    line: Vec<u8>,
    long: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(from: R, bytes_max: usize) -> Self {
        Self { from: BufReader::new(from), bytes_max, line: Vec::new(), long: false }
    }

    /// The next line; `None` when the stream has ended or broke. A last line without an end is none.
    pub(super) async fn next(&mut self) -> Option<Line> {
        loop {
            let read = self.from.fill_buf().await.ok()?;
            if read.is_empty() {
                return None;
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            if self.long || self.line.len() + part.len() > self.bytes_max {
                if !self.long {
                    let room = HEAD_BYTES.saturating_sub(self.line.len()).min(part.len());
                    self.line.extend_from_slice(&part[..room]);
                    self.line.truncate(HEAD_BYTES);
                    self.line.shrink_to_fit();
                }
                self.long = true;
            } else {
                self.line.extend_from_slice(part);
            }
            let used = end.map_or(read.len(), |end| end + 1);
            self.from.consume(used);
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                return Some(if std::mem::take(&mut self.long) { Line::Long(line) } else { Line::Whole(line) });
            }
        }
    }
}

/// The id of the request that a message of which only the beginning is known answers: the first
/// whole number named `id` on its first level.
pub(super) fn id_in(head: &[u8]) -> Option<i64> {
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    let mut key_from = 0;
    for (at, byte) in head.iter().copied().enumerate() {
        if in_text {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    in_text = false;
                    if depth == 1
                        && &head[key_from..at] == b"id"
                        && let Some(id) = number_after(&head[at + 1..])
                    {
                        return Some(id);
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => (in_text, key_from) = (true, at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn number_after(rest: &[u8]) -> Option<i64> {
    let rest = std::str::from_utf8(rest.get(..rest.len().min(32))?).ok()?.trim_start().strip_prefix(':')?.trim_start();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_long_ones_cost_no_memory() {
        let long = format!("{{\"id\":7,\"x\":\"{}\"}}", "y".repeat(1 << 20));
        let text = format!("one\r\n\n{long}\ntwo\nlast without an end");
        let mut lines = Lines::new(text.as_bytes(), 4_096);
        assert_eq!(lines.next().await, Some(Line::Whole(b"one\r".to_vec())));
        assert_eq!(lines.next().await, Some(Line::Whole(Vec::new())));
        let Some(Line::Long(head)) = lines.next().await else { panic!("a long line") };
        assert!(head.len() <= HEAD_BYTES && head.capacity() < 20_000, "{}", head.capacity());
        assert_eq!(id_in(&head), Some(7));
        assert_eq!(lines.next().await, Some(Line::Whole(b"two".to_vec())));
        assert_eq!(lines.next().await, None);
    }

    #[tokio::test]
    async fn a_read_that_is_given_up_loses_nothing() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut lines = Lines::new(near, 100);
        tokio::io::AsyncWriteExt::write_all(&mut far, b"first ").await.expect("room");
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), lines.next()).await;
        assert!(waited.is_err());
        tokio::io::AsyncWriteExt::write_all(&mut far, b"half\n").await.expect("room");
        assert_eq!(lines.next().await, Some(Line::Whole(b"first half".to_vec())));
    }

    #[test]
    fn an_id_is_found_on_the_first_level_only() {
        assert_eq!(id_in(br#"{"jsonrpc":"2.0","id" : 12,"result":{"#), Some(12));
        assert_eq!(id_in(br#"{"result":{"id":3,"a":"\"id\":4"#), None);
        assert_eq!(id_in(br#"{"a":"id","id":5}"#), Some(5));
        assert_eq!(id_in(br#"{"id":"text"}"#), None);
        assert_eq!(id_in(b"garbage"), None);
    }
}
