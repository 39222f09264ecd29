//! Every cell of the word table, by language: what nations call weapons and observations, in the
//! forms that they write, and what is not settled by a word alone.

use crate::support::{judge_of, sighting, typed_with};
use entente::record::{
    FirePhase, ObservationType, ObserverMeans, Record, Severity, Weapon, WeaponClass,
};
use entente::report::{self, Term};
use proptest::prelude::*;

fn term(text: &str) -> Term {
    Term {
        text: text.to_owned(),
        code: 0,
    }
}

/// A report of `nation` with one observation of words.
fn said(nation: &str, kind: &str, weapon: &str) -> Record {
    let mut report = typed_with(|sighting| {
        sighting.observations = vec![report::Observation {
            kind: Some(term(kind)),
            weapon: (!weapon.is_empty()).then(|| report::Weapon {
                text: weapon.to_owned(),
                ..report::Weapon::default()
            }),
            count_basis: 1,
            ..report::Observation::default()
        }];
    });
    // A marking that every nation has.
    let text = match nation {
        "UKR" => "Нетаємно",
        _ => "NATO UNCLASSIFIED",
    };
    report.marking = Some(report::Marking {
        text: text.to_owned(),
        ..report::Marking::default()
    });
    judge_of(nation, report).expect("a record")
}

fn weapon(nation: &str, text: &str) -> (Weapon, Vec<String>) {
    let record = said(nation, "EXPLOSION", text);
    let observation = sighting(&record).observations.first().expect("one");
    let weapon = observation.weapon.clone().expect("a weapon");
    (weapon, warnings(&record, "sighting.observations[0].weapon"))
}

fn kind(nation: &str, text: &str, weapon: &str) -> (Option<ObservationType>, Vec<String>) {
    let record = said(nation, text, weapon);
    let kind = sighting(&record).observations.first().expect("one").kind;
    (kind, warnings(&record, "sighting.observations[0].type"))
}

/// Rule and output of the warnings about a field and below.
fn warnings(record: &Record, field: &str) -> Vec<String> {
    let about = record
        .trace
        .iter()
        .filter(|entry| entry.severity == Severity::Warn && entry.field.starts_with(field));
    about
        .map(|entry| format!("{}: {}", entry.rule, entry.output))
        .collect()
}

use WeaponClass as W;

/// The columns of the table of weapons: English, Ukrainian, Russian, French, German, Polish.
const NATIONS: [&str; 6] = ["GBR", "UKR", "UKR", "FRA", "DEU", "POL"];

#[rustfmt::skip]
const WEAPONS: &[(WeaponClass, &str, [&[&str]; 6])] = &[
    (W::SmallArms, "15110100", [&["small arms"], &["стрілецька зброя", "стрілецької зброї"], &["стрелковое оружие", "из стрелкового оружия"], &["armes légères"], &["Handwaffen"], &["broń strzelecka", "z broni strzeleckiej"]]),
    (W::MachineGunHeavy, "15110203", [&["heavy machine gun (HMG)", "HMG"], &["великокаліберний кулемет", "великокаліберних кулеметів"], &["крупнокалиберный пулемёт", "крупнокалиберных пулеметов"], &["mitrailleuse lourde"], &["schweres MG", "schweren Maschinengewehren"], &["wkm", "wielkokalibrowego karabinu maszynowego"]]),
    (W::GrenadeLauncherAuto, "15110300", [&["automatic grenade launcher (AGS)"], &["автоматичний гранатомет", "автоматичних гранатометів"], &["автоматический гранатомёт (АГС)", "автоматического гранатомета"], &["lance-grenades automatique"], &["Granatmaschinenwaffe"], &["granatnik automatyczny", "granatników automatycznych"]]),
    (W::AtRocketLauncher, "15111700", [&["RPG (RPG-7)", "RPG"], &["РПГ"], &["ручной противотанковый гранатомёт", "ручных противотанковых гранатометов"], &["lance-roquettes antichar"], &["Panzerfaust"], &["granatnik ppanc", "granatnik przeciwpancerny"]]),
    (W::Recoilless, "15110800", [&["recoilless gun (SPG-9)"], &["СПГ-9"], &["безоткатное орудие (СПГ-9)", "безоткатных орудий"], &["canon sans recul"], &["rückstoßfreies Geschütz"], &["działo bezodrzutowe"]]),
    (W::Atgm, "15111200", [&["anti-tank guided missile system"], &["ПТРК"], &["ПТРК"], &["missile antichar"], &["PALR"], &["ppk"]]),
    (W::Mortar, "15111400", [&["mortar (82mm)", "mortars"], &["міномет", "з міномета", "мінометами"], &["миномёт", "из миномёта", "минометами"], &["mortier", "tirs de mortier"], &["Mörser", "Moerser", "mit Mörsern"], &["moździerz", "z moździerza", "moździerzami"]]),
    (W::HowitzerTowed, "15110900", [&["towed howitzer (D-30, 2A65)", "towed howitzers"], &["буксирувана гаубиця", "буксируваних гаубиць"], &["буксируемая гаубица", "буксируемых гаубиц"], &["obusier tracté", "obusiers tractés"], &["Feldhaubitze"], &["haubica holowana", "haubic holowanych"]]),
    (W::HowitzerSp, "15110900", [&["self-propelled howitzer (2S1)"], &["самохідна гаубиця", "самохідних гаубиць", "САУ"], &["самоходная гаубица", "самоходных гаубиц", "САУ"], &["obusier automoteur", "CAESAR"], &["Panzerhaubitze", "Panzerhaubitzen"], &["haubica samobieżna", "haubic samobieżnych"]]),
    (W::Mlrs, "15111600", [&["multiple-launch rocket system", "MLRS"], &["РСЗВ"], &["РСЗО"], &["lance-roquettes multiple", "LRM"], &["Mehrfachraketenwerfer", "Mehrfachraketenwerfern"], &["wyrzutnia rakietowa", "wyrzutni rakietowych"]]),
    (W::Ssm, "15111300", [&["surface-to-surface missile"], &["ОТРК"], &["ОТРК"], &["missile sol-sol"], &["Boden-Boden"], &["pocisk balistyczny"]]),
    (W::Sam, "15111100", [&["surface-to-air missile system (9K33 Osa, Strela-10)"], &["ЗРК"], &["ЗРК"], &["SATCP"], &["Flugabwehrrakete"], &["zestaw rakietowy OPL"]]),
    (W::AaGun, "15110500", [&["anti-aircraft gun (ZU-23, 23mm)"], &["зенітна гармата", "зенітних гармат"], &["зенитная установка", "зенитных установок"], &["canon antiaérien"], &["Flak"], &["armata przeciwlotnicza"]]),
    (W::Tank, "15120200", [&["tank (T-64, T-72)", "tanks"], &["танк", "танками"], &["танк", "танками"], &["char", "chars"], &["Kampfpanzer", "Kampfpanzern"], &["czołg", "czołgami"]]),
    (W::Ifv, "15120101", [&["IFV (BMP-2)"], &["БМП"], &["БМП"], &["VCI"], &["Schützenpanzer"], &["BWP"]]),
    (W::Apc, "15120103", [&["APC (BTR-80, MT-LB)"], &["БТР", "бронетранспортерами"], &["БТР"], &["VAB", "VTT"], &["Transportpanzer"], &["KTO", "TO"]]),
    (W::Uav, "", [&["UAV"], &["БпЛА"], &["БПЛА"], &["drone", "UAV"], &["UAV", "Drohne", "Drohnen"], &["BSP"]]),
    (W::Undetermined, "15000000", [&["undetermined"], &["невизначений", "невизначеної"], &["неопределённый", "неопределенного"], &["indéterminé"], &["unbestimmt", "unbestimmter"], &["nieokreślony", "nieokreślonego"]]),
];

#[test]
fn every_cell_of_the_table_of_weapons() {
    for (class, code, cells) in WEAPONS {
        for (nation, words) in NATIONS.iter().zip(cells) {
            for word in *words {
                let (weapon, said) = weapon(nation, word);
                assert_eq!(weapon.class, Some(*class), "{nation} {word}: {said:?}");
                assert_eq!(weapon.code_2525d, *code, "{nation} {word}");
                assert_eq!(weapon.original_text, *word);
                let doubted = said.iter().any(|w| w.starts_with("vocabulary.foreign"));
                assert!(!doubted, "{nation} {word}: {said:?}");
            }
        }
    }
}

#[test]
fn mines_in_every_language() {
    for (nation, word) in [
        ("GBR", "mine (TM-62)"),
        ("GBR", "anti-tank mine"),
        ("UKR", "протитанкова міна"),
        ("UKR", "протитанкових мін"),
        ("UKR", "противотанковая мина"),
        ("FRA", "mine"),
        ("DEU", "Mine"),
        ("POL", "mina"),
        ("POL", "miny przeciwpancernej"),
        ("ITA", "mina anticarro"),
        ("NLD", "mijnen"),
        ("ESP", "minas contracarro"),
        ("ROU", "mine antitanc"),
        ("CZE", "protitankové miny"),
        ("EST", "tankimiin"),
    ] {
        let (weapon, said) = weapon(nation, word);
        assert_eq!(weapon.class, Some(W::Mine), "{nation} {word}: {said:?}");
    }
}

#[rustfmt::skip]
const MORE_WEAPONS: &[(&str, &str, WeaponClass)] = &[
    ("ITA", "mortai da 120 mm", W::Mortar),
    ("ITA", "obice semovente", W::HowitzerSp),
    ("ITA", "obici trainati 155 mm", W::HowitzerTowed),
    ("ITA", "carri armati", W::Tank),
    ("ITA", "lanciarazzi multiplo", W::Mlrs),
    ("NLD", "pantserhouwitser", W::HowitzerSp),
    ("NLD", "mortieren", W::Mortar),
    ("NLD", "zware mitrailleurs", W::MachineGunHeavy),
    ("ESP", "obús autopropulsado", W::HowitzerSp),
    ("ESP", "obuses remolcados", W::HowitzerTowed),
    ("ESP", "morteros de 81 mm", W::Mortar),
    ("ESP", "carro de combate", W::Tank),
    ("ROU", "aruncător de mine", W::Mortar),
    ("ROU", "obuziere autopropulsate", W::HowitzerSp),
    ("ROU", "tancurilor", W::Tank),
    ("CZE", "samohybnou houfnici", W::HowitzerSp),
    ("CZE", "minometem", W::Mortar),
    ("CZE", "raketomety", W::Mlrs),
    ("EST", "miinipildujad", W::Mortar),
    ("EST", "liikurhaubits", W::HowitzerSp),
];

#[test]
fn weapons_of_the_other_languages() {
    for (nation, word, class) in MORE_WEAPONS {
        let (weapon, said) = weapon(nation, word);
        assert_eq!(weapon.class, Some(*class), "{nation} {word}: {said:?}");
    }
}

#[rustfmt::skip]
const MODELS: &[(&str, &str, WeaponClass, &str, &[f64])] = &[
    ("GBR", "BM-21", W::Mlrs, "BM-21 Grad", &[122.0]),
    ("UKR", "БМ-21 «Град»", W::Mlrs, "BM-21 Grad", &[122.0]),
    ("UKR", "Градів", W::Mlrs, "BM-21 Grad", &[122.0]),
    ("GBR", "2S1", W::HowitzerSp, "2S1 Gvozdika", &[122.0]),
    ("UKR", "2С1 «Гвоздика»", W::HowitzerSp, "2S1 Gvozdika", &[122.0]),
    ("UKR", "2C1", W::HowitzerSp, "2S1 Gvozdika", &[122.0]),
    ("GBR", "2S19 Msta-S", W::HowitzerSp, "2S19 Msta-S", &[152.0]),
    ("UKR", "Д-30", W::HowitzerTowed, "D-30", &[122.0]),
    ("GBR", "2A65", W::HowitzerTowed, "2A65 Msta-B", &[152.0]),
    ("UKR", "2А36 «Гіацинт-Б»", W::HowitzerTowed, "2A36 Giatsint-B", &[152.0]),
    ("GBR", "T-64", W::Tank, "T-64", &[125.0]),
    ("UKR", "Т-72Б3", W::Tank, "T-72", &[125.0]),
    ("GBR", "BMP-2", W::Ifv, "BMP-2", &[30.0]),
    ("UKR", "БTP-80", W::Apc, "BTR-80", &[14.5]),
    ("UKR", "МТ-ЛБ", W::Apc, "MT-LB", &[]),
    ("GBR", "ZU-23-2", W::AaGun, "ZU-23", &[23.0]),
    ("UKR", "СПГ-9", W::Recoilless, "SPG-9", &[73.0]),
    ("UKR", "АГС-17 «Полум'я»", W::GrenadeLauncherAuto, "AGS-17 Plamya", &[30.0]),
    ("FRA", "CAESAR", W::HowitzerSp, "CAESAR", &[155.0]),
    ("DEU", "PzH 2000", W::HowitzerSp, "PzH 2000", &[155.0]),
    ("POL", "Krab", W::HowitzerSp, "AHS Krab", &[155.0]),
    ("USA", "M777", W::HowitzerTowed, "M777", &[155.0]),
    ("USA", "HIMARS", W::Mlrs, "M142 HIMARS", &[227.0]),
    ("CZE", "DANA", W::HowitzerSp, "vz. 77 DANA", &[152.0]),
    ("ROU", "TR-85", W::Tank, "TR-85", &[100.0]),
];

#[test]
fn models_tell_class_and_calibre() {
    for (nation, text, class, model, calibres) in MODELS {
        let (weapon, said) = weapon(nation, text);
        assert_eq!(weapon.class, Some(*class), "{nation} {text}: {said:?}");
        assert_eq!(weapon.model, *model, "{nation} {text}");
        assert_eq!(weapon.calibre_mm, *calibres, "{nation} {text}");
    }
}

#[rustfmt::skip]
const OBSERVATIONS: &[(&str, &str, ObservationType)] = &[
    ("GBR", "muzzle flashes", ObservationType::MuzzleFlash),
    ("GBR", "illumination flare", ObservationType::IlluminationFlare),
    ("GBR", "airburst", ObservationType::Airburst),
    ("GBR", "projectiles in flight", ObservationType::ProjectileInFlight),
    ("GBR", "again missing", ObservationType::EquipmentMissing),
    ("UKR", "вибух", ObservationType::Explosion),
    ("UKR", "вибухами", ObservationType::Explosion),
    ("UKR", "вибух невизначеного походження", ObservationType::Explosion),
    ("UKR", "взрыв неопределённого происхождения", ObservationType::Explosion),
    ("UKR", "черга", ObservationType::Burst),
    ("UKR", "очередями", ObservationType::Burst),
    ("UKR", "воронка", ObservationType::CraterOrDamage),
    ("UKR", "кратер", ObservationType::CraterOrDamage),
    ("UKR", "взрывы, оценённые как выстрелы из миномёта", ObservationType::Explosion),
    ("FRA", "explosions", ObservationType::Explosion),
    ("FRA", "rafales", ObservationType::Burst),
    ("DEU", "Feuerstöße", ObservationType::Burst),
    ("DEU", "Detonationen, bewertet als Abschüsse", ObservationType::Explosion),
    ("POL", "wybuchami", ObservationType::Explosion),
    ("POL", "serii strzałów", ObservationType::Burst),
    ("ITA", "esplosioni", ObservationType::Explosion),
    ("ITA", "raffiche", ObservationType::Burst),
    ("NLD", "ontploffingen", ObservationType::Explosion),
    ("ESP", "explosiones", ObservationType::Explosion),
    ("ESP", "ráfagas", ObservationType::Burst),
    ("ROU", "exploziile", ObservationType::Explosion),
    ("ROU", "focuri de armă", ObservationType::Shot),
    ("CZE", "výbuchů", ObservationType::Explosion),
    ("EST", "plahvatused", ObservationType::Explosion),
];

#[test]
fn observations_of_every_language() {
    for (nation, text, expected) in OBSERVATIONS {
        let (kind, said) = kind(nation, text, "");
        assert_eq!(kind, Some(*expected), "{nation} {text}: {said:?}");
        assert_eq!(said, [""; 0], "{nation} {text}");
    }
}

#[test]
fn one_word_with_two_meanings_is_settled_or_its_candidates_are_listed() {
    use ObservationType as O;
    for (nation, text, beside, expected) in [
        ("UKR", "постріли зі стрілецької зброї", "", O::Shot),
        ("UKR", "постріли з міномета", "", O::Explosion),
        ("UKR", "постріл", "міномет 120 мм", O::Explosion),
        ("UKR", "выстрелы", "стрелковое оружие", O::Shot),
        ("UKR", "мінне поле, міни", "", O::Mine),
        ("FRA", "tirs de mortier", "", O::Explosion),
        ("FRA", "tirs", "fusil d'assaut", O::Shot),
        ("FRA", "obus non explosé", "", O::Uxo),
        ("GBR", "mortar shelling", "", O::Explosion),
        ("ITA", "colpi di mortaio", "", O::Explosion),
        ("CZE", "výstřely", "minomet", O::Explosion),
    ] {
        let (kind, said) = kind(nation, text, beside);
        assert_eq!(kind, Some(expected), "{nation} {text} {beside}: {said:?}");
        assert_eq!(said, [""; 0], "{nation} {text}");
    }
    for (nation, text, beside, expected, candidates) in [
        ("UKR", "постріл", "", Some(O::Shot), "SHOT or EXPLOSION"),
        ("UKR", "выстрел", "", Some(O::Shot), "SHOT or EXPLOSION"),
        (
            "UKR",
            "міна",
            "",
            None,
            "MINE or PROJECTILE_IN_FLIGHT or UXO",
        ),
        ("GBR", "shelling", "", None, "SHOT or EXPLOSION"),
        ("DEU", "Beschuss", "", None, "SHOT or EXPLOSION"),
        (
            "FRA",
            "obus",
            "",
            None,
            "EXPLOSION or PROJECTILE_IN_FLIGHT or UXO",
        ),
        // The words beside it speak for both.
        (
            "GBR",
            "rounds of rifle and mortar",
            "",
            None,
            "SHOT or EXPLOSION",
        ),
    ] {
        let (kind, said) = kind(nation, text, beside);
        assert_eq!(kind, expected, "{nation} {text}: {said:?}");
        assert_eq!(said.len(), 1, "{nation} {text}: {said:?}");
        assert!(said[0].starts_with("vocabulary.ambiguous"), "{said:?}");
        assert!(
            said[0].contains(&format!("may be {candidates}: ")),
            "{said:?}"
        );
    }
}

#[test]
fn a_word_for_two_weapons_is_settled_or_its_candidates_are_listed() {
    for (nation, text, expected) in [
        ("UKR", "міна 120 мм", Some(W::Mortar)),
        ("UKR", "82-міліметрові мінометні міни", Some(W::Mortar)),
        ("DEU", "Granatwerfer 82 mm", Some(W::Mortar)),
        (
            "DEU",
            "automatischer Granatwerfer",
            Some(W::GrenadeLauncherAuto),
        ),
        ("GBR", "machine gun, 12.7 mm", Some(W::MachineGunHeavy)),
        ("GBR", "machine gun, 7.62 mm", Some(W::SmallArms)),
        ("FRA", "obus de mortier", Some(W::Mortar)),
        ("ESP", "obús", None),
        ("ROU", "obuz", None),
        ("DEU", "Granatwerfer", None),
        ("DEU", "Panzer", None),
        ("GBR", "machine gun", None),
        ("UKR", "міна", None),
        ("UKR", "кулемет", None),
        ("FRA", "obusier", None),
    ] {
        let (weapon, said) = weapon(nation, text);
        assert_eq!(weapon.class, expected, "{nation} {text}: {said:?}");
        let doubted = said.iter().find(|w| w.starts_with("vocabulary.ambiguous"));
        assert_eq!(doubted.is_none(), expected.is_some(), "{nation} {text}");
        assert!(doubted.is_none_or(|w| w.contains(" or ")), "{said:?}");
    }
    // A shell is no howitzer, whatever the neighbour's word for a howitzer is.
    let (_, said) = weapon("FRA", "obus");
    assert!(said[0].contains("a shell"), "{said:?}");
    let (_, said) = weapon("ESP", "obús");
    assert!(
        said[0].contains("may be HOWITZER_TOWED or HOWITZER_SP: "),
        "{said:?}"
    );
}

#[test]
fn means_and_phases_of_every_language() {
    let judge = |nation: &str, means: &str, phase: &str| {
        let mut report = typed_with(|sighting| {
            sighting.means = vec![term(means)];
            if let Some(observation) = sighting.observations.first_mut() {
                observation.phase = Some(term(phase));
            }
        });
        if nation == "UKR" {
            report.marking.as_mut().expect("marked").text = "ДСК".to_owned();
        }
        let record = judge_of(nation, report).expect("a record");
        let sighting = sighting(&record);
        (sighting.means.clone(), sighting.observations[0].phase)
    };
    use FirePhase as P;
    use ObserverMeans as M;
    for (nation, means, phase, expected) in [
        (
            "GBR",
            "saw and heard",
            "outgoing",
            (vec![M::Saw, M::Heard], P::Outgoing),
        ),
        ("UKR", "чули", "вхідний", (vec![M::Heard], P::Incoming)),
        (
            "UKR",
            "видели и слышали",
            "в полёте",
            (vec![M::Saw, M::Heard], P::InFlight),
        ),
        ("FRA", "entendu", "départ", (vec![M::Heard], P::Outgoing)),
        (
            "DEU",
            "gehört und gesehen",
            "Einschlag",
            (vec![M::Heard, M::Saw], P::Impact),
        ),
        (
            "POL",
            "słyszano",
            "wychodzące",
            (vec![M::Heard], P::Outgoing),
        ),
        ("ITA", "udito", "in partenza", (vec![M::Heard], P::Outgoing)),
        ("NLD", "gehoord", "inslag", (vec![M::Heard], P::Impact)),
        (
            "ESP",
            "visto y oído",
            "entrante",
            (vec![M::Saw, M::Heard], P::Incoming),
        ),
        ("ROU", "auzit", "în zbor", (vec![M::Heard], P::InFlight)),
        (
            "CZE",
            "slyšeno",
            "neurčeno",
            (vec![M::Heard], P::Undetermined),
        ),
        ("EST", "kuuldud", "väljuv", (vec![M::Heard], P::Outgoing)),
    ] {
        let (means_found, phase_found) = judge(nation, means, phase);
        assert_eq!(
            (means_found, phase_found),
            (expected.0, Some(expected.1)),
            "{nation}"
        );
    }
}

fn spelt(text: &str, upper: bool, dash: char, blanks: &str) -> String {
    let text = text.replace('-', &dash.to_string()).replace(' ', blanks);
    if upper {
        text.to_uppercase()
    } else {
        text.to_lowercase()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn case_dashes_and_blanks_change_nothing(
        row in 0..WEAPONS.len(),
        column in 0..6_usize,
        upper in any::<bool>(),
        dash in prop::sample::select(vec!['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}']),
        blanks in prop::sample::select(vec![" ", "\u{a0}", "  ", "\u{202f}", "\t"]),
    ) {
        let (class, _, cells) = &WEAPONS[row];
        let text = spelt(cells[column][0], upper, dash, blanks);
        let (weapon, said) = weapon(NATIONS[column], &text);
        prop_assert_eq!(weapon.class, Some(*class), "{}: {:?}", text, said);
    }

    #[test]
    fn no_words_make_it_panic(
        nation in prop::sample::select(vec!["CZE", "DEU", "ESP", "EST", "FRA", "GBR", "ITA", "NLD", "POL", "ROU", "UKR", "USA"]),
        kind in "\\PC{1,60}",
        item in "[а-яёіїєa-zA-ZĄ-ż0-9 ,.()-]{1,80}",
    ) {
        let record = said(nation, &format!("x{kind}"), &format!("x{item}"));
        let observation = &sighting(&record).observations[0];
        prop_assert_eq!(&observation.weapon.as_ref().unwrap().original_text, &format!("x{item}"));
    }
}
