//! So much of Overpass QL as a search for places takes.
//!
//! Settings (`[out:json][timeout:25][maxsize:…][bbox:s,w,n,e];`), queries for `node`, `way`, `relation`, `nwr`, `nw`,
//! `nr` and `wr` with filters by tag (`["k"]`, `[!"k"]`, `=`, `!=`, `~`, `!~`, `,i`), by distance
//! (`(around:m,lat,lon)`) and by box (`(s,w,n,e)`), unions of queries, and `out`. Everything else is refused.
//! The grammar: <https://wiki.openstreetmap.org/wiki/Overpass_API/Overpass_QL>.

use super::elements::Kind;
use super::query::{Area, Detail, Out, Query, Select, Test};

/// The time a query may take without a setting, in seconds.
const TIMEOUT_SECS_DEFAULT: u64 = 180;
/// How much of the query an error shows.
const SHOWN_CHARS_MAX: usize = 12;

/// Why a query is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum QlError {
    #[error("line {line}: parse error: {what}")]
    Parse { line: usize, what: String },
    #[error("line {line}: static error: {what}")]
    Static { line: usize, what: String },
}

type Parsed<T> = Result<T, QlError>;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    bbox: Option<Area>,
}

/// Reads a query.
pub(super) fn parse(text: &str) -> Parsed<Query> {
    let mut parser = Parser { text, at: 0, bbox: None };
    let mut query = Query { json: false, timeout_secs: TIMEOUT_SECS_DEFAULT, outs: Vec::new() };
    parser.settings(&mut query)?;
    let mut set = Vec::new();
    while !parser.rest().is_empty() {
        if parser.eat("(") {
            set.clear();
            while !parser.eat(")") {
                set.push(parser.select()?);
                parser.expect(";")?;
            }
        } else if parser.word_is("out") {
            query.outs.push(parser.out(set.clone())?);
        } else {
            set = vec![parser.select()?];
        }
        parser.expect(";")?;
    }
    Ok(query)
}

impl Parser<'_> {
    /// What is left, without blanks and comments before it.
    fn rest(&mut self) -> &str {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let end = if trimmed.starts_with("//") {
                trimmed.find('\n')
            } else if trimmed.starts_with("/*") {
                trimmed.find("*/").map(|end| end + 2)
            } else {
                return &self.text[self.at..];
            };
            self.at += end.unwrap_or(trimmed.len());
        }
    }

    fn line(&self) -> usize {
        self.text[..self.at].matches('\n').count() + 1
    }

    fn wrong<T>(&self, what: impl Into<String>) -> Parsed<T> {
        Err(QlError::Parse { line: self.line(), what: what.into() })
    }

    fn unmeant<T>(&self, what: impl Into<String>) -> Parsed<T> {
        Err(QlError::Static { line: self.line(), what: what.into() })
    }

    fn eat(&mut self, token: &str) -> bool {
        let is = self.rest().starts_with(token);
        self.at += if is { token.len() } else { 0 };
        is
    }

    fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.eat(token) {
            return Ok(());
        }
        let shown: String = self.rest().chars().take(SHOWN_CHARS_MAX).collect();
        self.wrong(format!("'{token}' expected - '{shown}' found."))
    }

    fn word_is(&mut self, word: &str) -> bool {
        let start = self.at;
        let is = self.word() == word;
        if !is {
            self.at = start;
        }
        is
    }

    /// Letters, digits and underscores; may be empty.
    fn word(&mut self) -> String {
        let rest = self.rest();
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let word = rest[..end].to_owned();
        self.at += end;
        word
    }

    /// A text in quotes, or a bare word.
    fn text(&mut self) -> Parsed<String> {
        let Some(quote @ ('"' | '\'')) = self.rest().chars().next() else {
            let word = self.word();
            return if word.is_empty() { self.wrong("Key or value expected.") } else { Ok(word) };
        };
        let mut text = String::new();
        let body = &self.text[self.at + 1..];
        let mut letters = body.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => text.extend(letters.next().map(|(_, escaped)| match escaped {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                })),
                letter if letter == quote => {
                    self.at += at + 2;
                    return Ok(text);
                }
                letter => text.push(letter),
            }
        }
        self.wrong("Unterminated string.")
    }

    fn number(&mut self) -> Parsed<f64> {
        let rest = self.rest();
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && !"+-.eE".contains(letter)).unwrap_or(rest.len());
        let number = rest[..end].parse();
        self.at += end;
        number.or_else(|_| self.wrong("A number expected."))
    }

    fn count(&mut self) -> Parsed<u64> {
        let word = self.word();
        match word.parse() {
            Ok(count) if count > 0 => Ok(count),
            Ok(_) | Err(_) => self.wrong(format!("Value \"{word}\" is not a positive integer.")),
        }
    }

    fn settings(&mut self, query: &mut Query) -> Parsed<()> {
        if !self.rest().starts_with('[') {
            return Ok(());
        }
        while self.eat("[") {
            let setting = self.word();
            self.expect(":")?;
            match setting.as_str() {
                "out" => match self.word().as_str() {
                    "json" => query.json = true,
                    "xml" => query.json = false,
                    other => return self.wrong(format!("Unknown output format: {other}")),
                },
                "timeout" => query.timeout_secs = self.count()?,
                "maxsize" => drop(self.count()?),
                "bbox" => self.bbox = Some(self.area_box()?),
                other => return self.wrong(format!("Unknown setting: {other}")),
            }
            self.expect("]")?;
        }
        self.expect(";")
    }

    fn select(&mut self) -> Parsed<Select> {
        let word = self.word();
        let kinds = match word.as_str() {
            "node" => vec![Kind::Node],
            "way" => vec![Kind::Way],
            "rel" | "relation" => vec![Kind::Relation],
            "nwr" => vec![Kind::Node, Kind::Way, Kind::Relation],
            "nw" => vec![Kind::Node, Kind::Way],
            "nr" => vec![Kind::Node, Kind::Relation],
            "wr" => vec![Kind::Way, Kind::Relation],
            _ => return self.wrong(format!("Unknown type \"{word}\"")),
        };
        let mut select = Select { kinds, tests: Vec::new(), areas: self.bbox.into_iter().collect() };
        loop {
            if self.eat("[") {
                select.tests.push(self.test()?);
                self.expect("]")?;
            } else if self.eat("(") {
                select.areas.push(self.area()?);
                self.expect(")")?;
            } else if select.tests.is_empty() && select.areas.is_empty() {
                return self.unmeant("For the statement \"query\" a filter is needed.");
            } else {
                return Ok(select);
            }
        }
    }

    fn test(&mut self) -> Parsed<Test> {
        if self.eat("!") {
            return self.text().map(Test::HasNot);
        }
        let key = self.text()?;
        if self.eat("!=") {
            return Ok(Test::IsNot(key, self.text()?));
        }
        if self.eat("!~") {
            return Ok(Test::MatchesNot(key, self.pattern()?));
        }
        if self.eat("=") {
            return Ok(Test::Is(key, self.text()?));
        }
        if self.eat("~") {
            return Ok(Test::Matches(key, self.pattern()?));
        }
        Ok(Test::Has(key))
    }

    /// A POSIX extended regular expression.
    fn pattern(&mut self) -> Parsed<regex::Regex> {
        let pattern = self.text()?;
        let ignore_case = self.eat(",") && {
            if !self.word_is("i") {
                return self.wrong("'i' expected.");
            }
            true
        };
        // What the library knows beyond POSIX.
        let beyond = ["(?", "\\d", "\\D", "\\p", "\\P", "*?", "+?", "??"].iter().any(|sign| pattern.contains(sign));
        let built = regex::RegexBuilder::new(&pattern).case_insensitive(ignore_case).build();
        match built {
            Ok(regex) if !beyond => Ok(regex),
            Ok(_) | Err(_) => self.unmeant(format!("Invalid regular expression: \"{pattern}\"")),
        }
    }

    fn area(&mut self) -> Parsed<Area> {
        if !self.word_is("around") {
            return self.area_box();
        }
        self.expect(":")?;
        let metres = self.number()?;
        self.expect(",")?;
        let lat = self.number()?;
        self.expect(",")?;
        let lon = self.number()?;
        if metres < 0.0 {
            return self.unmeant("For the attribute \"radius\" the only allowed values are non-negative floats.");
        }
        self.place(lat, lon)?;
        Ok(Area::Around { metres, lat, lon })
    }

    fn area_box(&mut self) -> Parsed<Area> {
        let mut sides = [0.0; 4];
        for (number, side) in sides.iter_mut().enumerate() {
            if number > 0 {
                self.expect(",")?;
            }
            *side = self.number()?;
        }
        let [south, west, north, east] = sides;
        self.place(south, west)?;
        self.place(north, east)?;
        if south > north {
            return self
                .unmeant("The value of attribute \"n\" must always be greater or equal than the value of \"s\".");
        }
        Ok(Area::Box { south, west, north, east })
    }

    fn place(&self, lat: f64, lon: f64) -> Parsed<()> {
        if !(-90.0..=90.0).contains(&lat) {
            return self.unmeant("The only allowed values for latitudes are floats between -90.0 and 90.0.");
        }
        if !(-180.0..=180.0).contains(&lon) {
            return self.unmeant("The only allowed values for longitudes are floats between -180.0 and 180.0.");
        }
        Ok(())
    }

    fn out(&mut self, of: Vec<Select>) -> Parsed<Out> {
        let mut out = Out { of, detail: Detail::Body, center: false, limit: None };
        loop {
            let start = self.at;
            match self.word().as_str() {
                "" => return Ok(out),
                "ids" => out.detail = Detail::Ids,
                "skel" => out.detail = Detail::Skel,
                "body" | "meta" => out.detail = Detail::Body,
                "tags" => out.detail = Detail::Tags,
                "center" => out.center = true,
                "asc" | "qt" => {}
                word if word.starts_with(|first: char| first.is_ascii_digit()) => {
                    self.at = start;
                    out.limit = Some(usize::try_from(self.count()?).unwrap_or(usize::MAX));
                }
                word => return self.wrong(format!("Unknown print option \"{word}\"")),
            }
        }
    }
}
