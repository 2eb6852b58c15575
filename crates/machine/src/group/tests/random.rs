//! Random schedules: whatever clients do, live state is what the log says, and once all members
//! behave the group becomes stable with everybody in it.

use super::*;
use proptest::prelude::*;

const CLIENTS: usize = 4;
const NAMES: [&str; CLIENTS] = ["a", "b", "c", "d"];

#[derive(Debug, Clone)]
enum Act {
    Join(usize),
    Sync(usize),
    Heartbeat(usize),
    Leave(usize),
    Commit(usize, i32, bool),
    Forget(usize),
    Change(usize),
    Delete,
    Wait(i32),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let client = 0..CLIENTS;
    prop_oneof![
        6 => client.clone().prop_map(Act::Join),
        6 => client.clone().prop_map(Act::Sync),
        2 => client.clone().prop_map(Act::Heartbeat),
        2 => client.clone().prop_map(Act::Leave),
        2 => (client.clone(), 0..3i32, any::<bool>()).prop_map(|(c, p, s)| Act::Commit(c, p, s)),
        1 => client.clone().prop_map(Act::Forget),
        1 => client.prop_map(Act::Change),
        1 => Just(Act::Delete),
        3 => prop_oneof![1..2_000i32, 5_000..70_000i32].prop_map(Act::Wait),
        1 => Just(Act::Restart),
    ]
}

/// A client that remembers what it was answered, as real ones do.
struct Actor {
    client: Client,
    joining: Option<ReplyTo>,
    syncing: Option<ReplyTo>,
    members: Vec<String>,
    assigned: Option<(i32, Bytes)>,
}

struct World {
    coordinator: Coordinator,
    actors: Vec<Actor>,
    fresh: u32,
}

impl World {
    fn new(delay_ms: i32) -> Self {
        let settings =
            Settings { group_initial_rebalance_delay_ms: delay_ms, ..Settings::default() };
        let client = |n: usize| match n {
            0 => Client::fixed(NAMES[n], "i0"),
            1 => Client::fixed(NAMES[n], "i1"),
            2 => Client::known(NAMES[n]),
            _ => Client::new(NAMES[n]),
        };
        let actor = |n| Actor {
            client: client(n),
            joining: None,
            syncing: None,
            members: Vec::new(),
            assigned: None,
        };
        World {
            coordinator: Coordinator::with(settings),
            actors: (0..CLIENTS).map(actor).collect(),
            fresh: 0,
        }
    }

    /// Reads the replies that have come.
    fn listen(&mut self) {
        for actor in &mut self.actors {
            let joined = actor.joining.and_then(|to| self.coordinator.join_reply(to)).cloned();
            if let Some(reply) = joined {
                actor.joining = None;
                match reply.error {
                    ErrorCode::None => {
                        actor.client.member_id = reply.member_id;
                        actor.client.generation = reply.generation_id;
                        actor.members = reply.members.into_iter().map(|m| m.member_id).collect();
                    }
                    ErrorCode::MemberIdRequired => actor.client.member_id = reply.member_id,
                    ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                        actor.client.member_id.clear();
                    }
                    ErrorCode::RebalanceInProgress => {}
                    other => panic!("join: {other:?}"),
                }
            }
            let synced = actor.syncing.and_then(|to| self.coordinator.sync_reply(to)).cloned();
            if let Some(reply) = synced {
                actor.syncing = None;
                match reply.error {
                    ErrorCode::None => {
                        actor.assigned = Some((actor.client.generation, reply.assignment));
                    }
                    ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                        actor.client.member_id.clear();
                    }
                    ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration => {}
                    other => panic!("sync: {other:?}"),
                }
            }
        }
    }

    fn join(&mut self, n: usize) {
        self.fresh += 1;
        let fresh_member_id = format!("{}-{}", NAMES[n], self.fresh);
        let join = JoinGroup { fresh_member_id, ..self.actors[n].client.join() };
        self.actors[n].joining = Some(self.coordinator.submit(Command::JoinGroup(join)));
    }

    fn sync(&mut self, n: usize) {
        let actor = &mut self.actors[n];
        let assignment = |id: &String| (id.clone(), Bytes::from(format!("to {id}")));
        let assignments = actor.members.iter().map(assignment).collect();
        let sync = SyncGroup { assignments, ..actor.client.sync() };
        actor.syncing = Some(self.coordinator.submit(Command::SyncGroup(sync)));
    }

    fn act(&mut self, act: &Act) {
        match *act {
            Act::Join(n) => self.join(n),
            Act::Sync(n) => self.sync(n),
            Act::Heartbeat(n) => {
                self.coordinator.heartbeat(&self.actors[n].client);
            }
            Act::Leave(n) => {
                self.coordinator.leave(&[&self.actors[n].client]);
            }
            Act::Commit(n, partition, simple) => {
                let mut client = self.actors[n].client.clone();
                if simple {
                    client = Client { generation: -1, ..Client::new(NAMES[n]) };
                }
                self.coordinator.commit_as(&client, offset("t", partition, 1));
            }
            Act::Forget(n) => self.actors[n].client.member_id.clear(),
            Act::Change(n) => {
                self.fresh += 1;
                let metadata = Bytes::from(self.fresh.to_string());
                self.actors[n].client.protocols[0].1 = metadata;
            }
            Act::Delete => {
                self.coordinator.submit(Command::DeleteGroup { group_id: "g".to_owned() });
            }
            Act::Wait(ms) => self.coordinator.advance(ms),
            Act::Restart => {
                // Whoever waited got its connection closed, and asks again.
                self.coordinator.restart();
                for actor in &mut self.actors {
                    actor.joining = None;
                    actor.syncing = None;
                }
            }
        }
        self.listen();
        self.check_log();
    }

    /// In a state that is on record the live group is the recorded one; offsets always are.
    fn check_log(&self) {
        let folded =
            fold(&self.coordinator.settings, self.coordinator.now(), &self.coordinator.log);
        let live = &self.coordinator.machine;
        assert_eq!(live.offsets(), folded.offsets());
        match live.membership().state("g") {
            Some(state @ (GroupState::Stable | GroupState::Empty)) => {
                // A group that only gave out member ids is not on record.
                if let Some(recorded) = folded.membership().state("g") {
                    assert_eq!(state, recorded);
                    assert_eq!(live.membership().snapshot("g"), folded.membership().snapshot("g"));
                } else {
                    assert_eq!(live.membership().snapshot("g").unwrap().generation, 0);
                }
            }
            Some(GroupState::PreparingRebalance | GroupState::CompletingRebalance) => {
                let generation = |machine: &GroupMachine| {
                    machine.membership().snapshot("g").map_or(0, |group| group.generation)
                };
                assert!(generation(live) >= generation(&folded));
            }
            None => assert_eq!(folded.membership().state("g"), None),
        }
    }

    /// All clients do what the protocol asks of them until nothing is left to do.
    fn behave(&mut self) {
        for _ in 0..400 {
            for n in 0..CLIENTS {
                let actor = &self.actors[n];
                if actor.joining.is_some() || actor.syncing.is_some() {
                    continue;
                }
                let client = actor.client.clone();
                let settled = actor.assigned.as_ref().is_some_and(|(g, _)| *g == client.generation);
                match self.coordinator.heartbeat(&client) {
                    ErrorCode::None if settled => {}
                    ErrorCode::None => self.sync(n),
                    ErrorCode::RebalanceInProgress | ErrorCode::IllegalGeneration => self.join(n),
                    ErrorCode::UnknownMemberId if self.is_given_out(n) => self.join(n),
                    ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => {
                        self.actors[n].client.member_id.clear();
                        self.join(n);
                    }
                    other => panic!("heartbeat: {other:?}"),
                }
                self.listen();
            }
            self.coordinator.advance(500);
            self.listen();
            self.check_log();
        }
    }

    /// A member id that was given out joins; to heartbeats it is unknown.
    fn is_given_out(&self, n: usize) -> bool {
        let client = &self.actors[n].client;
        let group = self.coordinator.machine.membership().snapshot("g");
        client.require_known_member_id
            && !client.member_id.is_empty()
            && group.is_some_and(|g| g.members.iter().all(|m| m.member_id != client.member_id))
            && client.instance_id.is_none()
    }

    fn check_converged(&self) {
        let group = self.coordinator.machine.membership().snapshot("g").expect("the group exists");
        assert_eq!(self.coordinator.state(), Some(GroupState::Stable));
        assert_eq!(group.members.len(), CLIENTS, "{group:?}");
        for actor in &self.actors {
            assert_eq!(actor.client.generation, group.generation);
            let id = &actor.client.member_id;
            let member = group.members.iter().find(|m| m.member_id == *id).expect("a member");
            assert!(!member.assignment.is_empty(), "{id} is left without assignment");
            assert_eq!(actor.assigned, Some((group.generation, member.assignment.clone())));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn members_that_behave_converge_to_stable_and_the_log_tells_the_same(
        delay_ms in prop_oneof![Just(0), Just(3_000)],
        acts in proptest::collection::vec(act(), 0..80),
    ) {
        let mut world = World::new(delay_ms);
        for act in &acts {
            world.act(act);
        }
        world.behave();
        world.check_converged();
        prop_assert!(world.coordinator.now > 0);
    }

    #[test]
    fn the_same_schedule_gives_the_same_log_twice(
        acts in proptest::collection::vec(act(), 0..60),
    ) {
        let run = || {
            let mut world = World::new(0);
            for act in &acts {
                world.act(act);
            }
            (world.coordinator.log, world.coordinator.replies, world.coordinator.wake_at)
        };
        prop_assert_eq!(run(), run());
    }
}
