//! The item grammar `<class> (<model> [<nick>][, <calibre>])` and its looser forms, such as
//! `3 од. РСЗВ БМ-21 «Град» 122 мм`: what of a text is class, model and count. Looks up; says
//! nothing.

use super::{By, before, known, settled};
use crate::normalise::lexicon::{self, Hit, Model, Phrases};
use crate::normalise::{Profile, phrase};
use crate::record::WeaponClass;

/// Units that make a leading number a measure instead of a count.
const UNITS: &[&str] = &["mm", "cm", "m", "мм", "см", "м", "x"];

/// Longest model that is taken over as written, bytes.
const MODEL_BYTES_MAX: usize = 100;

/// What a folded text says of an item.
#[derive(Debug, Default)]
pub(super) struct Item<'l> {
    /// Classes that words name, each once, in their order.
    pub(super) classes: Vec<WeaponClass>,
    /// Settled by context.
    pub(super) by_context: bool,
    /// Why a word did not tell the class, and what it may mean.
    pub(super) doubt: Option<(&'l str, &'l [i32])>,
    /// The whole text is another form of a known word.
    pub(super) inflected: bool,
    /// Language of a word that is none of the nation's.
    pub(super) foreign: Option<&'l str>,
    /// Models, each once, in their order.
    pub(super) models: Vec<&'l Model>,
    /// A model was found only as a variant of a known one.
    pub(super) variant: bool,
    /// The text begins with a number of items.
    pub(super) counted: bool,
}

/// The part of a folded text that is the item itself: what carries an item is not the item.
pub(super) fn without_carrier(folded: &str) -> &str {
    let carrier = lexicon::shipped().map_or(&[][..], |lexicon| &lexicon.grammar.carrier);
    before(folded, carrier)
}

/// Reads a folded text.
pub(super) fn read<'l>(folded: &str, profile: &'l Profile) -> Item<'l> {
    let table = &profile.words().weapon;
    let mut item = Item {
        counted: counted(folded),
        ..Item::default()
    };
    if let Some(found) = table.find(folded) {
        item.inflected = found.inflected;
        take(found.hit, folded, &mut item);
        return item;
    }
    models(folded, profile, &mut item);
    for found in phrase::scan(folded, |phrase| known(phrase, table)) {
        take(found, folded, &mut item);
    }
    // "ATGM system (undetermined variant)": the class is known, only its model is not.
    if item.classes.len() > 1 {
        item.classes
            .retain(|class| *class != WeaponClass::Undetermined);
    }
    item
}

fn take<'l>(hit: &'l Hit, folded: &str, item: &mut Item<'l>) {
    let settled = settled(hit, folded, "");
    match settled.by {
        By::Word => {}
        By::Context => item.by_context = true,
        By::Nothing { note, meanings } => item.doubt = Some((note, meanings)),
    }
    if let Some(class) = WeaponClass::from_number(settled.code)
        && !item.classes.contains(&class)
    {
        item.classes.push(class);
        item.foreign = item.foreign.or(hit.foreign.as_deref());
    }
}

fn models<'l>(folded: &str, profile: &'l Profile, item: &mut Item<'l>) {
    // Numbers alone are calibres and counts, never models.
    let named = |phrase: &str| phrase.chars().any(char::is_alphabetic);
    let mut found = phrase::scan(folded, |p| named(p).then(|| profile.model(p)).flatten());
    if found.is_empty() {
        found = phrase::scan(folded, |p| variant(p, profile));
        item.variant = !found.is_empty();
    }
    if found.is_empty() {
        found = phrase::scan(folded, |p| nickname(p, profile));
    }
    for model in found {
        if !item.models.iter().any(|known| known.name == model.name) {
            item.models.push(model);
        }
    }
}

/// "Градів" is a form of "Град".
fn nickname<'l>(phrase: &str, profile: &'l Profile) -> Option<&'l Model> {
    let lexicon = lexicon::shipped().ok()?;
    profile.languages().iter().find_map(|language| {
        let stem = lexicon.endings(language)?.stem(phrase);
        // Three letters are too few to be sure of.
        (stem.len() < phrase.len() && stem.chars().count() > 3).then(|| profile.model(stem))?
    })
}

/// `T-72B3` is a T-72: letters, digits, then letters again.
fn variant<'l>(phrase: &str, profile: &'l Profile) -> Option<&'l Model> {
    let squashed = phrase::squash(phrase);
    let digits_at = squashed
        .find(|c: char| c.is_ascii_digit())
        .filter(|at| *at > 0)?;
    let behind = squashed.get(digits_at..)?;
    let digits = behind.find(|c: char| !c.is_ascii_digit())?;
    let lead = squashed.get(..digits_at)?;
    let is_model = lead.chars().all(char::is_alphabetic)
        && behind.get(digits..)?.starts_with(char::is_alphabetic);
    // `82 mm` behind a word is no variant of anything.
    let unit = UNITS.contains(&behind.get(digits..)?);
    (is_model && !unit)
        .then(|| profile.model(squashed.get(..digits_at + digits)?))
        .flatten()
}

fn counted(folded: &str) -> bool {
    let mut words = folded
        .split([' ', '.', ','])
        .filter(|word| !word.is_empty());
    let (Some(first), Some(second)) = (words.next(), words.next()) else {
        return false;
    };
    let digits = first.bytes().all(|b| b.is_ascii_digit());
    let measure = UNITS.contains(&second) || second.starts_with(|c: char| c.is_ascii_digit());
    let number = lexicon::shipped().map_or(&[][..], |lexicon| &lexicon.grammar.number);
    (digits && !measure) || number.iter().any(|word| word == first)
}

/// The model as written inside parentheses: "(XYZ-9 Name, 100 mm)" gives "XYZ-9 Name".
pub(super) fn model_in_parentheses(text: &str, table: &Phrases) -> Option<String> {
    let (_, behind) = text.split_once('(')?;
    let (inside, _) = behind.split_once(')')?;
    let model = inside.split([',', ';']).next()?.trim();
    let folded = phrase::fold(model);
    let named = model.chars().any(char::is_alphabetic)
        && model.len() <= MODEL_BYTES_MAX
        && !folded.ends_with(" mm")
        && !folded.ends_with("mm")
        && !folded.ends_with("мм")
        && table.get(&folded).is_none();
    named.then(|| model.to_owned())
}
