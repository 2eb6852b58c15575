//! A group's state as a file, for people and for programs that look into the filer.
//!
//! The truth is the coordinator's log: a restart goes by that, and nothing waits for these files. Each shows
//! the newest state that the filer could be told, and is written again until it is.

use crate::client::{Change, Doubts, FilerClient};
use crate::names::file_name;
use crate::partition::removal;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Buf, Bytes};
use hyper::Method;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidegate_machine::group::{GroupMetadata, MemberMetadata};
use tokio::sync::Semaphore;
use tracing::debug;

/// How long one try may take, and the pause behind one that failed.
const TRY_FOR: Duration = Duration::from_secs(5);
const PAUSE_MIN: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Files that are written at once. A start writes all of them, and commits need connections too.
const WRITTEN_AT_ONCE: usize = 4;

/// The protocol type whose members' metadata is that of consumers.
const CONSUMER: &str = "consumer";

/// The folder of groups.
pub struct GroupFiles {
    client: Arc<FilerClient>,
    path: String,
    turns: Semaphore,
    /// By group that is being written: what to write next, if anything; no text is a deletion.
    waiting: Mutex<HashMap<String, Option<Option<String>>>>,
}

impl GroupFiles {
    /// The folder at that path.
    pub fn new(client: Arc<FilerClient>, path: String) -> Self {
        GroupFiles {
            client,
            path,
            turns: Semaphore::new(WRITTEN_AT_ONCE),
            waiting: Mutex::default(),
        }
    }

    /// Shows a group's new state, or removes it. Returns at once.
    pub fn changed(self: &Arc<Self>, group_id: &str, state: Option<&GroupMetadata>) {
        // A group whose name no file can have is not shown.
        let Some(name) = file_name(group_id) else { return };
        let text = state.map(|state| group_file(group_id, state));
        let mut waiting = self.waiting.lock();
        if let Some(next) = waiting.get_mut(group_id) {
            *next = Some(text);
            return;
        }
        waiting.insert(group_id.to_owned(), Some(text));
        tokio::spawn(self.clone().write(group_id.to_owned(), name));
    }

    async fn write(self: Arc<Self>, group_id: String, name: String) {
        let mut doubts = Doubts::default();
        let mut pause = PAUSE_MIN;
        loop {
            doubts.settle().await;
            let turn = self.turns.acquire().await;
            let text = {
                let mut waiting = self.waiting.lock();
                match waiting.get_mut(&group_id).and_then(Option::take) {
                    Some(text) => text,
                    None => {
                        waiting.remove(&group_id);
                        return;
                    }
                }
            };
            let change = self.change(&name, text.as_deref());
            let written = self.client.change(&change, &mut doubts, Instant::now() + TRY_FOR).await;
            drop(turn);
            let Err(error) = written else {
                pause = PAUSE_MIN;
                continue;
            };
            // That a filer does not answer is warned of elsewhere, and not by each group.
            debug!(target: "tidegate::offsets", group = group_id, %error, "group's state is not shown yet");
            if let Some(next) = self.waiting.lock().get_mut(&group_id)
                && next.is_none()
            {
                *next = Some(text);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn change(&self, name: &str, text: Option<&str>) -> Change {
        let folder = format!("{}/{name}", self.path);
        match text {
            None => removal(folder, true),
            Some(text) => Change {
                method: Method::PUT,
                path: format!("{folder}/metadata"),
                recursive: false,
                body: Bytes::from(text.to_owned()),
                content_type: "application/json",
            },
        }
    }
}

#[derive(Serialize)]
struct GroupFile<'a> {
    group: &'a str,
    state: &'static str,
    generation: i32,
    protocol_type: &'a str,
    protocol: Option<&'a str>,
    leader: Option<&'a str>,
    state_timestamp: i64,
    members: Vec<MemberFile<'a>>,
}

#[derive(Serialize)]
struct MemberFile<'a> {
    member_id: &'a str,
    group_instance_id: Option<&'a str>,
    client_id: &'a str,
    client_host: &'a str,
    session_timeout_ms: i32,
    rebalance_timeout_ms: i32,
    /// What a consumer reads and has; other members' are bytes of their own.
    subscribed_topics: Option<Vec<String>>,
    assigned_partitions: Option<BTreeMap<String, Vec<i32>>>,
    subscription_base64: String,
    assignment_base64: String,
}

fn group_file(group_id: &str, state: &GroupMetadata) -> String {
    let is_consumer = state.protocol_type == CONSUMER;
    let file = GroupFile {
        group: group_id,
        // What a restart would find.
        state: if state.members.is_empty() { "Empty" } else { "Stable" },
        generation: state.generation,
        protocol_type: &state.protocol_type,
        protocol: state.protocol.as_deref(),
        leader: state.leader.as_deref(),
        state_timestamp: state.current_state_timestamp,
        members: state.members.iter().map(|member| member_file(member, is_consumer)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&file).expect("names and numbers are JSON");
    text.push('\n');
    text
}

fn member_file(member: &MemberMetadata, is_consumer: bool) -> MemberFile<'_> {
    let of_consumer = |bytes: &Bytes| is_consumer.then(|| bytes.clone());
    MemberFile {
        member_id: &member.member_id,
        group_instance_id: member.group_instance_id.as_deref(),
        client_id: &member.client_id,
        client_host: &member.client_host,
        session_timeout_ms: member.session_timeout_ms,
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        subscribed_topics: of_consumer(&member.subscription).and_then(subscribed),
        assigned_partitions: of_consumer(&member.assignment).and_then(assigned),
        subscription_base64: BASE64_STANDARD.encode(&member.subscription),
        assignment_base64: BASE64_STANDARD.encode(&member.assignment),
    }
}

/// The topics of a `ConsumerProtocolSubscription`: version i16, then an array of strings.
fn subscribed(mut bytes: Bytes) -> Option<Vec<String>> {
    bytes.try_get_i16().ok()?;
    let count = bytes.try_get_i32().ok()?;
    (0..count).map(|_| string(&mut bytes)).collect()
}

/// The partitions of a `ConsumerProtocolAssignment`: version i16, then topics with arrays of i32.
fn assigned(mut bytes: Bytes) -> Option<BTreeMap<String, Vec<i32>>> {
    bytes.try_get_i16().ok()?;
    let count = bytes.try_get_i32().ok()?;
    (0..count)
        .map(|_| {
            let topic = string(&mut bytes)?;
            let count = bytes.try_get_i32().ok()?;
            let partitions = (0..count).map(|_| bytes.try_get_i32().ok());
            Some((topic, partitions.collect::<Option<Vec<i32>>>()?))
        })
        .collect()
}

fn string(bytes: &mut Bytes) -> Option<String> {
    let length = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
    (bytes.len() >= length)
        .then(|| bytes.split_to(length))
        .and_then(|text| String::from_utf8(text.to_vec()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member() -> MemberMetadata {
        MemberMetadata {
            member_id: "consumer-1-uuid".to_owned(),
            group_instance_id: None,
            client_id: "consumer-1".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            rebalance_timeout_ms: 300_000,
            session_timeout_ms: 45_000,
            subscription: Bytes::from_static(b"\0\x01\0\0\0\x01\0\x02ab\xff\xff\xff\xff"),
            assignment: Bytes::from_static(
                b"\0\x01\0\0\0\x01\0\x02ab\0\0\0\x02\0\0\0\0\0\0\0\x07\xff\xff\xff\xff",
            ),
        }
    }

    fn group(members: Vec<MemberMetadata>) -> GroupMetadata {
        GroupMetadata {
            protocol_type: "consumer".to_owned(),
            generation: 4,
            protocol: Some("range".to_owned()),
            leader: Some("consumer-1-uuid".to_owned()),
            current_state_timestamp: 1_795_283_561_791,
            members,
        }
    }

    #[test]
    fn the_file_is_what_the_manual_shows() {
        let file = group_file("orders", &group(vec![member()]));
        let manual = include_str!("../../../docs/formats/filer.md");
        let shown: String = file.lines().map(|line| format!("    {line}\n")).collect();
        assert!(manual.contains(&shown), "docs/formats/filer.md lacks\n{shown}");
    }

    #[test]
    fn bytes_that_are_no_consumers_are_shown_as_bytes_only() {
        for cut in 0..member().assignment.len() - 4 {
            assert_eq!(assigned(member().assignment.slice(..cut)), None, "{cut}");
        }
        let huge = Bytes::from_static(b"\0\x01\x7f\xff\xff\xff\0\x02ab");
        assert_eq!((subscribed(huge.clone()), assigned(huge)), (None, None));
    }
}
