//! What is kept comes back, and nothing else.

use super::bed::{Bed, Commit, plain};
use std::collections::BTreeMap;
use tidegate_model::{ErrorCode, Offset};

/// Offset, epoch, note and topic id of a commit stay together.
pub async fn what_is_committed_is_fetched_with_epoch_and_metadata(bed: Bed) {
    let commit = Commit { leader_epoch: 7, metadata: "a note", ..plain("t", 3, 42) };
    bed.commit("g", &[commit]).await;
    let all = bed.all("g").await;
    assert_eq!(all.len(), 1);
    let (topic, partition, value) = &all[0];
    assert_eq!((topic.as_str(), *partition, value.offset), ("t", 3, 42));
    assert_eq!((value.leader_epoch, value.metadata.as_str()), (7, "a note"));
    assert_eq!((value.expire_timestamp, value.topic_id), (-1, bed.id_of("t")));
    assert!(value.commit_timestamp > 1_600_000_000_000, "{}", value.commit_timestamp);
}

/// Nothing of an earlier commit is left, also when the offset goes back.
pub async fn a_later_commit_replaces_all_of_an_earlier_one(bed: Bed) {
    bed.commit("g", &[Commit { leader_epoch: 7, metadata: "old", ..plain("t", 0, 42) }]).await;
    for offset in [43, 0, i64::MAX] {
        bed.commit("g", &[plain("t", 0, offset)]).await;
        let all = bed.all("g").await;
        let value = &all[0].2;
        assert_eq!((all.len(), value.offset, value.leader_epoch), (1, offset, -1));
        assert_eq!(value.metadata, "");
    }
}

/// An equal offset does not make two commits one.
pub async fn the_same_offset_with_another_note_is_another_commit(bed: Bed) {
    for (leader_epoch, metadata) in [(1, "one"), (2, "two"), (-1, ""), (1, "one")] {
        bed.commit("g", &[Commit { leader_epoch, metadata, ..plain("t", 0, 5) }]).await;
        let value = &bed.all("g").await[0].2;
        assert_eq!((value.leader_epoch, value.metadata.as_str()), (leader_epoch, metadata));
    }
}

/// Commits of a partition take effect in the order in which they were made.
pub async fn the_last_of_many_commits_that_nobody_waited_for_wins(bed: Bed) {
    let begun: Vec<_> = (0..50)
        .map(|offset| bed.begin("g", &[plain("t", 0, offset), plain("t", 1, 100 - offset)]))
        .collect();
    for commit in begun {
        assert_eq!(commit.await, Ok(vec![ErrorCode::None; 2]));
    }
    assert_eq!(bed.offset("g", "t", 0).await, Some(49));
    assert_eq!(bed.offset("g", "t", 1).await, Some(51));
}

/// A hundred partitions in one request.
pub async fn one_request_keeps_all_of_its_partitions(bed: Bed) {
    let commits: Vec<_> =
        (0..100).map(|index| plain("t", index, 1_000 + Offset::from(index))).collect();
    bed.commit("g", &commits).await;
    let offsets = bed.offsets("g").await;
    assert_eq!(offsets.len(), 100);
    for (topic, partition, offset) in offsets {
        assert_eq!((topic.as_str(), offset), ("t", 1_000 + Offset::from(partition)));
    }
}

/// The order is that of names and of numbers.
pub async fn a_fetch_of_all_is_in_order_of_topics_and_partitions(bed: Bed) {
    bed.commit("g", &[plain("b", 10, 1), plain("b", 9, 2), plain("a", 0, 3)]).await;
    bed.commit("g", &[plain("a.b", 2, 4)]).await;
    let expected = [("a", 0, 3), ("a.b", 2, 4), ("b", 9, 2), ("b", 10, 1)];
    bed.becomes("g", &expected).await;
}

/// Unknown groups, topics and partitions are no errors.
pub async fn what_was_never_committed_is_left_out(bed: Bed) {
    assert_eq!(bed.offsets("nobody").await, []);
    assert_eq!(bed.offset("nobody", "t", 0).await, None);
    bed.commit("g", &[plain("t", 0, 1)]).await;
    assert_eq!(bed.offset("g", "t", 1).await, None);
    assert_eq!(bed.offset("g", "u", 0).await, None);
}

/// A group's name is anything, and is never more than a name.
pub async fn groups_with_odd_names_do_not_meet(bed: Bed) {
    let long = "x".repeat(180);
    let names = [
        ".",
        "..",
        "...",
        "a/b",
        "a",
        "a%2Fb",
        "%2e%2e",
        "/",
        "/etc",
        "../../etc",
        " ",
        "a b",
        "ü",
        "日本",
        "\u{0}",
        "a\nb",
        "A",
        "offset",
        "metadata",
        "?recursive=true",
        "#",
        "%",
        "a+b",
        ".a",
        long.as_str(),
    ];
    for (offset, name) in (0..).zip(names) {
        bed.commit(name, &[plain("t", 0, offset), plain("u", 1, offset)]).await;
    }
    for (offset, name) in (0..).zip(names) {
        let expected = [("t".to_owned(), 0, offset), ("u".to_owned(), 1, offset)];
        assert_eq!(bed.offsets(name).await, expected, "group {name:?}");
        assert_eq!(bed.offset(name, "t", 0).await, Some(offset), "group {name:?}");
    }
    assert_eq!(bed.delete_group("..").await, ErrorCode::None);
    assert_eq!(bed.offsets("..").await, []);
    assert_eq!(bed.offset("...", "t", 0).await, Some(2));
}

/// Notes are opaque.
pub async fn a_note_comes_back_whatever_it_holds(bed: Bed) {
    let long = "é".repeat(2_000);
    for metadata in ["\"quoted\" \\ {}", "\u{0}\u{1f}\r\n", "日本 🌊", "{\"offset\": 9}", &long]
    {
        bed.commit("g", &[Commit { metadata, ..plain("t", 0, 1) }]).await;
        assert_eq!(bed.all("g").await[0].2.metadata, metadata);
    }
}

/// `offset.metadata.max.bytes` counts for each offset alone.
pub async fn a_note_that_is_too_long_stops_none_of_the_others(bed: Bed) {
    let long = "x".repeat(4_097);
    let commits =
        [plain("t", 0, 1), Commit { metadata: &long, ..plain("t", 1, 1) }, plain("t", 2, 1)];
    let (good, long) = (ErrorCode::None, ErrorCode::OffsetMetadataTooLarge);
    assert_eq!(bed.begin("g", &commits).await, Ok(vec![good, long, good]));
    assert_eq!(bed.offsets("g").await, [("t".to_owned(), 0, 1), ("t".to_owned(), 2, 1)]);
}

/// Commits and deletions in any order leave what a map would hold.
pub async fn a_random_history_matches_its_model(mut bed: Bed) {
    let seed = u64::from(std::process::id()) ^ 0x5eed;
    let mut state = seed;
    let mut chance = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (groups, topics) = (["g", "h", "g/h"], ["t", "u"]);
    let mut model: BTreeMap<(&str, &str, i32), (Offset, String)> = BTreeMap::new();
    for round in 0..150 {
        let group_id = groups[chance(3) as usize];
        let (topic, partition) = (topics[chance(2) as usize], chance(4) as i32);
        match chance(10) {
            0 if round % 3 == 0 => {
                bed.delete_group(group_id).await;
                model.retain(|(group, _, _), _| *group != group_id);
            }
            1 => {
                let offsets = bed.broker.groups().offsets();
                let gone = vec![(topic.to_owned(), bed.id_of(topic))];
                offsets.topics_deleted(gone).await.expect("the storage answers");
                model.retain(|(_, name, _), _| *name != topic);
            }
            2 if bed.restart().await => {}
            2 => model.clear(),
            _ => {
                let (offset, metadata) = (chance(3) as Offset, chance(3).to_string());
                let commit = Commit { metadata: &metadata, ..plain(topic, partition, offset) };
                bed.commit(group_id, &[commit]).await;
                model.insert((group_id, topic, partition), (offset, metadata));
            }
        }
        let seen: Vec<_> = bed.all(group_id).await.into_iter().collect();
        let seen: Vec<_> = seen
            .iter()
            .map(|(topic, partition, value)| {
                (topic.as_str(), *partition, value.offset, value.metadata.as_str())
            })
            .collect();
        let of_group = model.iter().filter(|((group, _, _), _)| *group == group_id);
        let expected: Vec<_> = of_group
            .map(|((_, topic, partition), (offset, note))| {
                (*topic, *partition, *offset, note.as_str())
            })
            .collect();
        assert_eq!(seen, expected, "seed {seed}, round {round}, group {group_id}");
    }
}

/// A restart forgets nothing, except of a storage that keeps nothing.
pub async fn everything_acknowledged_is_there_after_a_restart(mut bed: Bed) {
    for offset in 0..5 {
        for group_id in ["g", "h/../g"] {
            let note = format!("{group_id} {offset}");
            let commit =
                Commit { leader_epoch: 3, metadata: &note, ..plain("t", offset as i32, offset) };
            bed.commit(group_id, &[commit]).await;
        }
    }
    let before = (bed.all("g").await, bed.all("h/../g").await);
    assert_eq!(before.0.len(), 5);
    if bed.restart().await {
        assert_eq!((bed.all("g").await, bed.all("h/../g").await), before);
    } else {
        assert_eq!(bed.all("g").await, []);
    }
}
