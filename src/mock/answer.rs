//! The known answer to a mock report: what the feed must say of it, or which rule refuses it.

use super::fault::Fault;
use super::grid::Degrees;
use crate::wire::proto::{
    CommitmentStage, ContributionKind, CountQualifier, FirePhase, Level, ObservationType,
    ObserverMeans, OperationalStatus, Record, WeaponClass, record,
};

/// A direction may differ by this from the one given, degrees: half a 6000th of the circle.
const DIRECTION_WITHIN_DEG: f64 = 0.03;

/// What must become of a report.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// It is accepted, and its record says this.
    Accepted(Box<Answer>),
    /// It is refused, and this rule is among the reasons.
    Refused {
        /// Id of the rule.
        rule: &'static str,
        /// The mistake.
        fault: Fault,
    },
}

/// What the record of a report must say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Number of the action.
    pub action: i32,
    /// The substance.
    pub substance: Substance,
}

/// What the body of a record must say.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "record.proto documents each field")]
pub enum Substance {
    /// A retraction has no body.
    #[default]
    None,
    Sighting {
        at: Degrees,
        within_m: f64,
        observed_unix_s: i64,
        sight: ObservationType,
        means: ObserverMeans,
        count: u32,
        qualifier: CountQualifier,
        phase: Option<FirePhase>,
        from_deg: Option<u32>,
        arm: Option<WeaponClass>,
    },
    Contribution {
        contribution_id: String,
        kind: ContributionKind,
        stage: CommitmentStage,
        status: OperationalStatus,
        deployed: Option<u32>,
        notice_to_move_h: u32,
        as_of_unix_s: i64,
        valid_from: String,
    },
}

impl Answer {
    /// Every difference between the record and what it must say; empty: none.
    #[must_use]
    pub fn differences(&self, record: &Record) -> Vec<String> {
        let mut found = Differences(Vec::new());
        found.unless_same("action", self.action, record.action);
        let level = record.marking.as_ref().map(|marking| marking.level);
        found.unless_same("marking.level", Some(Level::Restricted.into()), level);
        match (&self.substance, &record.body) {
            (Substance::None, None) => {}
            (Substance::Sighting { .. }, Some(record::Body::Sighting(body))) => {
                self.sighting_differences(body, &mut found);
            }
            (Substance::Contribution { .. }, Some(record::Body::Contribution(body))) => {
                self.contribution_differences(body, &mut found);
            }
            _ => found.0.push("body: of another kind".into()),
        }
        found.0
    }

    fn sighting_differences(&self, body: &crate::wire::proto::Sighting, found: &mut Differences) {
        let Substance::Sighting {
            at,
            within_m,
            observed_unix_s,
            sight,
            means,
            count,
            qualifier,
            phase,
            from_deg,
            arm,
        } = self.substance
        else {
            return;
        };
        let seen = body.observations.first();
        let point = body.location.as_ref().map(|point| Degrees {
            latitude: point.latitude_deg,
            longitude: point.longitude_deg,
        });
        match point.map(|point| at.distance_m(point)) {
            Some(distance) if distance <= within_m => {}
            Some(distance) => found.0.push(format!(
                "sighting.location: {distance:.2} m from where it should be, allowed {within_m:.2}"
            )),
            None => found.0.push("sighting.location: absent".into()),
        }
        found.unless_same(
            "sighting.observed_from",
            Some(observed_unix_s),
            seconds(body.observed_from.as_ref()),
        );
        found.unless_same("sighting.means", &vec![i32::from(means)], &body.means);
        found.unless_same(
            "observations[0].type",
            Some(i32::from(sight)),
            seen.map(|seen| seen.r#type),
        );
        let counted = seen.and_then(|seen| seen.count.as_ref());
        found.unless_same(
            "observations[0].count",
            Some((Some(count), i32::from(qualifier))),
            counted.map(|counted| (counted.min, counted.qualifier)),
        );
        found.unless_same(
            "observations[0].phase",
            Some(phase.map_or(0, i32::from)),
            seen.map(|seen| seen.phase),
        );
        found.unless_same(
            "observations[0].weapon",
            arm.map(i32::from),
            seen.and_then(|seen| seen.weapon.as_ref())
                .map(|weapon| weapon.weapon_class),
        );
        let from = seen.and_then(|seen| seen.direction_from_deg);
        let same_direction = match (from_deg, from) {
            (Some(want), Some(got)) => (got - f64::from(want)).abs() <= DIRECTION_WITHIN_DEG,
            (want, got) => want.is_none() && got.is_none(),
        };
        if !same_direction {
            let field = "observations[0].direction_from_deg";
            found
                .0
                .push(format!("{field}: expected {from_deg:?}, found {from:?}"));
        }
    }

    fn contribution_differences(
        &self,
        body: &crate::wire::proto::Contribution,
        found: &mut Differences,
    ) {
        let Substance::Contribution {
            contribution_id,
            kind,
            stage,
            status,
            deployed,
            notice_to_move_h,
            as_of_unix_s,
            valid_from,
        } = &self.substance
        else {
            return;
        };
        found.unless_same("contribution_id", contribution_id, &body.contribution_id);
        found.unless_same("kind", i32::from(*kind), body.kind);
        found.unless_same("stage", i32::from(*stage), body.stage);
        found.unless_same(
            "operational_status",
            i32::from(*status),
            body.operational_status,
        );
        found.unless_same(
            "notice_to_move_h",
            Some(*notice_to_move_h),
            body.notice_to_move_h,
        );
        found.unless_same("as_of", Some(*as_of_unix_s), seconds(body.as_of.as_ref()));
        found.unless_same("valid_from", valid_from, &body.valid_from);
        let people = body.personnel.first().and_then(|people| people.deployed);
        found.unless_same("personnel[0].deployed", *deployed, people);
    }
}

struct Differences(Vec<String>);

impl Differences {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "reads better where it is called"
    )]
    fn unless_same<T: PartialEq + std::fmt::Debug>(&mut self, field: &str, want: T, got: T) {
        if want != got {
            self.0
                .push(format!("{field}: expected {want:?}, found {got:?}"));
        }
    }
}

fn seconds(instant: Option<&crate::wire::proto::Instant>) -> Option<i64> {
    instant
        .and_then(|instant| instant.utc.as_ref())
        .map(|utc| utc.seconds)
}
