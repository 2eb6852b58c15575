//! Words, strings, numbers and comments of a `.proto` text.
//!
//! It takes what Square's Wire takes, which is what Confluent's registry reads with, and names a
//! problem with the same words and the same line and column. A word may have dots and dashes in it.

use crate::{Limits, SchemaError};

/// No deeper is anything read, whatever the limits: three times as deep as the protocol compiler
/// goes, and little enough for the stack of a thread.
pub(super) const DEPTH_MAX: usize = 100;

pub(super) struct Reader<'a> {
    text: &'a str,
    position: usize,
    line: usize,
    line_start: usize,
    depth_left: usize,
}

/// Where something begins. Its column is counted when somebody asks, for that takes as long as the
/// line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    position: usize,
    line: usize,
    line_start: usize,
}

type Result<T> = std::result::Result<T, SchemaError>;

impl<'a> Reader<'a> {
    pub fn new(text: &'a str, limits: &Limits) -> Self {
        Reader {
            text,
            position: 0,
            line: 0,
            line_start: 0,
            depth_left: limits.depth_max.min(DEPTH_MAX),
        }
    }

    /// Goes one level down, for everything that recurses.
    pub fn descend<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.enter()?;
        let result = inner(self);
        self.leave();
        result
    }

    pub fn enter(&mut self) -> Result<()> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or_else(|| {
            let location = self.location(self.place());
            SchemaError::TooExpensive(format!("it is nested too deeply at {location}"))
        })?;
        Ok(())
    }

    pub fn leave(&mut self) {
        self.depth_left += 1;
    }

    pub fn exhausted(&self) -> bool {
        self.position == self.text.len()
    }

    pub fn place(&self) -> Place {
        Place { position: self.position, line: self.line, line_start: self.line_start }
    }

    /// Line and column of `place`, both from 1 on.
    pub fn location(&self, place: Place) -> String {
        format!(":{}:{}", place.line + 1, 1 + self.column(place))
    }

    fn column(&self, place: Place) -> usize {
        let bytes = &self.text.as_bytes()[place.line_start..place.position];
        // Columns are characters; a byte that continues one does not count.
        bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
    }

    /// The error that something is wrong here.
    pub fn unexpected(&self, problem: &str) -> SchemaError {
        self.unexpected_at(self.place(), problem)
    }

    pub fn unexpected_at(&self, place: Place, problem: &str) -> SchemaError {
        let location = self.location(place);
        SchemaError::Invalid(format!("Syntax error in {location}: {problem}"))
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// The next byte that is neither white space nor of a comment, without taking it.
    pub fn peek(&mut self) -> Result<u8> {
        self.skip(true)?;
        self.byte().ok_or_else(|| self.unexpected("unexpected end of file"))
    }

    /// Takes the next byte if it is `wanted`.
    pub fn take(&mut self, wanted: u8) -> Result<bool> {
        let found = self.peek()? == wanted;
        if found {
            self.position += 1;
        }
        Ok(found)
    }

    /// Takes the next character, whatever it is.
    pub fn next(&mut self) -> Result<char> {
        self.peek()?;
        let found = self.rest().chars().next().expect("peek found a byte");
        self.position += found.len_utf8();
        Ok(found)
    }

    pub fn require(&mut self, wanted: char) -> Result<()> {
        let found = self.next()?;
        if found == wanted {
            return Ok(());
        }
        Err(self.unexpected(&format!("expected '{wanted}' but was '{found}'")))
    }

    /// Gives back the `{` that was taken last.
    pub fn push_back_brace(&mut self) {
        assert_eq!(self.text.as_bytes()[self.position - 1], b'{', "it was taken last");
        self.position -= 1;
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    /// A string in quotes, or a word.
    pub fn string(&mut self) -> Result<String> {
        match self.peek()? {
            b'"' | b'\'' => self.quoted(),
            _ => Ok(self.word()?.to_owned()),
        }
    }

    /// A string in quotes, with those that follow it directly.
    pub fn quoted(&mut self) -> Result<String> {
        let mut quote = self.next()?;
        if quote != '"' && quote != '\'' {
            return Err(SchemaError::Invalid("Check failed.".to_owned()));
        }
        let mut result = String::new();
        while let Some(mut found) = self.rest().chars().next() {
            self.position += found.len_utf8();
            if found == quote {
                if matches!(self.peek()?, b'"' | b'\'') {
                    quote = self.next()?;
                    continue;
                }
                return Ok(result);
            }
            if found == '\\' {
                found = self.escape()?;
            }
            result.push(found);
            if found == '\n' {
                self.newline();
            }
        }
        Err(self.unexpected("unterminated string"))
    }

    fn escape(&mut self) -> Result<char> {
        let Some(found) = self.rest().chars().next() else {
            return Err(self.unexpected("unexpected end of file"));
        };
        self.position += found.len_utf8();
        Ok(match found {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' | 'X' => self.numeric_escape(16, 2)?,
            '0'..='7' => {
                self.position -= 1;
                self.numeric_escape(8, 3)?
            }
            other => other,
        })
    }

    fn numeric_escape(&mut self, radix: u32, digits_max: usize) -> Result<char> {
        let digits = self.rest().chars().map_while(|digit| digit.to_digit(radix));
        let (mut value, mut count) = (0, 0);
        for digit in digits.take(digits_max) {
            value = value * radix + digit;
            count += 1;
        }
        self.position += count;
        if count == 0 {
            return Err(self.unexpected("expected a digit after \\x or \\X"));
        }
        Ok(char::from_u32(value).expect("two hexadecimal or three octal digits are below 512"))
    }

    /// A word, in parentheses or brackets perhaps; these are kept if `wrapped`.
    pub fn name(&mut self, wrapped: bool) -> Result<String> {
        self.wrapped_or_bare(wrapped, Self::word)
    }

    /// A name that does not begin with a digit.
    pub fn field_name(&mut self) -> Result<String> {
        self.wrapped_or_bare(false, Self::word_without_leading_digit)
    }

    fn wrapped_or_bare(
        &mut self,
        wrapped: bool,
        word: fn(&mut Self) -> Result<&'a str>,
    ) -> Result<String> {
        let (open, close) = match self.peek()? {
            b'(' => ('(', ')'),
            b'[' => ('[', ']'),
            _ => return Ok(word(self)?.to_owned()),
        };
        self.position += 1;
        let word = word(self)?;
        if self.next()? != close {
            return Err(self.unexpected(&format!("expected '{close}'")));
        }
        Ok(if wrapped { format!("{open}{word}{close}") } else { word.to_owned() })
    }

    /// A scalar, a name, or a map.
    pub fn data_type(&mut self) -> Result<String> {
        let word = self.word()?;
        self.data_type_after(word)
    }

    /// The same, its first word read already.
    pub fn data_type_after(&mut self, word: &str) -> Result<String> {
        if word != "map" {
            return Ok(word.to_owned());
        }
        let expect = |reader: &mut Self, wanted: char| {
            if reader.next()? == wanted {
                return Ok(());
            }
            Err(reader.unexpected(&format!("expected '{wanted}'")))
        };
        self.descend(|reader| {
            expect(reader, '<')?;
            let key = reader.data_type()?;
            expect(reader, ',')?;
            let value = reader.data_type()?;
            expect(reader, '>')?;
            Ok(format!("map<{key}, {value}>"))
        })
    }

    pub fn word(&mut self) -> Result<&'a str> {
        self.skip(true)?;
        let rest = self.rest();
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let length = rest.bytes().take_while(part).count();
        if length == 0 {
            return Err(self.unexpected("expected a word"));
        }
        self.position += length;
        Ok(&rest[..length])
    }

    pub fn word_without_leading_digit(&mut self) -> Result<&'a str> {
        self.skip(true)?;
        let start = self.place();
        let word = self.word()?;
        if word.starts_with(|first: char| first.is_ascii_digit()) {
            // Wire counts columns from zero here.
            let (line, column) = (start.line + 1, self.column(start));
            let problem = format!(
                "Syntax error in :{line}:{column}: field and constant names cannot start with a digit"
            );
            return Err(SchemaError::Invalid(problem));
        }
        Ok(word)
    }

    pub fn integer(&mut self) -> Result<i32> {
        let word = self.word()?;
        let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let (digits, radix) = hexadecimal.map_or((word, 10), |digits| (digits, 16));
        i32::from_str_radix(digits, radix)
            .map_err(|_| self.unexpected(&format!("expected an integer but was {digits}")))
    }

    /// Skips to the next declaration: white space and the comments before it.
    pub fn skip_to_declaration(&mut self) -> Result<()> {
        self.skip(true)
    }

    fn skip(&mut self, comments: bool) -> Result<()> {
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    self.position += 1;
                    if byte == b'\n' {
                        self.newline();
                    }
                }
                b'/' if comments => self.comment()?,
                _ => break,
            }
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<()> {
        self.position += 1;
        match self.byte() {
            Some(b'*') => {
                self.position += 1;
                while self.position + 1 < self.text.len() {
                    let byte = self.text.as_bytes()[self.position];
                    if byte == b'*' && self.text.as_bytes()[self.position + 1] == b'/' {
                        self.position += 2;
                        return Ok(());
                    }
                    // Wire counts columns from the line break itself here, not from behind it.
                    if byte == b'\n' {
                        self.newline();
                    }
                    self.position += 1;
                }
                Err(self.unexpected("unterminated comment"))
            }
            Some(b'/') => {
                self.position += 1;
                self.line_comment();
                Ok(())
            }
            other => {
                self.position += usize::from(other.is_some());
                Err(self.unexpected("unexpected '/'"))
            }
        }
    }

    fn line_comment(&mut self) {
        match self.rest().find('\n') {
            Some(length) => {
                self.position += length + 1;
                self.newline();
            }
            None => self.position = self.text.len(),
        }
    }

    /// Skips a comment on the line of what it describes. Nothing but white space may follow it there.
    pub fn skip_trailing_comment(&mut self) -> Result<()> {
        let blank = |byte: u8| byte == b' ' || byte == b'\t';
        while self.byte().is_some_and(blank) {
            self.position += 1;
        }
        if self.byte() != Some(b'/') {
            return Ok(());
        }
        match self.text.as_bytes().get(self.position + 1) {
            Some(b'/') => {
                self.position += 2;
                self.line_comment();
                return Ok(());
            }
            Some(b'*') => self.position += 2,
            _ => {
                self.position += 1;
                return Err(self.unexpected("expected '//' or '/*'"));
            }
        }
        let Some(length) = self.rest().find("*/") else {
            self.position = self.text.len();
            return Err(self.unexpected("trailing comment must be closed"));
        };
        self.position += length + 2;
        while let Some(byte) = self.byte() {
            if byte == b'\n' {
                self.position += 1;
                self.newline();
                break;
            }
            if !blank(byte) {
                self.position += self.rest().chars().next().map_or(0, char::len_utf8);
                return Err(self.unexpected("no syntax may follow trailing comment"));
            }
            self.position += 1;
        }
        Ok(())
    }

    fn newline(&mut self) {
        self.line += 1;
        self.line_start = self.position;
    }
}
