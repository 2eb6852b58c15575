//! In what order versions can come into another registry.

use super::contents::Contents;
use crate::schema::in_context_of;
use std::collections::{BTreeMap, BTreeSet};

/// All versions by subject and number: each behind what it refers to and behind the versions of its
/// subject before it, and otherwise in the order of ids, in which they once came.
pub fn in_order(contents: &Contents) -> Vec<(&str, i32)> {
    let all = contents.by_id();
    let place: BTreeMap<(&str, i32), usize> = all
        .iter()
        .enumerate()
        .map(|(at, (_, subject, version, _))| ((*subject, *version), at))
        .collect();
    let mut waits_for = vec![0_usize; all.len()];
    let mut awaited_by: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (at, (_, subject, version, stored)) in all.iter().enumerate() {
        let before = place.range((*subject, i32::MIN)..(*subject, *version)).next_back();
        let mut needed: BTreeSet<usize> = before.map(|(_, at)| *at).into_iter().collect();
        for reference in &stored.schema.references {
            let target = in_context_of(subject, &reference.subject);
            needed.extend(place.get(&(target.as_str(), reference.version)));
        }
        needed.remove(&at);
        waits_for[at] = needed.len();
        needed.into_iter().for_each(|needed| awaited_by[needed].push(at));
    }
    // Positions are in the order of ids.
    let mut ready: BTreeSet<usize> = (0..all.len()).filter(|at| waits_for[*at] == 0).collect();
    let mut order = Vec::with_capacity(all.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for waiting in std::mem::take(&mut awaited_by[at]) {
            waits_for[waiting] -= 1;
            if waits_for[waiting] == 0 {
                ready.insert(waiting);
            }
        }
    }
    // No registry lets versions refer to each other. If these do, it is for the registry to say so.
    order.extend((0..all.len()).filter(|at| waits_for[*at] > 0));
    order.into_iter().map(|at| (all[at].1, all[at].2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::registry::{Schema, SchemaReference};
    use crate::schema::transfer::contents::Stored;

    fn put(
        contents: &mut Contents,
        subject: &str,
        version: i32,
        id: i32,
        refers_to: &[(&str, i32)],
    ) {
        let reference = |(subject, version): &(&str, i32)| SchemaReference {
            name: (*subject).to_owned(),
            subject: (*subject).to_owned(),
            version: *version,
        };
        let schema = Schema {
            kind: "JSON".to_owned(),
            text: String::new(),
            references: refers_to.iter().map(reference).collect(),
            metadata: None,
            rule_set: None,
        };
        let stored = Stored { id, deleted: false, schema };
        contents.subject(subject).versions.insert(version, stored);
    }

    #[test]
    fn versions_come_behind_what_they_refer_to_and_otherwise_by_id() {
        let mut contents = Contents::default();
        put(&mut contents, "a", 1, 5, &[("b", 2)]);
        put(&mut contents, "b", 1, 7, &[]);
        put(&mut contents, "b", 2, 6, &[("elsewhere", 1)]);
        put(&mut contents, "c", 1, 1, &[]);
        assert_eq!(in_order(&contents), [("c", 1), ("b", 1), ("b", 2), ("a", 1)]);
    }

    #[test]
    fn references_are_within_their_context() {
        let mut contents = Contents::default();
        put(&mut contents, ":.x:a", 1, 1, &[("b", 1)]);
        put(&mut contents, ":.x:b", 1, 2, &[]);
        put(&mut contents, "b", 1, 3, &[]);
        assert_eq!(in_order(&contents), [(":.x:b", 1), (":.x:a", 1), ("b", 1)]);
    }

    #[test]
    fn versions_that_refer_to_each_other_are_not_lost() {
        let mut contents = Contents::default();
        put(&mut contents, "a", 1, 1, &[("b", 1)]);
        put(&mut contents, "b", 1, 2, &[("a", 1), ("b", 1)]);
        assert_eq!(in_order(&contents), [("a", 1), ("b", 1)]);
    }
}
