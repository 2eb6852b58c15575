//! Which of the given files refer to which, and in what order they can be registered.

use super::names::{Names, names};
use super::source::Source;
use crate::failure::Failure;
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// Files with what they refer to of each other.
#[derive(Debug)]
pub struct Order {
    /// Positions of the files, those first that others refer to.
    pub positions: Vec<usize>,
    /// For each file the names by which it refers to others, with their positions.
    pub references: Vec<BTreeMap<String, usize>>,
    /// For each file what it is called.
    pub called: Vec<String>,
}

impl Order {
    /// Finds out what `sources` refer to. A circle, or a name that two files may mean, is an error.
    pub fn of(sources: &[Source]) -> Result<Order, Failure> {
        let read: Vec<Names> = sources.iter().map(|s| names(s.kind, &s.text)).collect();
        let mut references = Vec::new();
        let mut called: Vec<Option<String>> = vec![None; sources.len()];
        for (at, of_file) in read.iter().enumerate() {
            let mut found = BTreeMap::new();
            for need in &of_file.needs {
                if let Some(target) = target(need, at, sources, &read)? {
                    called[target].get_or_insert_with(|| need[0].clone());
                    found.insert(need[0].clone(), target);
                }
            }
            references.push(found);
        }
        let called = called.into_iter().zip(&read).zip(sources);
        let called = called.map(|((by_others, names), source)| {
            names.own.clone().or(by_others).unwrap_or_else(|| source.path.clone())
        });
        let called = called.collect();
        Ok(Order { positions: sorted(&references, sources)?, references, called })
    }
}

/// The file that one of `need` is in, if it is among the given ones.
fn target(
    need: &[String],
    from: usize,
    sources: &[Source],
    read: &[Names],
) -> Result<Option<usize>, Failure> {
    for name in need {
        let is_it = |at: &usize| {
            let (source, names) = (&sources[*at], &read[*at]);
            let same_kind = source.kind == sources[from].kind;
            *at != from
                && same_kind
                && (names.defines.contains(name) || ends_with(&source.path, name))
        };
        let found: Vec<usize> = (0..sources.len()).filter(is_it).collect();
        match found[..] {
            [] => {}
            [one] => return Ok(Some(one)),
            [one, other, ..] => {
                return Err(Failure::Usage(format!(
                    "{} refers to {name}, which may be {} or {}",
                    sources[from].path, sources[one].path, sources[other].path
                )));
            }
        }
    }
    Ok(None)
}

/// Whether a file's path ends with the path that it is referred to by.
fn ends_with(path: &str, name: &str) -> bool {
    let normal = |path: &str| -> Vec<String> {
        let parts = Path::new(path).components().filter_map(|part| match part {
            Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
            _ => None,
        });
        parts.collect()
    };
    let name = normal(name);
    !name.is_empty() && normal(path).ends_with(&name)
}

/// Depth first, with the way from the beginning kept aside, so that no nesting is too deep.
fn sorted(
    references: &[BTreeMap<String, usize>],
    sources: &[Source],
) -> Result<Vec<usize>, Failure> {
    let mut sorted: Vec<usize> = Vec::new();
    let mut is_sorted = vec![false; references.len()];
    for start in 0..references.len() {
        let mut way = vec![start];
        while let Some(at) = way.last().copied() {
            let waits_for = references[at].values().find(|target| !is_sorted[**target]);
            match waits_for {
                _ if is_sorted[at] => drop(way.pop()),
                Some(target) if way.contains(target) => {
                    let paths: Vec<&str> = way.iter().map(|at| &*sources[*at].path).collect();
                    let paths = paths.join(", ");
                    return Err(Failure::Usage(format!(
                        "these files refer to each other: {paths}"
                    )));
                }
                Some(target) => way.push(*target),
                None => {
                    is_sorted[at] = true;
                    sorted.push(at);
                    way.pop();
                }
            }
        }
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_schema::SchemaType;

    fn file(path: &str, kind: SchemaType, text: &str) -> Source {
        Source { path: path.to_owned(), kind, text: text.to_owned() }
    }

    #[test]
    fn files_that_others_refer_to_come_first() {
        let sources = [
            file("protos/order.proto", SchemaType::Protobuf, "import \"common/money.proto\";"),
            file("protos/common/money.proto", SchemaType::Protobuf, "import \"unit.proto\";"),
            file("protos/unit.proto", SchemaType::Protobuf, ""),
        ];
        let order = Order::of(&sources).expect("there is an order");
        assert_eq!(order.positions, [2, 1, 0]);
        assert_eq!(order.references[0], BTreeMap::from([("common/money.proto".to_owned(), 1)]));
        assert_eq!(order.called, ["protos/order.proto", "common/money.proto", "unit.proto"]);
    }

    #[test]
    fn avro_files_are_found_by_the_types_in_them() {
        let order = r#"{"type":"record","name":"Order","namespace":"shop",
            "fields":[{"name":"a","type":"Money"}]}"#;
        let money = r#"{"type":"record","name":"shop.Money","fields":[]}"#;
        let sources =
            [file("o.avsc", SchemaType::Avro, order), file("m.avsc", SchemaType::Avro, money)];
        let found = Order::of(&sources).expect("there is an order");
        assert_eq!(found.positions, [1, 0]);
        assert_eq!(found.called, ["shop.Order", "shop.Money"]);
    }

    #[test]
    fn a_circle_and_a_name_with_two_files_are_refused() {
        let import = |path: &str| format!("import \"{path}\";");
        let proto = |path: &str, imports: &str| file(path, SchemaType::Protobuf, &import(imports));
        let circle = [proto("a.proto", "b.proto"), proto("b.proto", "a.proto")];
        let message = Order::of(&circle).expect_err("a circle").to_string();
        assert_eq!(message, "these files refer to each other: a.proto, b.proto");
        let two = [proto("a.proto", "b.proto"), proto("x/b.proto", ""), proto("y/b.proto", "")];
        let message = Order::of(&two).expect_err("two files").to_string();
        assert_eq!(message, "a.proto refers to b.proto, which may be x/b.proto or y/b.proto");
    }
}
