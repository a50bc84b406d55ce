//! How a node without a cluster comes to one: decided here in plain functions, acted on in `lifecycle`.
//!
//! ```text
//! pristine ── a member answers ───────────────────────────────→ Register ─→ registered
//!    │
//!    └─ all seeds answer, none is a member, lowest address ──→ AskConsents ─→ all granted ─→ initialize ─→ Form
//! ```
//!
//! Two clusters can never form from one list, because forming one takes the durable consent of *every* seed: a seed that
//! was wiped and is cut off gets none, and one that reaches the others learns that they are members and joins them.
//!
//! - The proposer draws the cluster's id once and makes its own consent durable before it asks: after a crash it goes on
//!   with the same id, and consents are idempotent. A crash after `initialize` is Raft's to recover; any leader whose
//!   state is not formed proposes `Form`, for which the founding membership holds all that is needed.
//! - A consent is superseded only by a later proposal (the proposer was wiped), only while the log here is empty, and then
//!   the node takes a new birth: to the old cluster it is a stranger, so whatever vote it gave there cannot be given twice.
//! - Founding voters take their place in the sorted list as id. All other seeds register once the cluster is formed.

use ringhold_model::{
    ClusterId, NodeId,
    wire::{AnnounceReply, ConsentReply, ConsentRequest, Fault},
};
use tokio::sync::oneshot;

use crate::{
    identity::{Identity, Standing},
    options::Formation,
};

/// A seed's request on its way to the lifecycle, which owns the identity.
pub(crate) struct ConsentCall {
    pub(crate) request: ConsentRequest,
    pub(crate) done: oneshot::Sender<Result<ConsentReply, Fault>>,
}

/// What to do next on the way into a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ask the running cluster for an id.
    Register {
        cluster: ClusterId,
        /// Addresses of members.
        through: Vec<String>,
    },
    /// Ask all seeds (this one is among them; sorted) to form a cluster.
    AskConsents { seeds: Vec<String> },
    /// Nothing can be done now.
    Wait(Wait),
}

/// What is waited for; said in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// This node is a founding voter: its Raft is fed by the others.
    Founding,
    /// Nobody at the addresses to join is a member of a formed cluster.
    Members(Vec<String>),
    /// Seeds that must all be there before a cluster is formed do not answer.
    Seeds(Vec<String>),
    /// This seed forms the cluster.
    Proposer(String),
    /// The answers name several clusters; a person must say which one is meant.
    Split(Vec<ClusterId>),
}

/// The answers to an announcement, by address.
pub(crate) type Answers = [(String, Option<AnnounceReply>)];

/// Decides for a node that no cluster counts on yet.
pub(crate) fn next_step(standing: &Standing, me: &str, formation: &Formation, answers: &Answers) -> Step {
    let members = members(answers);
    match members.as_slice() {
        [] => without_members(me, formation, answers),
        [(cluster, through)] => match standing {
            Standing::Consented { cluster: promised, seat: Some(_) } if promised == cluster => {
                Step::Wait(Wait::Founding)
            }
            _ => Step::Register { cluster: *cluster, through: through.clone() },
        },
        several => Step::Wait(Wait::Split(several.iter().map(|(cluster, _)| *cluster).collect())),
    }
}

fn without_members(me: &str, formation: &Formation, answers: &Answers) -> Step {
    let seeds = match formation {
        Formation::Join(addresses) => return Step::Wait(Wait::Members(addresses.clone())),
        Formation::Alone => return Step::AskConsents { seeds: vec![me.to_owned()] },
        Formation::Seeds(seeds) => sorted(seeds),
    };
    if let Some(proposer) = seeds.first().filter(|lowest| *lowest != me) {
        return Step::Wait(Wait::Proposer(proposer.clone()));
    }
    let answered = |seed: &String| answers.iter().any(|(address, reply)| address == seed && reply.is_some());
    let silent: Vec<_> = seeds.iter().filter(|seed| *seed != me && !answered(seed)).cloned().collect();
    if silent.is_empty() { Step::AskConsents { seeds } } else { Step::Wait(Wait::Seeds(silent)) }
}

/// Members that answered, by cluster.
fn members(answers: &Answers) -> Vec<(ClusterId, Vec<String>)> {
    let mut members: Vec<(ClusterId, Vec<String>)> = Vec::new();
    for (address, reply) in answers {
        let Some(reply) = reply.as_ref().filter(|reply| reply.cluster != ClusterId(0)) else { continue };
        match members.iter_mut().find(|(cluster, _)| *cluster == reply.cluster) {
            Some((_, through)) => through.push(address.clone()),
            None => members.push((reply.cluster, vec![address.clone()])),
        }
    }
    members
}

/// What a request for consent does here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Granted before; nothing changes.
    Again,
    /// Take this standing, durably, then grant.
    Grant(Standing),
    /// As `Grant`, after giving up the cluster that was consented to before.
    Supersede(Standing),
    /// A member already.
    Member(ClusterId),
    /// Started with another list.
    OtherSeeds(Vec<String>),
    /// That cluster was given up.
    GivenUp,
}

/// Decides about a request for consent. `is_member`: the cluster counts on this node, or its log holds an entry.
pub(crate) fn on_consent(
    identity: &Identity,
    is_member: bool,
    me: &str,
    formation: &Formation,
    request: &ConsentRequest,
) -> Verdict {
    let standing = &identity.standing;
    if is_member {
        return Verdict::Member(standing.cluster());
    }
    let own = match formation {
        Formation::Seeds(seeds) => sorted(seeds),
        Formation::Alone => vec![me.to_owned()],
        Formation::Join(_) => Vec::new(),
    };
    if own != request.seeds {
        return Verdict::OtherSeeds(own);
    }
    if identity.refused.contains(&request.cluster) {
        return Verdict::GivenUp;
    }
    let consented = Standing::Consented { cluster: request.cluster, seat: seat_of(me, &own) };
    match standing {
        Standing::Pristine => Verdict::Grant(consented),
        _ if standing.cluster() == request.cluster => Verdict::Again,
        _ => Verdict::Supersede(consented),
    }
}

/// The founding voters: 1 of 1 or 2 seeds, 3 of 3 or 4, else 5; the first of the sorted list.
pub(crate) fn founders(seeds: &[String]) -> &[String] {
    let voters = match seeds.len() {
        0..=2 => 1,
        3..=4 => 3,
        _ => 5,
    };
    &seeds[..voters.min(seeds.len())]
}

/// The id of a founding voter.
pub(crate) fn seat_of(me: &str, seeds: &[String]) -> Option<NodeId> {
    let at = founders(seeds).iter().position(|seed| seed == me)?;
    Some(NodeId(at as u64 + 1))
}

/// The list in the order that all seeds agree on.
pub(crate) fn sorted(seeds: &[String]) -> Vec<String> {
    let mut seeds = seeds.to_vec();
    seeds.sort();
    seeds.dedup();
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: ClusterId = ClusterId(10);
    const Y: ClusterId = ClusterId(20);

    fn list(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    fn seeds(names: &str) -> Formation {
        Formation::Seeds(list(names))
    }

    /// `a:0` answers and is no member, `b:10` is a member of cluster 10, `c` is silent.
    fn answers(text: &str) -> Vec<(String, Option<AnnounceReply>)> {
        let answer = |word: &str| match word.split_once(':') {
            None => (word.to_owned(), None),
            Some((name, cluster)) => {
                let cluster = ClusterId(cluster.parse().unwrap());
                let reply = AnnounceReply { cluster, node: None, leader: None, book: Vec::new() };
                (name.to_owned(), Some(reply))
            }
        };
        text.split_whitespace().map(answer).collect()
    }

    fn consented(cluster: ClusterId, seat: Option<u64>) -> Standing {
        Standing::Consented { cluster, seat: seat.map(NodeId) }
    }

    #[test]
    fn the_way_into_a_cluster() {
        let register = |cluster, through: &str| Step::Register { cluster, through: list(through) };
        let ask = |names: &str| Step::AskConsents { seeds: list(names) };
        let pristine = Standing::Pristine;
        let table = [
            ("alone", &pristine, "a", Formation::Alone, "", ask("a")),
            ("a list of one", &pristine, "a", seeds("a"), "", ask("a")),
            ("the lowest asks", &pristine, "a", seeds("c b a"), "b:0 c:0", ask("a b c")),
            ("only the lowest asks", &pristine, "b", seeds("a b c"), "a:0 c:0", Step::Wait(Wait::Proposer("a".into()))),
            ("all must answer", &pristine, "a", seeds("a b c"), "b:0 c", Step::Wait(Wait::Seeds(list("c")))),
            ("wiped and cut off", &pristine, "a", seeds("a b c"), "b c", Step::Wait(Wait::Seeds(list("b c")))),
            ("wiped, one is reached", &pristine, "a", seeds("a b c"), "b c:10", register(X, "c")),
            ("a draft goes on", &consented(X, Some(1)), "a", seeds("a b"), "b:0", ask("a b")),
            ("a founder waits", &consented(X, Some(2)), "b", seeds("a b c"), "a:10", Step::Wait(Wait::Founding)),
            ("no seat, so it registers", &consented(X, None), "d", seeds("a b c d"), "a:10 b", register(X, "a")),
            ("another cluster formed", &consented(Y, Some(2)), "b", seeds("a b c"), "a:10", register(X, "a")),
            ("join", &pristine, "j", Formation::Join(list("a b")), "a b:10", register(X, "b")),
            ("nobody to join", &pristine, "j", Formation::Join(list("a")), "a:0", Step::Wait(Wait::Members(list("a")))),
            ("two clusters", &pristine, "c", seeds("a b c"), "a:10 b:20", Step::Wait(Wait::Split(vec![X, Y]))),
        ];
        for (name, standing, me, formation, heard, expected) in table {
            assert_eq!(next_step(standing, me, &formation, &answers(heard)), expected, "{name}");
        }
    }

    #[test]
    fn what_a_request_for_consent_does() {
        let identity = |standing: Standing| Identity {
            birth: 1,
            boot: 1,
            store: String::new(),
            standing,
            refused: vec![ClusterId(5)],
        };
        let three = seeds("c a b");
        let table = [
            ("first", Standing::Pristine, false, X, "a b c", Verdict::Grant(consented(X, Some(2)))),
            ("again", consented(X, Some(2)), false, X, "a b c", Verdict::Again),
            ("superseded", consented(X, Some(2)), false, Y, "a b c", Verdict::Supersede(consented(Y, Some(2)))),
            ("given up", consented(X, Some(2)), false, ClusterId(5), "a b c", Verdict::GivenUp),
            ("its log holds an entry", consented(X, Some(2)), true, Y, "a b c", Verdict::Member(X)),
            ("other list", Standing::Pristine, false, X, "a b", Verdict::OtherSeeds(list("a b c"))),
        ];
        for (name, standing, is_member, cluster, names, expected) in table {
            let request = ConsentRequest { cluster, seeds: list(names), birth: 9 };
            assert_eq!(on_consent(&identity(standing), is_member, "b", &three, &request), expected, "{name}");
        }
        let request = ConsentRequest { cluster: X, seeds: list("a b c"), birth: 9 };
        let joining = Formation::Join(list("a"));
        let verdict = on_consent(&identity(Standing::Pristine), false, "b", &joining, &request);
        assert_eq!(verdict, Verdict::OtherSeeds(Vec::new()));
    }

    #[test]
    fn founders_are_one_three_or_five_and_take_their_place_as_id() {
        for (count, voters) in [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5), (9, 5)] {
            let seeds: Vec<_> = (0..count).map(|n| format!("s{n}")).collect();
            assert_eq!(founders(&seeds).len(), voters, "{count} seeds");
            assert_eq!(seat_of(&format!("s{}", voters - 1), &seeds), Some(NodeId(voters as u64)));
            assert_eq!(seat_of(&format!("s{voters}"), &seeds), None);
        }
    }
}
