//! Weapons and equipment: class, model and calibres from code or text. What the nation reported
//! stands; a model fills only what was not reported, and a contradiction is pointed out.

use super::item::{self, Item};
use super::{AMBIGUOUS, CONTEXT, DIFFER, FOREIGN, INFLECTED, MISSING, UNKNOWN, WORD, too_long};
use crate::normalise::lexicon::Model;
use crate::normalise::notes::{Notes, Rule, bounded};
use crate::normalise::phrase::fold;
use crate::normalise::{Profile, code, quantity};
use crate::record::{self, Coded as _, Text, WeaponClass};
use crate::report;

static MODEL: Rule = Rule::new(
    "vocabulary.model",
    "a model to its usual name, class and calibre",
    "domain.md 1.1, 7.1",
);
static VARIANT: Rule = Rule::new(
    "vocabulary.model_variant",
    "a variant is taken as the model that it is a variant of",
    "domain.md 7.1",
);
static CONTRADICTION: Rule = Rule::new(
    "vocabulary.model_differs",
    "where the report and the model differ, the report stands",
    "domain.md 7.2",
);
static COUNTED: Rule = Rule::new(
    "vocabulary.count_in_weapon",
    "a number of items in the text of a weapon is not the count of the observation",
    "report.proto",
);
static CALIBRES: Rule = Rule::new(
    "vocabulary.calibre_candidates",
    "a weapon has few candidate calibres",
    "domain.md 7.2",
);

/// Most candidate calibres of one weapon.
const CALIBRES_MAX: usize = 8;

/// A weapon or equipment. Says its fields below `field`.
pub fn weapon(
    weapon: report::Weapon,
    profile: &Profile,
    field: &'static str,
    notes: &mut Notes,
) -> record::Weapon {
    notes.within(field, |notes| {
        let calibre_mm = calibres(&weapon.calibre_mm, notes);
        let class = coded(weapon.code, notes);
        let mut out = record::Weapon {
            class,
            calibre_mm,
            assessed: weapon.assessed,
            ..record::Weapon::default()
        };
        let text = weapon.text.trim();
        if text.is_empty() && weapon.model.is_empty() {
            if weapon.code == 0 && out.calibre_mm.is_empty() {
                let expected = "text, or code, with what else is known";
                notes.violate("", &MISSING, "nothing is given", expected);
            }
        } else if !too_long(text, "text", notes) && !too_long(&weapon.model, "model", notes) {
            if !text.is_empty() {
                from_text(text, profile, &mut out, notes);
            }
            from_model(weapon.model, profile, &mut out, notes);
        }
        out.code_2525d = out.class.map_or("", code_2525d).into();
        out.original_text = weapon.text;
        out
    })
}

fn coded(number: i32, notes: &mut Notes) -> Option<WeaponClass> {
    if number == 0 {
        return None;
    }
    WeaponClass::from_number(number).or_else(|| code::optional(number, "code", notes))
}

fn calibres(given: &[f64], notes: &mut Notes) -> Vec<f64> {
    if given.len() > CALIBRES_MAX {
        let message = format!("{} calibres", given.len());
        let expected = format!("at most {CALIBRES_MAX} candidates");
        notes.violate("calibre_mm", &CALIBRES, message, expected);
        return Vec::new();
    }
    let mut calibres = Vec::with_capacity(given.len());
    for (index, &value) in given.iter().enumerate() {
        let value = notes.within_item("calibre_mm", index, |notes| {
            quantity::calibre_mm(value, "", notes)
        });
        calibres.extend(value.filter(|value| !calibres.contains(value)));
    }
    calibres
}

/// Fills in what a text says; the code and the calibres that were given stand.
fn from_text(text: &str, profile: &Profile, out: &mut record::Weapon, notes: &mut Notes) {
    let folded = fold(text);
    let own = item::without_carrier(&folded);
    let item = item::read(own, profile);
    if item.counted {
        let output = "the number stays in the text; the count of the observation is its own field";
        notes.warn("text", &COUNTED, bounded(text), output);
    }
    if out.calibre_mm.is_empty() {
        let whole = own.len() == folded.len();
        out.calibre_mm = quantity::calibres(if whole { text } else { own }, "text", notes);
    }
    class_of(&item, text, out, notes);
    match item.models.as_slice() {
        [] => {
            if let Some(model) = item::model_in_parentheses(text, &profile.words().weapon) {
                out.model = Text::Owned(model);
            }
        }
        [model] => {
            if item.variant {
                notes.warn("text", &VARIANT, bounded(text), model.name.clone());
            }
            apply(model, text, "text", out, notes);
        }
        several => {
            let names: Vec<&str> = several.iter().map(|model| model.name.as_ref()).collect();
            let output = format!("kept as text: {}", names.join(" or "));
            notes.warn("text", &AMBIGUOUS, bounded(text), output);
        }
    }
}

/// The class that the words of an item name.
fn class_of(item: &Item<'_>, text: &str, out: &mut record::Weapon, notes: &mut Notes) {
    let model_classes = || item.models.iter().map(|model| model.class);
    let class = match item.classes.as_slice() {
        [one] => Some(*one),
        [] => None,
        // "howitzer and mortar (D-30)": a model may tell which one is meant.
        several => several
            .iter()
            .copied()
            .find(|class| model_classes().any(|of| of == *class)),
    };
    if let Some(given) = out.class {
        if class.is_some_and(|class| class != given) {
            notes.warn("text", &DIFFER, bounded(text), given.code_name());
        }
        return;
    }
    match (class, item.classes.as_slice()) {
        (Some(class), _) => {
            out.class = Some(class);
            let name = class.code_name();
            match (item.foreign, item.doubt) {
                (_, Some(doubt)) if item.classes.len() == 1 && !item.by_context => {
                    let output = format!("{name}; {}", candidates(doubt));
                    notes.warn("text", &AMBIGUOUS, bounded(text), output);
                }
                (Some(language), _) => {
                    let output = format!("{name} ({language})");
                    notes.warn("text", &FOREIGN, bounded(text), output);
                }
                _ if item.by_context => notes.trace("text", &CONTEXT, bounded(text), name),
                _ if item.inflected => notes.trace("text", &INFLECTED, bounded(text), name),
                _ => notes.trace("text", &WORD, bounded(text), name),
            }
        }
        (None, []) if !item.models.is_empty() => {}
        (None, []) => match item.doubt {
            Some(doubt) => {
                let output = format!("kept as text; {}", candidates(doubt));
                notes.warn("text", &AMBIGUOUS, bounded(text), output);
            }
            None => notes.warn("text", &UNKNOWN, bounded(text), "kept as text"),
        },
        (None, several) => {
            let names: Vec<_> = several.iter().map(|class| class.code_name()).collect();
            let output = format!("kept as text: {}", names.join(" or "));
            notes.warn("text", &AMBIGUOUS, bounded(text), output);
        }
    }
}

/// Why a word does not tell the class, and what it may mean.
fn candidates((note, meanings): (&str, &[i32])) -> String {
    let classes = meanings
        .iter()
        .filter_map(|code| WeaponClass::from_number(*code));
    let names: Vec<_> = classes.map(WeaponClass::name).collect();
    format!("may be {}: {note}", names.join(" or "))
}

/// Fills in what the field `model` says.
fn from_model(model: String, profile: &Profile, out: &mut record::Weapon, notes: &mut Notes) {
    let given = model.trim();
    if given.is_empty() {
        return;
    }
    match profile.model(&fold(given)) {
        Some(known) => apply(known, given, "model", out, notes),
        None => out.model = Text::Owned(model),
    }
}

/// Fills in what a model tells, and points out what it contradicts.
fn apply(
    model: &Model,
    given: &str,
    field: &'static str,
    out: &mut record::Weapon,
    notes: &mut Notes,
) {
    out.model = model.name.clone();
    let mut told = Vec::new();
    if model.name != given {
        told.push(model.name.to_string());
    }
    match out.class {
        None => {
            out.class = Some(model.class);
            told.push(model.class.name().to_owned());
        }
        Some(class) if class != model.class => {
            let output = format!(
                "{}, but a {} is {}",
                class.name(),
                model.name,
                model.class.name()
            );
            notes.warn(field, &CONTRADICTION, bounded(given), output);
        }
        Some(_) => {}
    }
    if let Some(calibre) = model.calibre_mm {
        if out.calibre_mm.is_empty() {
            out.calibre_mm.push(calibre);
            told.push(format!("{calibre} mm"));
        } else if !out
            .calibre_mm
            .iter()
            .any(|given| (given - calibre).abs() < 1e-9)
        {
            let output = format!("kept; a {} has {calibre} mm", model.name);
            notes.warn(field, &CONTRADICTION, bounded(given), output);
        }
    }
    if !told.is_empty() {
        notes.trace(field, &MODEL, bounded(given), told.join(", "));
    }
}

/// The MIL-STD-2525D entity code of a class. Mines stand in symbol set 36 and unmanned aircraft
/// in set 01, which have no code of the land equipment tree.
fn code_2525d(class: WeaponClass) -> &'static str {
    match class {
        WeaponClass::SmallArms => "15110100",
        WeaponClass::MachineGunHeavy => "15110203",
        WeaponClass::GrenadeLauncherAuto => "15110300",
        WeaponClass::AtRocketLauncher => "15111700",
        WeaponClass::Recoilless => "15110800",
        WeaponClass::Atgm => "15111200",
        WeaponClass::Mortar => "15111400",
        WeaponClass::HowitzerTowed | WeaponClass::HowitzerSp => "15110900",
        WeaponClass::Mlrs => "15111600",
        WeaponClass::Ssm => "15111300",
        WeaponClass::Sam => "15111100",
        WeaponClass::AaGun => "15110500",
        WeaponClass::Tank => "15120200",
        WeaponClass::Ifv => "15120101",
        WeaponClass::Apc => "15120103",
        WeaponClass::Undetermined => "15000000",
        WeaponClass::Mine | WeaponClass::Uav => "",
    }
}
