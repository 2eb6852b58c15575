//! Which topics, partitions and groups a command is about: `orders`, `orders:0,2`, `orders-*`.

use crate::client::{Client, Partition, name_of};
use crate::failure::Failure;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use std::collections::BTreeSet;
use std::str::FromStr;

/// A topic, whole or some partitions of it, written as Kafka's tools take it: `TOPIC[:N,N...]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicScope {
    /// The topic.
    pub topic: String,
    /// The partitions; all of them if there are none.
    pub partitions: Option<BTreeSet<i32>>,
}

impl FromStr for TopicScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (topic, partitions) = match text.split_once(':') {
            Some((topic, partitions)) => (topic, Some(partitions)),
            None => (text, None),
        };
        let wrong = |part: &str| {
            format!("{part:?} is not a partition; it takes TOPIC or TOPIC:PARTITION,PARTITION...")
        };
        let number = |part: &str| match part.trim().parse::<i32>() {
            Ok(partition) if partition >= 0 => Ok(partition),
            _ => Err(wrong(part)),
        };
        if topic.is_empty() {
            return Err("the topic has no name; it takes TOPIC or TOPIC:PARTITION,...".to_owned());
        }
        let partitions = partitions.map(|partitions| partitions.split(',').map(number).collect());
        Ok(TopicScope { topic: topic.to_owned(), partitions: partitions.transpose()? })
    }
}

/// The topics of `scopes` from the cluster, cut down to the partitions that the scopes name. What
/// does not exist, or has no leader to ask, is an error: nobody wants half of what was named.
pub fn resolve(
    client: &mut Client,
    scopes: &[TopicScope],
) -> Result<Vec<MetadataResponseTopic>, Failure> {
    let names: BTreeSet<String> = scopes.iter().map(|scope| scope.topic.clone()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let mut topics = client.topics(Some(&names))?;
    let mut problems = Vec::new();
    for name in &names {
        if !topics.iter().any(|topic| name_of(topic) == *name) {
            problems.push(format!("topic {name} does not exist"));
        }
    }
    for topic in &mut topics {
        let name = name_of(topic);
        let wanted = wanted_partitions(scopes, &name);
        let count = topic.partitions.len();
        for partition in wanted.iter().flatten() {
            if !topic.partitions.iter().any(|found| found.partition_index == *partition) {
                let problem = format!("partition {name}-{partition} does not exist");
                problems.push(format!("{problem}: the topic has {count}, counted from 0"));
            }
        }
        topic.partitions.retain(|partition| {
            wanted.as_ref().is_none_or(|wanted| wanted.contains(&partition.partition_index))
        });
        for partition in topic.partitions.iter().filter(|partition| partition.leader_id.0 < 0) {
            problems.push(format!("partition {name}-{} has no leader", partition.partition_index));
        }
    }
    if problems.is_empty() { Ok(topics) } else { Err(Failure::several(problems)) }
}

/// The partitions that are named of topic `name`; none if a scope is the whole topic.
fn wanted_partitions(scopes: &[TopicScope], name: &str) -> Option<BTreeSet<i32>> {
    let mut wanted = BTreeSet::new();
    for scope in scopes.iter().filter(|scope| scope.topic == name) {
        wanted.extend(scope.partitions.as_ref()?);
    }
    Some(wanted)
}

/// The topics of `partitions` from the cluster, cut down to these. What does not exist is left out.
pub fn topics_of(
    client: &mut Client,
    partitions: &BTreeSet<Partition>,
) -> Result<Vec<MetadataResponseTopic>, Failure> {
    let names: BTreeSet<String> = partitions.iter().map(|(topic, _)| topic.clone()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let mut topics = client.topics(Some(&names))?;
    for topic in &mut topics {
        let name = name_of(topic);
        topic.partitions.retain(|p| partitions.contains(&(name.clone(), p.partition_index)));
    }
    Ok(topics)
}

/// The partitions of topics, in order.
pub fn partitions_of(topics: &[MetadataResponseTopic]) -> BTreeSet<Partition> {
    let of = |topic: &MetadataResponseTopic| {
        let name = name_of(topic);
        let indexes: Vec<i32> = topic.partitions.iter().map(|p| p.partition_index).collect();
        indexes.into_iter().map(move |index| (name.clone(), index))
    };
    topics.iter().flat_map(of).collect()
}

/// True if `name` holds a character that makes it a pattern. No topic's name can.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?'])
}

/// Whether `text` is what `pattern` describes: `*` stands for any characters, `?` for one.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star stands and how much of the text it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some('?') => (p, t) = (p + 1, t + 1),
            Some(c) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    (p, t) = (at + 1, swallowed + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether one of the patterns describes `text`, or there are none.
pub fn matches_any(patterns: &[String], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_topic_or_some_of_its_partitions() {
        let scope = |text: &str| text.parse::<TopicScope>();
        let whole = TopicScope { topic: "orders".to_owned(), partitions: None };
        assert_eq!(scope("orders"), Ok(whole));
        let some =
            TopicScope { topic: "orders".to_owned(), partitions: Some(BTreeSet::from([0, 2])) };
        assert_eq!(scope("orders:2,0"), Ok(some));
        for text in ["orders:", "orders:x", "orders:-1", ":0"] {
            assert!(scope(text).expect_err(text).contains("TOPIC:PARTITION"), "{text}");
        }
    }

    #[test]
    fn one_scope_of_a_whole_topic_outdoes_those_of_some_partitions() {
        let scopes: Vec<TopicScope> =
            ["a:1", "a:3", "b:1", "b"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(wanted_partitions(&scopes, "a"), Some(BTreeSet::from([1, 3])));
        assert_eq!(wanted_partitions(&scopes, "b"), None);
    }

    #[test]
    fn a_star_stands_for_any_characters_and_a_question_mark_for_one() {
        for (pattern, text, expected) in [
            ("orders", "orders", true),
            ("orders", "orders2", false),
            ("orders*", "orders", true),
            ("*.dlq", "a.b.dlq", true),
            ("*.dlq", "a.dlq.b", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("*ab", "aab", true),
            ("?", "é", true),
            ("?", "", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
