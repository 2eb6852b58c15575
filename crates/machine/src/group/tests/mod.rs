//! Tests of the group coordinator by scripted clients on virtual time.

mod commit;
mod events;
mod join;
mod random;
mod recovery;
mod session;
mod static_members;
mod sync;

use super::*;
use bytes::Bytes;
use std::collections::BTreeMap;
use tidegate_model::{TimestampMs, TopicId};

const SESSION_MS: i32 = 10_000;
const REBALANCE_MS: i32 = 60_000;

/// A coordinator with its log, run as a shard runs it, on a clock that only the test moves.
struct Coordinator {
    machine: GroupMachine,
    settings: Settings,
    /// The steady clock.
    now: TimestampMs,
    /// How far the system's clock is ahead of it.
    wall_ahead_ms: i64,
    log: Vec<Record>,
    replies: BTreeMap<ReplyTo, Reply>,
    events: Vec<Event>,
    wake_at: Option<TimestampMs>,
    next: u64,
}

impl Coordinator {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let mut machine = GroupMachine::new(settings.clone());
        machine.loaded(Now { steady_ms: 0, wall_ms: 0 });
        let mut coordinator = Coordinator {
            machine,
            settings,
            now: 0,
            wall_ahead_ms: 0,
            log: Vec::new(),
            replies: BTreeMap::new(),
            events: Vec::new(),
            wake_at: None,
            next: 0,
        };
        coordinator.on_timeout();
        coordinator
    }

    fn now(&self) -> Now {
        Now { steady_ms: self.now, wall_ms: self.now + self.wall_ahead_ms }
    }

    fn submit(&mut self, command: Command) -> ReplyTo {
        let reply_to = ReplyTo(self.next);
        self.next += 1;
        let outcome = self.machine.step(self.now(), reply_to, command);
        self.settle(outcome);
        reply_to
    }

    /// Appends, replays what was appended as its bytes have it, and hands out the replies.
    fn settle(&mut self, outcome: GroupOutcome) {
        for record in outcome.records {
            let (key, value) = record.encode();
            let decoded = Record::decode(key.as_deref(), value.as_deref()).unwrap();
            assert_eq!(decoded, record, "records survive their encoding");
            self.machine.replay(self.now(), &decoded);
            self.log.push(decoded);
        }
        for (reply_to, reply) in outcome.replies {
            let before = self.replies.insert(reply_to, reply);
            assert_eq!(before, None, "one reply to each caller");
        }
        self.events.extend(outcome.events);
        self.wake_at = outcome.wake_at;
    }

    fn on_timeout(&mut self) {
        let outcome = self.machine.on_timeout(self.now());
        self.settle(outcome);
    }

    /// Lets time pass, waking the machine whenever it asked for it.
    fn advance(&mut self, ms: i32) {
        let end = self.now + i64::from(ms);
        while let Some(at) = self.wake_at.filter(|at| *at <= end) {
            assert!(at >= self.now, "time does not run back");
            self.now = at;
            self.on_timeout();
            assert!(self.wake_at.is_none_or(|next| next > self.now), "a timer spins");
        }
        self.now = end;
    }

    /// Loses all soft state and folds the log again.
    fn restart(&mut self) {
        self.machine = fold(&self.settings, self.now(), &self.log);
        self.on_timeout();
    }

    fn join(&mut self, client: &Client) -> ReplyTo {
        self.submit(Command::JoinGroup(client.join()))
    }

    fn join_reply(&self, reply_to: ReplyTo) -> Option<&JoinGroupReply> {
        match self.replies.get(&reply_to)? {
            Reply::JoinGroup(reply) => Some(reply),
            other => panic!("not a JoinGroup reply: {other:?}"),
        }
    }

    fn join_error(&self, reply_to: ReplyTo) -> Option<ErrorCode> {
        self.join_reply(reply_to).map(|reply| reply.error)
    }

    /// Joins and takes over the id and generation, which the reply must bring at once.
    fn joined(&mut self, client: &mut Client) -> JoinGroupReply {
        let reply_to = self.join(client);
        self.take_joined(client, reply_to)
    }

    fn take_joined(&self, client: &mut Client, reply_to: ReplyTo) -> JoinGroupReply {
        let reply = self.join_reply(reply_to).expect("the join was answered").clone();
        assert_eq!(reply.error, ErrorCode::None, "{client:?}");
        client.member_id.clone_from(&reply.member_id);
        client.generation = reply.generation_id;
        reply
    }

    fn sync(&mut self, client: &Client, assignments: &[(&Client, &'static str)]) -> ReplyTo {
        let assignments = assignments
            .iter()
            .map(|(to, bytes)| (to.member_id.clone(), Bytes::from_static(bytes.as_bytes())))
            .collect();
        self.submit(Command::SyncGroup(SyncGroup { assignments, ..client.sync() }))
    }

    fn sync_reply(&self, reply_to: ReplyTo) -> Option<&SyncGroupReply> {
        match self.replies.get(&reply_to)? {
            Reply::SyncGroup(reply) => Some(reply),
            other => panic!("not a SyncGroup reply: {other:?}"),
        }
    }

    fn sync_error(&self, reply_to: ReplyTo) -> Option<ErrorCode> {
        self.sync_reply(reply_to).map(|reply| reply.error)
    }

    fn heartbeat(&mut self, client: &Client) -> ErrorCode {
        let reply_to = self.submit(Command::Heartbeat(Heartbeat {
            group_id: "g".to_owned(),
            generation_id: client.generation,
            member_id: client.member_id.clone(),
            group_instance_id: client.instance_id.clone(),
        }));
        match &self.replies[&reply_to] {
            Reply::Heartbeat(error) => *error,
            other => panic!("not a Heartbeat reply: {other:?}"),
        }
    }

    fn leave(&mut self, clients: &[&Client]) -> Vec<ErrorCode> {
        let members = clients
            .iter()
            .map(|client| LeavingMember {
                member_id: client.member_id.clone(),
                group_instance_id: client.instance_id.clone(),
                reason: None,
            })
            .collect();
        self.leave_members(members)
    }

    fn leave_members(&mut self, members: Vec<LeavingMember>) -> Vec<ErrorCode> {
        let request = LeaveGroup { group_id: "g".to_owned(), members };
        let reply_to = self.submit(Command::LeaveGroup(request));
        match &self.replies[&reply_to] {
            Reply::LeaveGroup(reply) => reply.members.iter().map(|m| m.error).collect(),
            other => panic!("not a LeaveGroup reply: {other:?}"),
        }
    }

    fn commit_as(&mut self, client: &Client, offset: OffsetToCommit) -> ErrorCode {
        let reply_to = self.submit(Command::CommitOffsets(CommitOffsets {
            identity: client.identity(),
            retention_time_ms: -1,
            offsets: vec![offset],
        }));
        match &self.replies[&reply_to] {
            Reply::CommitOffsets(errors) => errors[0],
            other => panic!("not a CommitOffsets reply: {other:?}"),
        }
    }

    fn describe(&mut self) -> DescribedGroup {
        let reply_to = self.submit(Command::DescribeGroup { group_id: "g".to_owned() });
        match &self.replies[&reply_to] {
            Reply::DescribeGroup(group) => group.clone(),
            other => panic!("not a DescribeGroup reply: {other:?}"),
        }
    }

    fn state(&self) -> Option<GroupState> {
        self.machine.membership().state("g")
    }

    /// A stable group of these clients; the first leads and assigns each client its own name.
    fn stabilize(&mut self, clients: &mut [&mut Client]) {
        let mut waiting: Vec<ReplyTo> = clients.iter().map(|client| self.join(client)).collect();
        // The first one formed a generation alone; it comes again for the others.
        if clients.len() > 1 {
            self.take_joined(clients[0], waiting[0]);
            waiting[0] = self.join(clients[0]);
        }
        for (client, reply_to) in clients.iter_mut().zip(waiting) {
            self.take_joined(client, reply_to);
        }
        let assignments: Vec<(String, Bytes)> = clients
            .iter()
            .map(|c| (c.member_id.clone(), Bytes::from_static(c.name.as_bytes())))
            .collect();
        for client in clients.iter() {
            let sync = SyncGroup { assignments: assignments.clone(), ..client.sync() };
            self.submit(Command::SyncGroup(sync));
        }
        assert_eq!(self.state(), Some(GroupState::Stable));
    }
}

fn fold(settings: &Settings, now: Now, log: &[Record]) -> GroupMachine {
    let mut machine = GroupMachine::new(settings.clone());
    for record in log {
        machine.replay(now, record);
    }
    machine.loaded(now);
    machine
}

/// A client of group `g` that joins like one of an old version unless told otherwise.
#[derive(Debug, Clone)]
struct Client {
    name: &'static str,
    member_id: String,
    instance_id: Option<String>,
    generation: i32,
    protocols: Vec<(String, Bytes)>,
    protocol_type: &'static str,
    require_known_member_id: bool,
    supports_skipping_assignment: bool,
}

impl Client {
    fn new(name: &'static str) -> Self {
        Client {
            name,
            member_id: String::new(),
            instance_id: None,
            generation: -1,
            protocols: protocols(&[("range", "r"), ("roundrobin", "rr")]),
            protocol_type: "consumer",
            require_known_member_id: false,
            supports_skipping_assignment: false,
        }
    }

    fn known(name: &'static str) -> Self {
        Client { require_known_member_id: true, ..Client::new(name) }
    }

    fn fixed(name: &'static str, instance_id: &str) -> Self {
        Client {
            instance_id: Some(instance_id.to_owned()),
            require_known_member_id: true,
            supports_skipping_assignment: true,
            ..Client::new(name)
        }
    }

    fn speaking(name: &'static str, list: &[(&str, &'static str)]) -> Self {
        Client { protocols: protocols(list), ..Client::new(name) }
    }

    fn join(&self) -> JoinGroup {
        JoinGroup {
            group_id: "g".to_owned(),
            member_id: self.member_id.clone(),
            fresh_member_id: format!("{}-fresh", self.name),
            group_instance_id: self.instance_id.clone(),
            require_known_member_id: self.require_known_member_id,
            supports_skipping_assignment: self.supports_skipping_assignment,
            client_id: self.name.to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            protocol_type: self.protocol_type.to_owned(),
            protocols: self.protocols.clone(),
            reason: None,
        }
    }

    fn sync(&self) -> SyncGroup {
        SyncGroup {
            group_id: "g".to_owned(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            protocol_type: None,
            protocol_name: None,
            assignments: Vec::new(),
        }
    }

    fn identity(&self) -> CommitIdentity {
        CommitIdentity {
            group_id: "g".to_owned(),
            member_id: self.member_id.clone(),
            group_instance_id: self.instance_id.clone(),
            generation_id: self.generation,
            knows_group_id_not_found: false,
        }
    }
}

fn protocols(list: &[(&str, &'static str)]) -> Vec<(String, Bytes)> {
    list.iter()
        .map(|(name, metadata)| ((*name).to_owned(), Bytes::from_static(metadata.as_bytes())))
        .collect()
}

fn offset(topic: &str, partition: i32, offset: i64) -> OffsetToCommit {
    OffsetToCommit {
        topic: topic.to_owned(),
        topic_id: TopicId::ZERO,
        partition,
        offset,
        leader_epoch: -1,
        metadata: None,
    }
}

/// A consumer's subscription as version 0 has it.
fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend((topics.len() as i32).to_be_bytes());
    for topic in topics {
        bytes.extend((topic.len() as i16).to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend((-1i32).to_be_bytes());
    bytes.into()
}
