//! The latest part of the feed as events in a grid, and the links between them. Bounded by the
//! number of positions that it holds, by the candidates that are looked at for one event, and by
//! the links that one event may have.

use super::rule::{self, APART_S_MAX, LASTED_S_MAX, Match, REACH_M_MAX};
use crate::journal::Position;
use crate::record::{Action, Environment};
use crate::wire::event::Event;
use crate::wire::stored::Label;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Width and height of a cell of the grid, degrees.
const CELL_DEG: f64 = 0.1;
/// No degree of latitude of WGS 84 is shorter, metres.
const METRES_A_DEGREE_MIN: f64 = 110_574.0;
/// Nearer to a pole nothing is compared: meridians run together there. Degrees.
const LATITUDE_DEG_MAX: f64 = 85.0;
/// Columns of the grid around the globe, from the antimeridian.
const COLUMNS: i32 = 3_600;
const COLUMN_MIN: i32 = -1_800;
/// Most sightings that are looked at for a new one.
const CANDIDATES_MAX: usize = 4_096;
/// Most links of a new sighting to older ones.
const LINKS_MAX: usize = 64;

type Cell = (i32, i32);
/// Nation, system and report id.
type Name = (String, String, String);

/// A sighting that is compared.
#[derive(Debug)]
struct Compared {
    label: Arc<Label>,
    event: Event,
    cell: Cell,
}

/// What a report says now.
#[derive(Debug)]
struct InForce {
    revision: u32,
    /// Where it is compared. `None`: it says nothing any more.
    says: Option<Position>,
    /// The position that spoke of it last.
    spoken_of: Position,
}

/// Two sightings that may describe the same event.
#[derive(Clone, Debug)]
pub struct Link {
    /// The older one.
    pub first: Position,
    /// Its label.
    pub first_label: Arc<Label>,
    /// The younger one.
    pub second: Position,
    /// Its label.
    pub second_label: Arc<Label>,
    /// What they have in common.
    pub found: Match,
}

/// The latest part of the feed.
#[derive(Debug)]
pub(super) struct Window {
    positions_max: u64,
    /// The last position that was taken in.
    pub(super) upto: Position,
    compared: HashMap<Position, Compared>,
    /// By time of beginning.
    cells: HashMap<Cell, BTreeSet<(i64, Position)>>,
    reports: HashMap<Name, InForce>,
    /// Their names, by the positions that spoke of them.
    spoken_of: VecDeque<(Position, Name)>,
    /// By the younger, then the older.
    links: BTreeMap<(Position, Position), Match>,
    /// The older, then the younger.
    back: BTreeSet<(Position, Position)>,
    /// Events that had more candidates or more links than are looked at.
    pub(super) curtailed: u64,
}

impl Window {
    pub(super) fn new(positions_max: u64) -> Self {
        Self {
            positions_max,
            upto: Position(0),
            compared: HashMap::new(),
            cells: HashMap::new(),
            reports: HashMap::new(),
            spoken_of: VecDeque::new(),
            links: BTreeMap::new(),
            back: BTreeSet::new(),
            curtailed: 0,
        }
    }

    /// The first position that is still compared.
    pub(super) fn first(&self) -> Position {
        Position(self.upto.0.saturating_sub(self.positions_max) + 1)
    }

    /// Takes a record of the feed in; `event`: what it says of when and where, if anything.
    pub(super) fn apply(&mut self, position: Position, label: Label, event: Option<Event>) {
        self.upto = position;
        self.forget();
        if label.environment == Some(Environment::Live) && self.comes_into_force(position, &label) {
            let event = event.filter(rule::is_comparable);
            if let Some(event) = event.filter(|event| event.point.0.abs() <= LATITUDE_DEG_MAX) {
                self.compare(position, Arc::new(label), event);
            }
        }
    }

    /// Ends what the report replaces; tells whether it says something of its own.
    fn comes_into_force(&mut self, position: Position, label: &Label) -> bool {
        let name = |id: &str| (label.nation.clone(), label.system.clone(), id.to_owned());
        if let Some(replaced) = &label.supersedes
            && replaced.report_id != label.report_id
        {
            // Revision 0 names all revisions.
            let revision = match replaced.revision {
                0 => u32::MAX,
                revision => revision,
            };
            self.say(position, name(&replaced.report_id), revision, None);
        }
        let says = (label.action != Some(Action::Retraction)).then_some(position);
        self.say(position, name(&label.report_id), label.revision, says) && says.is_some()
    }

    /// A report says something else from now on, or nothing; not if it is the late word of an
    /// older revision, which is told.
    fn say(&mut self, at: Position, name: Name, revision: u32, says: Option<Position>) -> bool {
        let new = InForce {
            revision,
            says,
            spoken_of: at,
        };
        let was = match self.reports.entry(name.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(new);
                None
            }
            Entry::Occupied(known) if known.get().revision > revision => return false,
            // Silenced before it arrived.
            Entry::Occupied(known) if says.is_some() && known.get().revision == revision => {
                return false;
            }
            Entry::Occupied(mut known) => known.insert(new).says,
        };
        self.spoken_of.push_back((at, name));
        if let Some(was) = was {
            self.remove(was);
        }
        true
    }

    /// Compares a sighting with those that are there, and keeps it for those to come.
    fn compare(&mut self, position: Position, label: Arc<Label>, event: Event) {
        let mut found = Vec::new();
        let mut looked_at = 0;
        for other in self.near(&event) {
            looked_at += 1;
            if looked_at > CANDIDATES_MAX {
                break;
            }
            let Some(there) = self.compared.get(&other) else {
                continue;
            };
            if there.label.nation != label.nation {
                found.extend(rule::compare(&there.event, &event).map(|found| (other, found)));
            }
        }
        let is_curtailed = looked_at > CANDIDATES_MAX || found.len() > LINKS_MAX;
        self.curtailed += u64::from(is_curtailed);
        // The nearest stay.
        found.sort_by(|(_, a), (_, b)| a.distance_m.total_cmp(&b.distance_m));
        for (other, found) in found.into_iter().take(LINKS_MAX) {
            self.back.insert((other, position));
            self.links.insert((position, other), found);
        }
        let (row, column) = cell_of(event.point);
        let cell = (row, wrapped(column));
        self.cells
            .entry(cell)
            .or_default()
            .insert((event.from_unix_s, position));
        let compared = Compared { label, event, cell };
        self.compared.insert(position, compared);
    }

    /// Sightings around an event in time and place, a little more than the rule allows.
    fn near(&self, event: &Event) -> impl Iterator<Item = Position> {
        let (latitude, longitude) = event.point;
        let north_deg = REACH_M_MAX / METRES_A_DEGREE_MIN;
        let east_deg = north_deg / (latitude.abs() + north_deg).to_radians().cos();
        let (south, west) = cell_of((latitude - north_deg, longitude - east_deg));
        let (north, east) = cell_of((latitude + north_deg, longitude + east_deg));
        let from = event.from_unix_s.saturating_sub(APART_S_MAX + LASTED_S_MAX);
        let until = event.until_unix_s.saturating_add(APART_S_MAX);
        let rows = south..=north;
        rows.flat_map(move |row| (west..=east).map(move |column| (row, wrapped(column))))
            .filter_map(|cell| self.cells.get(&cell))
            .flat_map(move |cell| cell.range((from, Position(0))..=(until, Position(u64::MAX))))
            .map(|(_, position)| *position)
    }

    /// Forgets what lies before the window.
    fn forget(&mut self) {
        let first = self.first();
        while let Some((position, name)) = self.spoken_of.pop_front_if(|(at, _)| *at < first) {
            self.remove(position);
            if let Entry::Occupied(known) = self.reports.entry(name)
                && known.get().spoken_of == position
            {
                known.remove();
            }
        }
    }

    /// Links whose younger sighting stands there or later, and, if so asked, of one sighting.
    pub(super) fn links(&self, from: Position, of: Option<Position>) -> impl Iterator<Item = Link> {
        let of_older = of.map(|of| (of, Position(0))..=(of, Position(u64::MAX)));
        let younger = of_older
            .clone()
            .into_iter()
            .flat_map(|range| self.back.range(range))
            .map(|(older, younger)| (*younger, *older));
        let all = (from, Position(0))..=(Position(u64::MAX), Position(u64::MAX));
        let pairs = of_older.unwrap_or(all);
        let own = self.links.range(pairs).map(|(pair, _)| *pair);
        own.chain(younger)
            .filter(move |(younger, _)| *younger >= from)
            .filter_map(|(younger, older)| self.link(older, younger))
    }

    fn link(&self, first: Position, second: Position) -> Option<Link> {
        Some(Link {
            first,
            first_label: Arc::clone(&self.compared.get(&first)?.label),
            second,
            second_label: Arc::clone(&self.compared.get(&second)?.label),
            found: self.links.get(&(second, first))?.clone(),
        })
    }

    fn remove(&mut self, position: Position) {
        let Some(gone) = self.compared.remove(&position) else {
            return;
        };
        if let Some(cell) = self.cells.get_mut(&gone.cell) {
            cell.remove(&(gone.event.from_unix_s, position));
            if cell.is_empty() {
                self.cells.remove(&gone.cell);
            }
        }
        let of = (position, Position(0))..=(position, Position(u64::MAX));
        let older: Vec<_> = self
            .links
            .range(of.clone())
            .map(|(pair, _)| *pair)
            .collect();
        let younger: Vec<_> = self.back.range(of).map(|&(a, b)| (b, a)).collect();
        for (younger, older) in older.into_iter().chain(younger) {
            self.links.remove(&(younger, older));
            self.back.remove(&(older, younger));
        }
    }
}

/// The same column, counted from the antimeridian eastwards.
fn wrapped(column: i32) -> i32 {
    (column - COLUMN_MIN).rem_euclid(COLUMNS) + COLUMN_MIN
}

fn cell_of((latitude, longitude): (f64, f64)) -> Cell {
    #[expect(clippy::cast_possible_truncation, reason = "degrees are few")]
    let number = |degrees: f64| (degrees / CELL_DEG).floor() as i32;
    (number(latitude), number(longitude))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ObservationType, Supersedes};
    use crate::wire::event::Seen;
    use proptest::prelude::*;

    const POSITIONS_MAX: u64 = 12;

    /// What comes in: nation, report id, revision, what it replaces, time, place.
    type Comes = (u8, u8, u32, Option<u8>, i64, (i16, i16), bool);

    fn label(comes: &Comes) -> Label {
        let (nation, id, revision, replaces, ..) = *comes;
        let action = if comes.6 {
            Action::Retraction
        } else {
            Action::New
        };
        Label {
            action: Some(action),
            environment: Some(Environment::Live),
            nation: format!("N{nation}"),
            system: "s".to_owned(),
            report_id: id.to_string(),
            revision,
            supersedes: replaces.map(|id| Supersedes {
                report_id: id.to_string(),
                revision: 0,
            }),
            ..Label::default()
        }
    }

    /// Around the corner of cells where the antimeridian meets the equator.
    fn event(comes: &Comes) -> Event {
        let (south_north, west_east) = comes.5;
        let longitude = f64::from(west_east) / 2_000.0 + 180.0;
        Event {
            from_unix_s: comes.4 * 60,
            until_unix_s: comes.4 * 60,
            precision_s: Some(60),
            point: (
                f64::from(south_north) / 2_000.0,
                (longitude + 180.0).rem_euclid(360.0) - 180.0,
            ),
            uncertainty_m: Some(1_000.0),
            is_bound: false,
            seen: vec![Seen {
                kind: ObservationType::Explosion,
                count: None,
                basis: None,
                phase: None,
                weapon: None,
                calibre_mm: Vec::new(),
            }],
        }
    }

    /// What stands after all of it, found the plain way.
    fn expected(all: &[(Label, Event)]) -> Vec<(u64, u64)> {
        let first = (all.len() as u64).saturating_sub(POSITIONS_MAX) + 1;
        let numbered = || (1..).zip(all).filter(|(position, _)| *position >= first);
        let names = |label: &Label| (label.nation.clone(), label.report_id.clone());
        // A late word is dropped as long as the earlier, higher one is in the window.
        let is_silenced = |at: u64, label: &Label| {
            (1..).zip(all).any(|(other, (by, _))| {
                other + POSITIONS_MAX > at
                    && names(by) == names(label)
                    && by.revision > label.revision
            })
        };
        let speaks: Vec<_> = numbered()
            .filter(|(position, (label, _))| !is_silenced(*position, label))
            .collect();
        let mut pairs = Vec::new();
        for (younger, (label, event)) in &speaks {
            for (older, (other, there)) in &speaks {
                if older < younger && label.nation != other.nation {
                    pairs.extend(rule::compare(there, event).map(|_| (*younger, *older)));
                }
            }
        }
        pairs.sort_unstable();
        pairs
    }

    proptest! {
        /// Revisions of one report come in any order; none comes twice, as the journal has it.
        #[test]
        fn the_window_finds_what_a_plain_search_finds(
            all in prop::collection::vec(
                (0_u8..3, 0_u8..20, 1_u32..3, Just(None), 0_i64..12, (-50_i16..50, -50_i16..50), Just(false)),
                0..40,
            ),
        ) {
            let mut seen = BTreeSet::new();
            let all: Vec<_> = all
                .iter()
                .filter(|comes| seen.insert((comes.0, comes.1, comes.2)))
                .map(|comes| (label(comes), event(comes)))
                .collect();
            let mut window = Window::new(POSITIONS_MAX);
            for (position, (label, event)) in (1..).zip(&all) {
                window.apply(Position(position), label.clone(), Some(event.clone()));
            }
            let found = window.links(Position(0), None).map(|link| (link.second.0, link.first.0));
            prop_assert_eq!(found.collect::<Vec<_>>(), expected(&all));
            prop_assert!(window.reports.len() as u64 <= POSITIONS_MAX);
            prop_assert_eq!(window.links.len(), window.back.len());
        }
    }

    fn linked(all: &[Comes]) -> usize {
        let mut window = Window::new(POSITIONS_MAX);
        for (position, comes) in (1..).zip(all) {
            window.apply(Position(position), label(comes), Some(event(comes)));
        }
        let count = window.links(Position(0), None).count();
        assert_eq!(count, window.back.len());
        count
    }

    #[test]
    fn what_is_replaced_is_linked_no_more_and_what_is_late_says_nothing() {
        let one: Comes = (0, 1, 1, None, 0, (0, 0), false);
        let other: Comes = (1, 2, 2, None, 0, (0, 0), false);
        assert_eq!(linked(&[one, other]), 1);
        let replacing: Comes = (1, 3, 1, Some(2), 9, (0, 0), false);
        assert_eq!(linked(&[one, other, replacing]), 0);
        let late: Comes = (1, 2, 1, None, 0, (0, 0), false);
        assert_eq!(linked(&[one, other, late]), 1, "the later revision stands");
        let withdrawn: Comes = (1, 4, 1, Some(2), 0, (0, 0), true);
        assert_eq!(
            linked(&[one, withdrawn, other]),
            0,
            "it was silenced before"
        );
    }

    #[test]
    fn a_crowd_is_bounded() {
        let mut window = Window::new(100_000);
        let count = u64::try_from(CANDIDATES_MAX).unwrap() + 2;
        for position in 1..=count {
            let nation = u8::from(position == count);
            let comes: Comes = (nation, 0, 1, None, 0, (0, 0), false);
            let label = Label {
                report_id: position.to_string(),
                ..label(&comes)
            };
            window.apply(Position(position), label, Some(event(&comes)));
        }
        assert_eq!(window.links.len(), LINKS_MAX);
        assert!(window.curtailed > 0);
    }
}
