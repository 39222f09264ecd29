//! What five nations bring, and in what state: a small standing list per nation, reported
//! again and again as its state changes.

use super::answer::{Answer, Substance};
use super::scene::{Said, said};
use super::seed::Draws;
use super::tongue::Tongue;
use crate::wire::proto::{
    Action, CommitmentStage, ContributionKind, Environment, OperationalStatus, Personnel,
    PersonnelCategory, Report, ReportedContribution, ReportedContributionKind,
    ReportedNoticeToMove, ReportedStage, ReportedStatus, Sensor, report,
};

/// Contributions of each nation.
const CONTRIBUTIONS: u64 = 8;

/// The state of one of the nation's contributions.
#[must_use]
pub fn report(tongue: Tongue, draws: &mut Draws, now_unix_s: i64) -> (Report, Answer) {
    let number = draws.below(CONTRIBUTIONS);
    let (kind, kind_said) = kind_of(number);
    let (stage, stage_said): (CommitmentStage, Said) = draws.one_of(&STAGES);
    let (status, status_said): (OperationalStatus, Said) = draws.one_of(&STATUSES);
    let hours = draws.one_of(&[24, 48, 72]);
    let age_minutes = i64::try_from(1 + draws.below(60)).unwrap_or(1);
    let as_of_unix_s = now_unix_s - now_unix_s.rem_euclid(60) - age_minutes * 60;
    let authorised = 40 + u32::try_from(draws.below(400)).unwrap_or(0);
    let deployed = (kind == ContributionKind::Personnel).then(|| authorised - authorised / 8);
    let contribution_id = format!("{}-C{number:02}", tongue.nation());
    let body = ReportedContribution {
        as_of: Some(tongue.time(as_of_unix_s)),
        contribution_id: contribution_id.clone(),
        kind: Some(ReportedContributionKind {
            text: kind_said.by(tongue).into(),
            ..Default::default()
        }),
        stage: Some(ReportedStage {
            text: stage_said.by(tongue).into(),
            ..Default::default()
        }),
        operational_status: Some(ReportedStatus {
            text: status_said.by(tongue).into(),
            ..Default::default()
        }),
        personnel: deployed
            .map(|deployed| people(authorised, deployed))
            .into_iter()
            .collect(),
        sensors: sensors(kind),
        notice_to_move: Some(notice_to_move(tongue, hours)),
        valid_from: first_day(tongue).into(),
        point_of_contact_role: "G3 operations".into(),
        ..ReportedContribution::default()
    };
    let report = Report {
        revision: 1,
        action: Action::Update.into(),
        environment: Environment::Live.into(),
        marking: Some(tongue.marking()),
        body: Some(report::Body::Contribution(body)),
        ..Report::default()
    };
    let substance = Substance::Contribution {
        contribution_id,
        kind,
        stage,
        status,
        deployed,
        notice_to_move_h: hours,
        as_of_unix_s,
        valid_from: "2026-01-15".into(),
    };
    (
        report,
        Answer {
            action: Action::Update.into(),
            substance,
        },
    )
}

/// A contribution never changes its kind.
#[rustfmt::skip]
const fn kind_of(number: u64) -> (ContributionKind, Said) {
    match number {
        0 | 1 => (ContributionKind::Personnel, said("personnel", "effectifs", "Personal", "personel", "особовий склад")),
        2 | 3 => (ContributionKind::Uav, said("UAV", "drones", "Drohnen", "BSP", "БпЛА")),
        4 => (ContributionKind::Sensor, said("sensors", "capteurs", "Sensoren", "czujniki", "датчики")),
        5 => (ContributionKind::Training, said("training", "formation", "Ausbildung", "szkolenie", "навчання")),
        6 => (ContributionKind::Medical, said("field hospital", "hôpital de campagne", "Feldlazarett", "szpital polowy", "польовий госпіталь")),
        _ => (ContributionKind::EngineeringDemining, said("mine clearance", "déminage", "Minenräumung", "rozminowanie", "розмінування")),
    }
}

#[rustfmt::skip]
const STAGES: [(CommitmentStage, Said); 4] = [
    (CommitmentStage::Committed, said("committed", "engagé", "verbindlich zugesagt", "zobowiązane", "взято зобов'язання")),
    (CommitmentStage::InTransit, said("in transit", "en route", "in Verlegung", "w drodze", "в дорозі")),
    (CommitmentStage::Deployed, said("deployed", "déployé", "verlegt", "rozmieszczone", "розгорнуто")),
    (CommitmentStage::Operational, said("operational", "opérationnel", "im Einsatz", "operacyjne", "виконує завдання")),
];

#[rustfmt::skip]
const STATUSES: [(OperationalStatus, Said); 2] = [
    (OperationalStatus::Fmc, said("fully mission capable", "pleinement opérationnel", "voll einsatzbereit", "w pełni sprawny", "боєздатний")),
    (OperationalStatus::Pmc, said("partially mission capable", "partiellement opérationnel", "bedingt einsatzbereit", "częściowo sprawny", "обмежено боєздатний")),
];

/// The fifteenth of January 2026 as the nation writes a day.
const fn first_day(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::Gbr | Tongue::Fra => "2026-01-15",
        Tongue::Deu | Tongue::Pol | Tongue::Ukr => "15.01.2026",
    }
}

fn notice_to_move(tongue: Tongue, hours: u32) -> ReportedNoticeToMove {
    match tongue {
        Tongue::Gbr => ReportedNoticeToMove {
            text: format!("NTM {hours}h"),
            hours: None,
        },
        Tongue::Fra | Tongue::Deu | Tongue::Pol | Tongue::Ukr => ReportedNoticeToMove {
            text: String::new(),
            hours: Some(hours),
        },
    }
}

fn people(authorised: u32, deployed: u32) -> Personnel {
    let female = deployed / 7;
    Personnel {
        category: PersonnelCategory::MilitaryObserver.into(),
        authorised: Some(authorised),
        deployed: Some(deployed),
        effective: Some(deployed - deployed / 20),
        female: Some(female),
        male: Some(deployed - female),
        undisclosed: None,
    }
}

fn sensors(kind: ContributionKind) -> Vec<Sensor> {
    let (name, uas_class) = match kind {
        ContributionKind::Uav => ("quadcopter", "NATO CLASS I MINI"),
        ContributionKind::Sensor => ("acoustic array", ""),
        _ => return Vec::new(),
    };
    vec![Sensor {
        r#type: name.into(),
        uas_class: uas_class.into(),
        range_m: Some(8_000.0),
        availability_pct: Some(92.5),
    }]
}
