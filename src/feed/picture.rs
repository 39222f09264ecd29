//! The current picture of contributions: for each contribution the newest report in force,
//! after corrections and retractions. Rebuilt from the journal at every start; holds names and
//! positions, never records.
//!
//! A report id holds one place: a higher revision takes it over, a retraction empties it. A
//! contribution shows the report in force with the latest "as of", then the latest position.
//! If that one is withheld from a reader, the reader sees none: an older one would be false.
//!
//! It follows the journal a moment behind and says how far it has come. Only the first build is
//! waited for without an answer: half a picture would be false too.

use super::FeedError;
use super::release::{Reader, may_read};
use crate::journal::Position;
use crate::record::{Action, ContributionKind, Environment};
use crate::wire::stored::{Kind, Label};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// What a reader wants to see of the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Originating nations; empty: all.
    pub nations: Vec<String>,
    /// Kinds; empty: all.
    pub kinds: Vec<ContributionKind>,
}

/// A record of the picture.
#[derive(Debug)]
pub struct Shown {
    /// Where it stands.
    pub position: Position,
    /// For a page that begins after it.
    pub token: String,
}

/// A page of the picture.
#[derive(Debug)]
pub struct Page {
    /// The records, in the order of nation, system and contribution id.
    pub shown: Vec<Shown>,
    /// For the next page; empty: this was the last.
    pub next_token: String,
    /// The picture is complete up to here.
    pub as_of: Position,
}

/// Nation, system, and an id of that system.
type Name = (String, String, String);

/// Orders the reports of one contribution: as of, then position.
type Rank = (i64, Position);

/// A report id of a system, and what it says now.
#[derive(Debug)]
struct InForce {
    revision: u32,
    /// The contribution and the rank of the report; `None`: it says nothing any more.
    says: Option<(Name, Rank)>,
}

#[derive(Debug, Default)]
struct State {
    reports: HashMap<Name, InForce>,
    contributions: BTreeMap<Name, BTreeSet<Rank>>,
    labels: HashMap<Position, Label>,
    position: Position,
}

/// How far the picture has come.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    position: Position,
    is_built: bool,
}

/// The current picture of contributions.
#[derive(Debug, Default)]
pub struct Picture {
    state: RwLock<State>,
    reached: watch::Sender<Reached>,
}

impl Picture {
    /// The last position that is in the picture.
    #[must_use]
    pub fn position(&self) -> Position {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .position
    }

    /// Takes the next record of the feed in.
    pub fn apply(&self, position: Position, label: &Label) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.apply(position, label);
        state.position = position;
    }

    /// Takes in that nothing up to a position concerns it further.
    pub fn reach(&self, position: Position) {
        self.state
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .position = position;
        self.reached
            .send_modify(|reached| reached.position = position);
    }

    /// Takes in that the first build is done: what the journal held at the start is in it.
    pub fn built(&self) {
        self.reached.send_modify(|reached| reached.is_built = true);
    }

    /// Waits until the picture has come up to a position, and no longer than `patience`: under
    /// steady ingest there is always something newer.
    ///
    /// # Errors
    /// The first build is still going on.
    pub async fn come_to(&self, wanted: Position, patience: Duration) -> Result<(), FeedError> {
        let mut reached = self.reached.subscribe();
        let there = reached.wait_for(|reached| reached.is_built && reached.position >= wanted);
        let _in_time = tokio::time::timeout(patience, there).await;
        let reached = *self.reached.borrow();
        if reached.is_built {
            return Ok(());
        }
        Err(FeedError::PictureBehind {
            at: reached.position,
            durable: wanted,
        })
    }

    /// The first position of a record in the picture.
    ///
    /// # Errors
    /// The picture has not come to `upto`, so that what it needs is not known.
    pub fn oldest(&self, upto: Position) -> Result<Option<Position>, FeedError> {
        let reached = *self.reached.borrow();
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if !reached.is_built || state.position < upto {
            return Err(FeedError::PictureBehind {
                at: state.position,
                durable: upto,
            });
        }
        Ok(state.labels.keys().min().copied())
    }

    /// A page after `token`, of the picture as it is.
    ///
    /// # Errors
    /// The token is foreign.
    pub fn page(
        &self,
        wanted: &Wanted,
        reader: &Reader,
        token: &str,
        page_max: usize,
    ) -> Result<Page, FeedError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let after = match token {
            "" => Bound::Unbounded,
            token => Bound::Excluded(parse_token(token).ok_or(FeedError::PageToken)?),
        };
        let mut page = Page {
            shown: Vec::new(),
            next_token: String::new(),
            as_of: state.position,
        };
        for (name, ranks) in state.contributions.range((after, Bound::Unbounded)) {
            let Some(&(_, position)) = ranks.last() else {
                continue;
            };
            let is_shown = state.labels.get(&position).is_some_and(|label| {
                may_read(label, reader)
                    && (wanted.nations.is_empty() || wanted.nations.contains(&name.0))
                    && (wanted.kinds.is_empty()
                        || label
                            .contribution_kind
                            .is_some_and(|k| wanted.kinds.contains(&k)))
            });
            if !is_shown {
                continue;
            }
            if page.shown.len() >= page_max {
                let last = page.shown.last();
                page.next_token = last.map(|last| last.token.clone()).unwrap_or_default();
                break;
            }
            page.shown.push(Shown {
                position,
                token: token_of(name),
            });
        }
        Ok(page)
    }
}

/// System names hold no space, so the first two parts end at the first two.
fn token_of(name: &Name) -> String {
    format!("{} {} {}", name.0, name.1, name.2)
}

fn parse_token(token: &str) -> Option<Name> {
    let mut parts = token.splitn(3, ' ');
    Some((
        parts.next()?.to_owned(),
        parts.next()?.to_owned(),
        parts.next()?.to_owned(),
    ))
}

impl State {
    fn apply(&mut self, position: Position, label: &Label) {
        if label.environment != Some(Environment::Live) {
            return;
        }
        let name = |id: &str| (label.nation.clone(), label.system.clone(), id.to_owned());
        if let Some(replaced) = &label.supersedes {
            // Revision 0 names all revisions of the other report.
            let revision = if replaced.revision == 0 {
                u32::MAX
            } else {
                replaced.revision
            };
            if replaced.report_id != label.report_id {
                self.silence(name(&replaced.report_id), revision);
            }
        }
        let report = name(&label.report_id);
        let retraction = label.action == Some(Action::Retraction);
        if !retraction && label.kind != Kind::Contribution {
            // A sighting is of no interest, unless it takes over the place of a contribution.
            if self.reports.contains_key(&report) {
                self.silence(report, label.revision);
            }
            return;
        }
        if retraction {
            self.silence(report, label.revision);
            return;
        }
        // Equal revisions: silenced before it arrived. Higher: this one comes late.
        if self
            .reports
            .get(&report)
            .is_some_and(|known| known.revision >= label.revision)
        {
            return;
        }
        self.silence(report.clone(), label.revision);
        let contribution = name(&label.contribution_id);
        let rank = (label.observed_unix_s.unwrap_or(i64::MIN), position);
        self.contributions
            .entry(contribution.clone())
            .or_default()
            .insert(rank);
        self.labels.insert(position, label.clone());
        let says = Some((contribution, rank));
        self.reports.insert(
            report,
            InForce {
                revision: label.revision,
                says,
            },
        );
    }

    /// Ends what a report said up to a revision, and remembers it for reports that come late.
    fn silence(&mut self, report: Name, revision: u32) {
        let known = self.reports.entry(report).or_insert(InForce {
            revision,
            says: None,
        });
        if known.revision > revision {
            return;
        }
        known.revision = revision;
        if let Some((contribution, rank)) = known.says.take() {
            self.labels.remove(&rank.1);
            if let Some(ranks) = self.contributions.get_mut(&contribution) {
                ranks.remove(&rank);
                if ranks.is_empty() {
                    self.contributions.remove(&contribution);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::NationCode;
    use crate::record::{Level, Supersedes};

    fn label(report_id: &str, revision: u32, contribution_id: &str, as_of: i64) -> Label {
        Label {
            kind: Kind::Contribution,
            action: Some(Action::New),
            environment: Some(Environment::Live),
            nation: "FRA".into(),
            system: "poste-12".into(),
            report_id: report_id.into(),
            revision,
            contribution_id: contribution_id.into(),
            observed_unix_s: Some(as_of),
            level: Some(Level::Unclassified),
            releasable_to: vec!["USA".into()],
            ..Label::default()
        }
    }

    fn retraction(report_id: &str, revision: u32) -> Label {
        Label {
            kind: Kind::Retraction,
            action: Some(Action::Retraction),
            ..label(report_id, revision, "", 0)
        }
    }

    fn reader() -> Reader {
        Reader {
            nation: NationCode::parse("USA").unwrap(),
            clearance: Level::Unclassified,
            special: Vec::new(),
            hands_on: false,
        }
    }

    fn shown(labels: &[Label]) -> Vec<u64> {
        let picture = Picture::default();
        for (position, label) in (1..).zip(labels) {
            picture.apply(Position(position), label);
        }
        let mut positions = Vec::new();
        let mut token = String::new();
        loop {
            // Pages of one, so that every page token is used.
            let page = picture
                .page(&Wanted::default(), &reader(), &token, 1)
                .unwrap();
            positions.extend(page.shown.iter().map(|shown| shown.position.0));
            token = page.next_token;
            if token.is_empty() {
                return positions;
            }
        }
    }

    fn as_of(picture: &Picture) -> u64 {
        let page = picture.page(&Wanted::default(), &reader(), "", 1);
        page.unwrap().as_of.0
    }

    #[tokio::test]
    async fn half_of_the_first_build_is_not_shown() {
        let picture = Picture::default();
        picture.reach(Position(5));
        let error = picture
            .come_to(Position(7), Duration::ZERO)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("5 of 7"), "{error}");
    }

    #[tokio::test]
    async fn what_comes_too_late_is_not_waited_for_and_the_answer_says_up_to_where() {
        let picture = Picture::default();
        picture.reach(Position(5));
        picture.built();
        picture.come_to(Position(7), Duration::ZERO).await.unwrap();
        assert_eq!(as_of(&picture), 5);
    }

    #[tokio::test]
    async fn what_comes_soon_is_waited_for() {
        let picture = Picture::default();
        picture.built();
        let come = picture.come_to(Position(7), Duration::from_secs(60));
        let (came, ()) = tokio::join!(come, async {
            picture.reach(Position(6));
            tokio::task::yield_now().await;
            picture.reach(Position(7));
        });
        came.unwrap();
        assert_eq!(as_of(&picture), 7);
    }

    #[test]
    fn the_newest_report_of_each_contribution_is_shown() {
        assert_eq!(
            shown(&[
                label("a", 1, "x", 1),
                label("b", 1, "y", 1),
                label("c", 1, "x", 2)
            ]),
            [3, 2]
        );
    }

    #[test]
    fn an_older_as_of_that_comes_late_does_not_take_over() {
        assert_eq!(shown(&[label("a", 1, "x", 5), label("b", 1, "x", 2)]), [1]);
    }

    #[test]
    fn a_correction_replaces_even_with_an_older_as_of() {
        assert_eq!(shown(&[label("a", 1, "x", 5), label("a", 2, "x", 2)]), [2]);
    }

    #[test]
    fn a_lower_revision_that_comes_late_is_ignored() {
        assert_eq!(shown(&[label("a", 2, "x", 1), label("a", 1, "x", 9)]), [1]);
    }

    #[test]
    fn a_retraction_lets_the_report_before_it_show_again() {
        assert_eq!(
            shown(&[
                label("a", 1, "x", 1),
                label("b", 1, "x", 2),
                retraction("b", 2)
            ]),
            [1]
        );
        assert_eq!(shown(&[label("a", 1, "x", 1), retraction("a", 2)]), [0; 0]);
    }

    #[test]
    fn a_retraction_that_comes_first_holds() {
        assert_eq!(shown(&[retraction("a", 2), label("a", 1, "x", 1)]), [0; 0]);
    }

    #[test]
    fn a_report_that_names_another_id_replaces_it() {
        let other = Label {
            supersedes: Some(Supersedes {
                report_id: "a".into(),
                revision: 1,
            }),
            ..label("b", 1, "y", 1)
        };
        assert_eq!(shown(&[label("a", 1, "x", 1), other]), [2]);
    }

    #[test]
    fn an_exercise_is_not_part_of_the_picture() {
        let exercise = Label {
            environment: Some(Environment::Exercise),
            ..label("a", 1, "x", 1)
        };
        assert_eq!(shown(&[exercise]), [0; 0]);
    }

    #[test]
    fn a_newest_report_that_is_withheld_hides_the_contribution() {
        let withheld = Label {
            releasable_to: Vec::new(),
            ..label("b", 1, "x", 2)
        };
        assert_eq!(shown(&[label("a", 1, "x", 1), withheld]), [0; 0]);
    }
}
