//! The type of an event to what was observed: atoms through the function letters of
//! MIL-STD-2525B and C, detections and imagery through the CoT type tree. Tasking is refused,
//! and so is what is no observation: drawings, routes, chat, alarms, capabilities.

use crate::formats::Fault;
use crate::formats::text::quoted;

/// Numbers of `ObservationType`.
const EXPLOSION: i32 = 1;
const EQUIPMENT_PRESENT: i32 = 8;
const MOVEMENT: i32 = 10;
const MINE_FOUND: i32 = 12;
const UAV_FLIGHT: i32 = 14;
const OTHER: i32 = 17;

/// Numbers of `ObserverMeans`.
const RECORDED_CAMERA: i32 = 3;
const RADAR: i32 = 6;
const ACOUSTIC_SENSOR: i32 = 7;
const SEISMIC: i32 = 8;

/// Numbers of `FirePhase`.
const OUTGOING: i32 = 1;
const IMPACT: i32 = 3;

/// Numbers of `WeaponClass`.
const SMALL_ARMS: i32 = 1;
const MACHINE_GUN_HEAVY: i32 = 2;
const GRENADE_LAUNCHER_AUTO: i32 = 3;
const AT_ROCKET_LAUNCHER: i32 = 4;
const RECOILLESS: i32 = 5;
const ATGM: i32 = 6;
const MORTAR: i32 = 7;
const HOWITZER_TOWED: i32 = 8;
const HOWITZER_SP: i32 = 9;
const MLRS: i32 = 10;
const SSM: i32 = 11;
const SAM: i32 = 12;
const AA_GUN: i32 = 13;
const TANK: i32 = 14;
const IFV: i32 = 15;
const APC: i32 = 16;
const MINE: i32 = 17;
const UAV: i32 = 18;
const UNDETERMINED: i32 = 19;

/// Longest type, bytes.
const TYPE_BYTES_MAX: usize = 128;

/// What a type says: numbers of the contract; 0: nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct What {
    pub(super) observation: i32,
    pub(super) weapon: i32,
    pub(super) phase: i32,
    pub(super) means: i32,
}

const fn seen(observation: i32, weapon: i32) -> What {
    What {
        observation,
        weapon,
        phase: 0,
        means: 0,
    }
}

const fn detected(observation: i32, means: i32) -> What {
    What {
        observation,
        weapon: 0,
        phase: 0,
        means,
    }
}

const fn fired(phase: i32, weapon: i32) -> What {
    What {
        observation: EXPLOSION,
        weapon,
        phase,
        means: 0,
    }
}

/// Atoms by dimension and function. The longest row that a type begins with counts.
const ATOMS: &[(&str, What)] = &[
    ("A", seen(OTHER, 0)),
    ("A-M-F-Q", seen(UAV_FLIGHT, UAV)),
    ("A-M-H-Q", seen(UAV_FLIGHT, UAV)),
    ("G", seen(OTHER, 0)),
    ("G-E", seen(EQUIPMENT_PRESENT, UNDETERMINED)),
    ("G-E-V-A-A", seen(EQUIPMENT_PRESENT, APC)),
    ("G-E-V-A-I", seen(EQUIPMENT_PRESENT, IFV)),
    ("G-E-V-A-T", seen(EQUIPMENT_PRESENT, TANK)),
    ("G-E-W-A", seen(EQUIPMENT_PRESENT, AA_GUN)),
    ("G-E-W-G-R", seen(EQUIPMENT_PRESENT, RECOILLESS)),
    ("G-E-W-H", seen(EQUIPMENT_PRESENT, HOWITZER_TOWED)),
    ("G-E-W-H-H-S", seen(EQUIPMENT_PRESENT, HOWITZER_SP)),
    ("G-E-W-H-L-S", seen(EQUIPMENT_PRESENT, HOWITZER_SP)),
    ("G-E-W-H-M-S", seen(EQUIPMENT_PRESENT, HOWITZER_SP)),
    ("G-E-W-M-A", seen(EQUIPMENT_PRESENT, SAM)),
    ("G-E-W-M-S", seen(EQUIPMENT_PRESENT, SSM)),
    ("G-E-W-M-T", seen(EQUIPMENT_PRESENT, ATGM)),
    ("G-E-W-O", seen(EQUIPMENT_PRESENT, MORTAR)),
    ("G-E-W-R", seen(EQUIPMENT_PRESENT, SMALL_ARMS)),
    ("G-E-W-R-H", seen(EQUIPMENT_PRESENT, MACHINE_GUN_HEAVY)),
    ("G-E-W-T", seen(EQUIPMENT_PRESENT, AT_ROCKET_LAUNCHER)),
    ("G-E-W-X", seen(EQUIPMENT_PRESENT, MLRS)),
    ("G-E-W-Z", seen(EQUIPMENT_PRESENT, GRENADE_LAUNCHER_AUTO)),
    ("G-E-X-M", seen(MINE_FOUND, MINE)),
    ("P", seen(OTHER, 0)),
    ("S", seen(OTHER, 0)),
    ("U", seen(OTHER, 0)),
    ("X", seen(OTHER, 0)),
];

/// Detections and imagery, by the whole type. The longest row that a type begins with counts.
const BITS: &[(&str, What)] = &[
    ("b-d", detected(OTHER, 0)),
    ("b-d-a", detected(OTHER, ACOUSTIC_SENSOR)),
    ("b-d-d", detected(MOVEMENT, RADAR)),
    ("b-d-i-b", fired(IMPACT, 0)),
    ("b-d-i-m", fired(IMPACT, MORTAR)),
    ("b-d-l-b", fired(OUTGOING, 0)),
    ("b-d-l-m", fired(OUTGOING, MORTAR)),
    ("b-d-m", detected(MOVEMENT, 0)),
    ("b-d-s", detected(OTHER, SEISMIC)),
    ("b-i-e", detected(OTHER, RECORDED_CAMERA)),
    ("b-i-i", detected(OTHER, RECORDED_CAMERA)),
    ("b-i-s", detected(OTHER, RADAR)),
    ("b-i-v", detected(OTHER, RECORDED_CAMERA)),
    ("b-m-p-s-p-i", detected(OTHER, 0)),
];

const READABLE: &str = "an atom such as a-h-G-E-W-O, a detection b-d-..., imagery b-i-..., or a \
                        sensor point of interest b-m-p-s-p-i";

/// What a type says; a fault without a place where it is none of ours.
pub(super) fn classify(kind: &str) -> Result<What, Fault> {
    let plain = kind.split(';').next().unwrap_or_default();
    let is_type = kind.len() <= TYPE_BYTES_MAX
        && plain.split('-').all(|part| {
            let letters = part.strip_suffix('.').unwrap_or(part);
            (!letters.is_empty() || part == ".")
                && letters
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
    if !is_type {
        let message = format!("{} is no type of CoT", quoted(kind));
        return Err(Fault::new("", "formats.cot_type", message, READABLE));
    }
    match plain.split('-').next() {
        Some("t" | "y") => Err(tasking(kind)),
        Some("a") => atom(plain).ok_or_else(|| unread(kind)),
        Some("b") => longest(BITS, plain).ok_or_else(|| unread(kind)),
        _ => Err(unread(kind)),
    }
}

/// The type of what was observed: the other way round. What has no type of its own is an unknown
/// thing on the ground, so that a map shows it and its remarks say the rest.
pub(super) fn of(observation: i32, weapon: i32, phase: i32) -> String {
    let stands = |what: &What| {
        what.observation == observation
            && what.weapon == weapon
            && what.phase == phase
            && what.means == 0
            && what.observation != OTHER
    };
    let seen = ATOMS.iter().find(|(_, what)| {
        // A flight needs no weapon to be one of an unmanned aircraft, nor a mine to be a mine.
        stands(what) || (weapon == 0 && stands(&What { weapon: 0, ..*what }))
    });
    let heard = BITS.iter().find(|(_, what)| stands(what));
    match (seen, heard) {
        (Some((front, _)), _) => format!("a-u-{front}"),
        (None, Some((front, _))) => (*front).to_owned(),
        (None, None) if observation == EXPLOSION && weapon != 0 => of(observation, 0, phase),
        (None, None) => "a-u-G".to_owned(),
    }
}

fn tasking(kind: &str) -> Fault {
    Fault::new(
        "",
        "formats.cot_tasking",
        format!("{} is tasking or its answer", quoted(kind)),
        "an observation: Entente takes no tasking, no requests for fires, and no orders",
    )
}

fn unread(kind: &str) -> Fault {
    let message = format!("{} is no observation", quoted(kind));
    Fault::new("", "formats.cot_type", message, READABLE)
}

/// `a`, the affiliation, the dimension and the function.
fn atom(plain: &str) -> Option<What> {
    let (affiliation, rest) = plain.strip_prefix("a-")?.split_once('-')?;
    let known = matches!(
        affiliation,
        "p" | "u" | "a" | "f" | "n" | "s" | "h" | "j" | "k" | "o" | "x" | "."
    );
    known.then(|| longest(ATOMS, rest)).flatten()
}

/// The longest row that stands at the front of a type, whole letters only.
fn longest(rows: &[(&str, What)], plain: &str) -> Option<What> {
    rows.iter()
        .filter(|(front, _)| {
            let behind = plain.strip_prefix(front);
            behind.is_some_and(|behind| behind.is_empty() || behind.starts_with('-'))
        })
        .max_by_key(|(front, _)| front.len())
        .map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: &str) -> &'static str {
        classify(kind).expect_err(kind).rule
    }

    #[test]
    fn letters_of_2525_become_classes() {
        for (kind, observation, weapon) in [
            ("a-h-G-E-W-O", EQUIPMENT_PRESENT, MORTAR),
            ("a-u-G-E-W-O-M", EQUIPMENT_PRESENT, MORTAR),
            ("a-h-G-E-W-H-M-S", EQUIPMENT_PRESENT, HOWITZER_SP),
            ("a-h-G-E-W-H-M", EQUIPMENT_PRESENT, HOWITZER_TOWED),
            ("a-h-G-E-W-R", EQUIPMENT_PRESENT, SMALL_ARMS),
            ("a-h-G-E-W-R-H", EQUIPMENT_PRESENT, MACHINE_GUN_HEAVY),
            ("a-h-G-E-W-M-A-S-r-sa8", EQUIPMENT_PRESENT, SAM),
            ("a-h-G-E-V-A-T;name", EQUIPMENT_PRESENT, TANK),
            ("a-n-A-M-F-Q", UAV_FLIGHT, UAV),
            ("a-n-G-E-V-C", EQUIPMENT_PRESENT, UNDETERMINED),
            ("a-f-G-U-C-I", OTHER, 0),
            ("a-u-G", OTHER, 0),
            ("a-.-G-E-X-M", MINE_FOUND, MINE),
        ] {
            let what = classify(kind).unwrap();
            assert_eq!(
                (what.observation, what.weapon),
                (observation, weapon),
                "{kind}"
            );
        }
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        for (kind, observation, weapon, phase) in [
            ("a-u-G-E-W-O", EQUIPMENT_PRESENT, MORTAR, 0),
            ("a-u-G-E-W-X", EQUIPMENT_PRESENT, MLRS, 0),
            ("a-u-G-E", EQUIPMENT_PRESENT, UNDETERMINED, 0),
            ("a-u-G-E", EQUIPMENT_PRESENT, 0, 0),
            ("a-u-A-M-F-Q", UAV_FLIGHT, UAV, 0),
            ("a-u-A-M-F-Q", UAV_FLIGHT, 0, 0),
            ("a-u-G-E-X-M", MINE_FOUND, 0, 0),
            ("b-d-l-m", EXPLOSION, MORTAR, OUTGOING),
            ("b-d-i-b", EXPLOSION, MLRS, IMPACT),
            ("b-d-m", MOVEMENT, 0, 0),
            ("a-u-G", EXPLOSION, 0, 0),
            ("a-u-G", OTHER, 0, 0),
            ("a-u-G", 2, MORTAR, 0),
        ] {
            assert_eq!(of(observation, weapon, phase), kind);
            classify(kind).unwrap();
        }
    }

    #[test]
    fn sensors_tell_phase_and_means() {
        assert_eq!(classify("b-d-l-m"), Ok(fired(OUTGOING, MORTAR)));
        assert_eq!(classify("b-d-i-m"), Ok(fired(IMPACT, MORTAR)));
        assert_eq!(classify("b-d-a"), Ok(detected(OTHER, ACOUSTIC_SENSOR)));
        assert_eq!(classify("b-i-v-r"), Ok(detected(OTHER, RECORDED_CAMERA)));
    }

    #[test]
    fn what_is_no_observation_is_refused() {
        for kind in ["t-k-d", "t", "t-x-d-d", "y-a-w"] {
            assert_eq!(rule(kind), "formats.cot_tasking", "{kind}");
        }
        for kind in [
            "b-t-f", "b-m-r", "u-d-f", "c-f-i", "r-u", "a-h-F-Q", "a-h", "a-z-G", "a--G", "", "-",
            "a h G", "b-dx", "a-h-GEWO",
        ] {
            assert_eq!(rule(kind), "formats.cot_type", "{kind}");
        }
    }
}
