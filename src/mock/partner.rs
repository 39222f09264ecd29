//! A mock partner: a nation's system that reports in its own notation, with the answer known
//! for every report. A report is a function of (seed, nation, number) and the partner's
//! present, so that a million of them need no memory: whoever wants to check one makes it again.

use super::answer::{Answer, Expected, Substance};
use super::contribution;
use super::fault::Fault;
use super::grid::Degrees;
use super::scene::Scene;
use super::seed::Draws;
use super::tongue::Tongue;
use crate::wire::proto::{
    Action, CountBasis, Environment, Origin, Place, Report, ReportedConfidence, ReportedMeans,
    ReportedObservation, ReportedObservationType, ReportedPhase, ReportedSighting, ReportedWeapon,
    Supersedes, VerificationStatus, report,
};
use bytes::Bytes;
use prost::Message as _;

/// A correction, an update or a retraction speaks of the report this many numbers before it.
const LOOK_BACK: u64 = 3;

/// Stream of draws that decides what a report is about, apart from the one that words it.
const PLAN_STREAM: u64 = 0x10;

/// A mock partner.
#[derive(Clone, Debug)]
pub struct Partner {
    tongue: Tongue,
    seed: u64,
    now_unix_s: i64,
    faulty: bool,
}

/// What a report of some number is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// A first sighting.
    Sighting,
    /// The state of one of the nation's contributions.
    Contribution,
    /// A higher revision of the report of the number `of`.
    Revise {
        /// Number of the report that is revised.
        of: u64,
        /// CORRECTION, UPDATE or RETRACTION.
        action: Action,
    },
    /// A report with its own id that corrects the report of the number `of`.
    Replace {
        /// Number of the report that is replaced.
        of: u64,
    },
    /// A report with a mistake.
    Faulty(Fault),
}

/// A report as the partner hands it in, and what must become of it.
#[derive(Clone, Debug)]
pub struct Mocked {
    /// Its number in the partner's stream, from 0.
    pub number: u64,
    /// Its id.
    pub report_id: String,
    /// Its revision.
    pub revision: u32,
    /// What it is for.
    pub plan: Plan,
    /// The serialised `Report`.
    pub bytes: Bytes,
    /// What must become of it.
    pub expected: Expected,
}

impl Partner {
    /// A partner whose present is `now_unix_s`. Some of its reports are wrong.
    #[must_use]
    pub const fn new(tongue: Tongue, seed: u64, now_unix_s: i64) -> Self {
        Self {
            tongue,
            seed,
            now_unix_s,
            faulty: true,
        }
    }

    /// The same, but never wrong.
    #[must_use]
    pub const fn faultless(tongue: Tongue, seed: u64, now_unix_s: i64) -> Self {
        Self {
            tongue,
            seed,
            now_unix_s,
            faulty: false,
        }
    }

    /// How this partner writes.
    #[must_use]
    pub const fn tongue(&self) -> Tongue {
        self.tongue
    }

    /// What the report of this number is for.
    #[must_use]
    pub fn plan(&self, number: u64) -> Plan {
        let revised = |action| match self.revisable(number) {
            Some(of) => Plan::Revise { of, action },
            None => Plan::Sighting,
        };
        match self.roll(number) {
            0..30 => revised(Action::Correction),
            30..50 => revised(Action::Update),
            50..65 => revised(Action::Retraction),
            65..75 => self
                .revisable(number)
                .map_or(Plan::Sighting, |of| Plan::Replace { of }),
            75..195 => Plan::Contribution,
            195..255 if self.faulty => {
                let mut draws = self.draws(PLAN_STREAM + 1, number);
                Fault::drawn(self.tongue, &mut draws).map_or(Plan::Sighting, Plan::Faulty)
            }
            _ => Plan::Sighting,
        }
    }

    /// The report of this number.
    #[must_use]
    pub fn report(&self, number: u64) -> Mocked {
        let plan = self.plan(number);
        let mut draws = self.draws(PLAN_STREAM + 2, number);
        let (mut report, mut answer) = match plan {
            Plan::Contribution => contribution::report(self.tongue, &mut draws, self.now_unix_s),
            Plan::Revise {
                action: Action::Retraction,
                ..
            } => self.retraction(),
            Plan::Sighting | Plan::Revise { .. } | Plan::Replace { .. } | Plan::Faulty(_) => {
                self.sighting(&mut draws)
            }
        };
        report.report_id = self.report_id(number);
        match plan {
            Plan::Revise { of, action } => {
                report.report_id = self.report_id(of);
                report.revision = 2;
                report.action = action.into();
            }
            Plan::Replace { of } => {
                report.action = Action::Correction.into();
                report.supersedes = Some(Supersedes {
                    report_id: self.report_id(of),
                    revision: 1,
                });
            }
            Plan::Sighting | Plan::Contribution | Plan::Faulty(_) => {}
        }
        answer.action = report.action;
        let (report_id, revision) = (report.report_id.clone(), report.revision);
        let (bytes, expected) = match plan {
            Plan::Faulty(fault) => (
                fault.applied(report, self.tongue, self.now_unix_s),
                Expected::Refused {
                    rule: fault.rule(),
                    fault,
                },
            ),
            _ => (
                report.encode_to_vec().into(),
                Expected::Accepted(Box::new(answer)),
            ),
        };
        Mocked {
            number,
            report_id,
            revision,
            plan,
            bytes,
            expected,
        }
    }

    /// Which of its reports has this name.
    #[must_use]
    pub fn number_of(&self, report_id: &str, revision: u32) -> Option<u64> {
        let (nation, number) = report_id.split_once('-')?;
        let number: u64 = number.parse().ok()?;
        let number = match revision {
            1 => number,
            2 => number + LOOK_BACK,
            _ => return None,
        };
        (nation == self.tongue.nation()).then_some(number)
    }

    fn report_id(&self, number: u64) -> String {
        format!("{}-{number:08}", self.tongue.nation())
    }

    fn draws(&self, stream: u64, number: u64) -> Draws {
        Draws::of(self.seed, (self.tongue as u64) << 32 | stream, number)
    }

    fn roll(&self, number: u64) -> u64 {
        self.draws(PLAN_STREAM, number).below(1_000)
    }

    /// Only plain sightings are revised, and each at most once: the distance is always the same.
    fn revisable(&self, number: u64) -> Option<u64> {
        number
            .checked_sub(LOOK_BACK)
            .filter(|&of| self.roll(of) >= 255)
    }

    fn retraction(&self) -> (Report, Answer) {
        let report = Report {
            revision: 1,
            action: Action::Retraction.into(),
            environment: Environment::Live.into(),
            marking: Some(self.tongue.marking()),
            ..Report::default()
        };
        (report, Answer::default())
    }

    fn sighting(&self, draws: &mut Draws) -> (Report, Answer) {
        let scene = Scene::draw(draws, self.now_unix_s);
        let (location, within_m) = self.tongue.location(scene.at, draws);
        let sighting = ReportedSighting {
            origin: Origin::OwnObservation.into(),
            verification_status: VerificationStatus::Unverified.into(),
            observed_from: Some(self.tongue.time(scene.observed_unix_s)),
            means: vec![ReportedMeans {
                text: scene.means.words.by(self.tongue).into(),
                ..ReportedMeans::default()
            }],
            location: Some(location),
            place: Some(Place {
                name_as_reported: scene.place.name.by(self.tongue).into(),
                ..Place::default()
            }),
            observations: vec![self.observation(&scene)],
            confidence: Some(ReportedConfidence {
                source_reliability: scene.reliability.into(),
                credibility: scene.credibility.into(),
                ..ReportedConfidence::default()
            }),
            ..ReportedSighting::default()
        };
        let report = Report {
            revision: 1,
            action: Action::New.into(),
            environment: Environment::Live.into(),
            reported_at: Some(prost_types::Timestamp {
                seconds: scene.observed_unix_s + 30,
                nanos: 0,
            }),
            marking: Some(self.tongue.marking()),
            body: Some(report::Body::Sighting(sighting)),
            narratives: vec![self.tongue.narrative(&scene)],
            ..Report::default()
        };
        (report, answer_of(&scene, within_m))
    }

    fn observation(&self, scene: &Scene) -> ReportedObservation {
        let text = |said: super::scene::Said| said.by(self.tongue).to_owned();
        ReportedObservation {
            r#type: Some(ReportedObservationType {
                text: text(scene.sight.words),
                ..ReportedObservationType::default()
            }),
            count: Some(self.tongue.count(scene.count, scene.qualifier)),
            count_basis: CountBasis::Individual.into(),
            phase: scene.fire.map(|(phase, _)| ReportedPhase {
                text: text(phase.words),
                ..ReportedPhase::default()
            }),
            direction_from: scene.fire.map(|(_, degrees)| self.tongue.bearing(degrees)),
            weapon: scene.arm.map(|arm| ReportedWeapon {
                text: text(arm.words),
                ..ReportedWeapon::default()
            }),
            ..ReportedObservation::default()
        }
    }
}

fn answer_of(scene: &Scene, within_m: f64) -> Answer {
    Answer {
        action: Action::New.into(),
        substance: Substance::Sighting {
            at: Degrees { ..scene.at },
            within_m,
            observed_unix_s: scene.observed_unix_s,
            sight: scene.sight.code,
            means: scene.means.code,
            count: scene.count,
            qualifier: scene.qualifier,
            phase: scene.fire.map(|(phase, _)| phase.code),
            from_deg: scene.fire.map(|(_, degrees)| degrees),
            arm: scene.arm.map(|arm| arm.code),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_UNIX_S: i64 = 1_767_724_200;

    #[test]
    fn the_same_number_gives_the_same_report() {
        for tongue in Tongue::ALL {
            let partner = Partner::new(tongue, 7, NOW_UNIX_S);
            for number in 0..200 {
                let (one, two) = (partner.report(number), partner.report(number));
                assert_eq!(one.bytes, two.bytes);
                assert_eq!(
                    partner.number_of(&one.report_id, one.revision),
                    Some(number)
                );
            }
        }
    }

    #[test]
    fn a_partner_reports_of_everything_and_revises_only_what_it_said() {
        let partner = Partner::new(Tongue::Ukr, 1, NOW_UNIX_S);
        let plans: Vec<Plan> = (0..2_000).map(|number| partner.plan(number)).collect();
        let mut revised = std::collections::BTreeSet::new();
        for plan in &plans {
            if let Plan::Revise { of, .. } | Plan::Replace { of } = *plan {
                assert_eq!(partner.plan(of), Plan::Sighting);
                assert!(revised.insert(of), "{of} is revised twice");
            }
        }
        assert!(revised.len() > 50);
        assert!(
            plans
                .iter()
                .filter(|p| matches!(p, Plan::Faulty(_)))
                .count()
                > 50
        );
        assert!(
            plans
                .iter()
                .filter(|p| matches!(p, Plan::Contribution))
                .count()
                > 100
        );
        let faultless = Partner::faultless(Tongue::Ukr, 1, NOW_UNIX_S);
        assert!((0..2_000).all(|n| !matches!(faultless.plan(n), Plan::Faulty(_))));
    }
}
