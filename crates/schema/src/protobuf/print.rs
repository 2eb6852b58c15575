//! The text of a tree in the layout in which Confluent's registry stores it: two blanks a level, an
//! empty line between the groups of a declaration, no comments, strings in double quotes.

use super::tree::{
    Enum, Extend, Field, File, Group, Label, Message, OneOf, Range, Rpc, Scalar, Service, Setting,
    TAG_MAX, Value, enums, messages,
};

/// How much of a file is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// Without custom options, except Confluent's own, and without extensions.
    WithoutExtensions,
}

/// The text of `file`.
pub(super) fn print(file: &File, extent: Extent) -> String {
    print_and_doubt(file, extent).0
}

/// The text of `file`, and whether something in it is printed as it is that may not be read as the
/// same: the default of a field that is no string, or a name in quotes.
pub(super) fn print_and_doubt(file: &File, extent: Extent) -> (String, bool) {
    let mut printer = Printer { out: String::new(), level: 0, extent, doubtful: false };
    printer.file(file);
    (printer.out, printer.doubtful)
}

struct Printer {
    out: String,
    level: usize,
    extent: Extent,
    doubtful: bool,
}

impl Printer {
    fn file(&mut self, file: &File) {
        if let Some(syntax) = file.syntax {
            self.line(&["syntax = \"", syntax.name(), "\";"]);
        }
        if let Some(package) = &file.package {
            self.line(&["package ", package, ";"]);
        }
        if !file.imports.is_empty() || !file.public_imports.is_empty() {
            self.out.push('\n');
        }
        let plain = |path: &String| !path.contains(['"', '\\', '\n']);
        self.doubtful |= !file.imports.iter().chain(&file.public_imports).all(plain);
        for path in &file.imports {
            self.line(&["import \"", path, "\";"]);
        }
        for path in &file.public_imports {
            self.line(&["import public \"", path, "\";"]);
        }
        let options = self.shown(&file.options);
        self.section(&options, |printer, option| printer.option(option));
        if !file.types.is_empty() {
            self.out.push('\n');
        }
        messages(&file.types).for_each(|message| self.message(message));
        enums(&file.types).for_each(|enumeration| self.enumeration(enumeration));
        if self.extent == Extent::Whole {
            self.section(&file.extends, |printer, extend| printer.extend(extend));
        }
        self.section(&file.services, |printer, service| printer.service(service));
    }

    fn message(&mut self, message: &Message) {
        self.open(&["message ", &message.name, " {"]);
        self.section(&message.reserved, |printer, ranges| printer.ranges("reserved ", ranges));
        let options = self.shown(&message.options);
        self.section(&options, |printer, option| printer.option(option));
        self.section(&message.fields, |printer, field| printer.field(field));
        self.section(&message.oneofs, |printer, oneof| printer.oneof(oneof));
        self.section(&message.groups, |printer, group| printer.group(group));
        if self.extent == Extent::Whole {
            self.section(&message.extensions, |printer, ranges| {
                printer.ranges("extensions ", ranges);
            });
            self.section(&message.extends, |printer, extend| printer.extend(extend));
        }
        if !message.types.is_empty() {
            self.gap();
        }
        message.messages().for_each(|message| self.message(message));
        enums(&message.types).for_each(|enumeration| self.enumeration(enumeration));
        self.close();
    }

    fn enumeration(&mut self, enumeration: &Enum) {
        self.open(&["enum ", &enumeration.name, " {"]);
        let empty = enumeration.options.is_empty() && enumeration.constants.is_empty();
        if !enumeration.reserved.is_empty() || !empty {
            self.gap();
        }
        for ranges in &enumeration.reserved {
            self.ranges("reserved ", ranges);
        }
        for option in self.shown(&enumeration.options) {
            self.option(option);
        }
        for constant in &enumeration.constants {
            self.begin(&[&constant.name, " = ", &constant.tag.to_string()]);
            let options = self.shown(&constant.options);
            self.bracketed(&options);
            self.out.push_str(";\n");
        }
        self.close();
    }

    fn oneof(&mut self, oneof: &OneOf) {
        self.open(&["oneof ", &oneof.name, " {"]);
        let options = self.shown(&oneof.options);
        self.section(&options, |printer, option| printer.option(option));
        self.section(&oneof.fields, |printer, field| printer.field(field));
        self.section(&oneof.groups, |printer, group| printer.group(group));
        self.close();
    }

    fn group(&mut self, group: &Group) {
        let tag = group.tag.to_string();
        self.open(&[&labelled(group.label), "group ", &group.name, " = ", &tag, " {"]);
        self.section(&group.fields, |printer, field| printer.field(field));
        self.close();
    }

    fn extend(&mut self, extend: &Extend) {
        self.open(&["extend ", &extend.name, " {"]);
        self.section(&extend.fields, |printer, field| printer.field(field));
        self.close();
    }

    fn service(&mut self, service: &Service) {
        self.open(&["service ", &service.name, " {"]);
        let options = self.shown(&service.options);
        self.section(&options, |printer, option| printer.option(option));
        self.section(&service.rpcs, |printer, rpc| printer.rpc(rpc));
        self.close();
    }

    fn rpc(&mut self, rpc: &Rpc) {
        let stream = |streaming| if streaming { "stream " } else { "" };
        self.begin(&["rpc ", &rpc.name, " (", stream(rpc.request_streaming), &rpc.request]);
        let response = stream(rpc.response_streaming);
        for part in [") returns (", response, &rpc.response, ")"] {
            self.out.push_str(part);
        }
        let options = self.shown(&rpc.options);
        if !options.is_empty() {
            self.out.push_str(" {\n");
            self.level += 1;
            options.into_iter().for_each(|option| self.option(option));
            self.level -= 1;
            self.begin(&["}"]);
        }
        self.out.push_str(";\n");
    }

    fn ranges(&mut self, keyword: &str, ranges: &[Range]) {
        self.begin(&[keyword]);
        for (at, range) in ranges.iter().enumerate() {
            if at > 0 {
                self.out.push_str(", ");
            }
            self.out.push_str(&match range {
                Range::Number(number) => number.to_string(),
                Range::Span(start, TAG_MAX..) => format!("{start} to max"),
                Range::Span(start, end) => format!("{start} to {end}"),
                Range::Name(name) => {
                    self.doubtful |= name.contains(['"', '\\', '\n']);
                    format!("\"{name}\"")
                }
            });
        }
        self.out.push_str(";\n");
    }

    fn field(&mut self, field: &Field) {
        let tag = field.tag.to_string();
        self.begin(&[&labelled(field.label), &field.kind, " ", &field.name, " = ", &tag]);
        let default = field.default.as_ref().map(|text| {
            let simple = field.kind.rsplit('.').next().expect("a split has one part at least");
            Setting::plain("default", default_of(simple, text))
        });
        let json_name = field.json_name.as_ref();
        let json_name =
            json_name.map(|name| Setting::plain("json_name", Value::String(name.clone())));
        let mut options = self.shown(&field.options);
        options.extend(&default);
        options.extend(&json_name);
        self.bracketed(&options);
        self.out.push_str(";\n");
    }

    /// The options in brackets behind a field: one beside it, several on a line each.
    fn bracketed(&mut self, options: &[&Setting]) {
        if options.is_empty() {
            return;
        }
        self.out.push(' ');
        self.list(options, |printer, option| printer.setting(option));
    }

    fn list<T>(&mut self, items: &[T], item: impl Fn(&mut Self, &T)) {
        if let [one] = items {
            self.out.push('[');
            item(self, one);
            self.out.push(']');
            return;
        }
        self.lines(items, item);
    }

    fn lines<T>(&mut self, items: &[T], item: impl Fn(&mut Self, &T)) {
        self.out.push_str("[\n");
        self.level += 1;
        for (at, each) in items.iter().enumerate() {
            self.begin(&[]);
            item(self, each);
            self.out.push_str(if at + 1 < items.len() { ",\n" } else { "\n" });
        }
        self.level -= 1;
        self.begin(&["]"]);
    }

    fn option(&mut self, option: &Setting) {
        self.begin(&["option "]);
        self.setting(option);
        self.out.push_str(";\n");
    }

    fn setting(&mut self, setting: &Setting) {
        match setting.custom {
            true => self.out.extend(["(", &setting.name, ")"]),
            false => self.out.push_str(&setting.name),
        }
        match &setting.value {
            Value::Field(field) => {
                self.out.push('.');
                self.setting(field);
            }
            Value::List(items) => {
                self.out.push_str(" = ");
                self.list(items, |printer, item| printer.value(item));
            }
            value => {
                self.out.push_str(" = ");
                self.value(value);
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.out.push('"');
                escape(text, &mut self.out);
                self.out.push('"');
            }
            Value::Boolean(word) | Value::Number(word) | Value::Enum(word) => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
                self.doubtful |= word.is_empty() || !word.bytes().all(plain);
                self.out.push_str(word);
            }
            Value::Map(entries) => self.aggregate(entries),
            Value::List(items) => self.lines(items, |printer, item| printer.value(item)),
            Value::Field(field) => self.setting(field),
        }
    }

    fn aggregate(&mut self, entries: &[(String, Value)]) {
        self.out.push_str("{\n");
        self.level += 1;
        for (at, (key, value)) in entries.iter().enumerate() {
            self.begin(&[key, ": "]);
            self.value(value);
            self.out.push_str(if at + 1 < entries.len() { ",\n" } else { "\n" });
        }
        self.level -= 1;
        self.begin(&["}"]);
    }

    /// The options that this extent has.
    fn shown<'a>(&self, options: &'a [Setting]) -> Vec<&'a Setting> {
        let whole = self.extent == Extent::Whole;
        let shown =
            |option: &&Setting| whole || !option.custom || option.name.starts_with("confluent.");
        options.iter().filter(shown).collect()
    }

    /// Items of one kind, with an empty line before them.
    fn section<T>(&mut self, items: &[T], print: impl Fn(&mut Self, &T)) {
        if !items.is_empty() {
            self.gap();
        }
        items.iter().for_each(|item| print(self, item));
    }

    /// Ends the line of an opening brace, or makes an empty line, which is as far indented as the
    /// declaration that has it.
    fn gap(&mut self) {
        if self.out.ends_with('\n') && self.level > 0 {
            self.level -= 1;
            self.begin(&[]);
            self.level += 1;
        }
        self.out.push('\n');
    }

    fn open(&mut self, parts: &[&str]) {
        self.begin(parts);
        self.level += 1;
    }

    fn close(&mut self) {
        self.level -= 1;
        match self.out.ends_with('\n') {
            true => self.line(&["}"]),
            false => self.out.push_str("}\n"),
        }
    }

    fn line(&mut self, parts: &[&str]) {
        self.begin(parts);
        self.out.push('\n');
    }

    fn begin(&mut self, parts: &[&str]) {
        self.out.extend(std::iter::repeat_n("  ", self.level));
        self.out.extend(parts.iter().copied());
    }
}

fn labelled(label: Option<Label>) -> String {
    label.map(|label| format!("{} ", label.name())).unwrap_or_default()
}

/// What kind of a value a default is goes by the type of the field.
pub(super) fn default_of(kind: &str, text: &str) -> Value {
    let text = text.to_owned();
    match Scalar::of(kind) {
        Some(Scalar::Bool) => Value::Boolean(text),
        Some(Scalar::String) => Value::String(text),
        Some(_) => Value::Number(text),
        None => Value::Enum(text),
    }
}

fn escape(text: &str, out: &mut String) {
    for each in text.chars() {
        let escaped = match each {
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{b}' => 'v',
            '\\' | '\'' | '"' => each,
            _ => {
                out.push(each);
                continue;
            }
        };
        out.extend(['\\', escaped]);
    }
}
