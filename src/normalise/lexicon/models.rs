//! Models of equipment by every way of writing them: with and without blanks and dashes, in
//! Latin and Cyrillic letters, and in both mixed up (`БTP-80` with Latin T and P).

use super::texts;
use crate::normalise::phrase::{fold, squash};
use crate::record::{Text, WeaponClass};
use std::collections::HashMap;
use toml::{Table, Value};

/// A model of equipment.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::normalise) struct Model {
    pub(in crate::normalise) name: Text,
    pub(in crate::normalise) class: WeaponClass,
    /// Of its main weapon, millimetres.
    pub(in crate::normalise) calibre_mm: Option<f64>,
}

/// Models by squashed ways of writing them.
#[derive(Clone, Debug, Default)]
pub(in crate::normalise) struct Models {
    list: Vec<Model>,
    words: HashMap<String, usize>,
}

impl Models {
    /// Adds a model and its ways of writing it; gives back those that another model has.
    pub(in crate::normalise) fn add<'a>(
        &mut self,
        model: Model,
        words: impl Iterator<Item = &'a str>,
    ) -> Vec<String> {
        let index = self.list.len();
        self.list.push(model);
        let mut taken = Vec::new();
        for word in words {
            let written = squash(&fold(word));
            let latin = latin(&written);
            for key in [written, latin] {
                if *self.words.entry(key.clone()).or_insert(index) != index {
                    taken.push(key);
                }
            }
        }
        taken.dedup();
        taken
    }

    /// The model that is written so; `folded` need not be squashed.
    pub(in crate::normalise) fn get(&self, folded: &str) -> Option<&Model> {
        // Most nations have no models of their own.
        if self.list.is_empty() {
            return None;
        }
        let index = match folded.contains(' ') {
            true => self.index(&squash(folded)),
            false => self.index(folded),
        };
        self.list.get(index?)
    }

    fn index(&self, written: &str) -> Option<usize> {
        if let Some(index) = self.words.get(written) {
            return Some(*index);
        }
        // What looks the same may be the other script: `2C1` with a Latin C is 2С1.
        let numbered = written.bytes().any(|b| b.is_ascii_digit());
        let spelt = (!written.is_ascii()).then(|| latin(written));
        let alike = numbered.then(|| latin(&cyrillic(written)));
        let mut ways = spelt.into_iter().chain(alike);
        ways.find_map(|way| self.words.get(&way).copied())
    }
}

/// Cyrillic letters as Latin ones sound.
fn latin(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    for c in written.chars() {
        out.push_str(match c {
            'а' => "a",
            'б' => "b",
            'в' => "v",
            'г' | 'ґ' => "g",
            'д' => "d",
            'е' | 'є' | 'э' => "e",
            'ж' => "zh",
            'з' => "z",
            'и' | 'і' | 'ї' | 'й' => "i",
            'к' => "k",
            'л' => "l",
            'м' => "m",
            'н' => "n",
            'о' => "o",
            'п' => "p",
            'р' => "r",
            'с' => "s",
            'т' => "t",
            'у' => "u",
            'ф' => "f",
            'х' => "kh",
            'ц' => "ts",
            'ч' => "ch",
            'ш' => "sh",
            'щ' => "shch",
            'ы' => "y",
            'ю' => "yu",
            'я' => "ya",
            'ь' | 'ъ' => "",
            c => {
                out.push(c);
                continue;
            }
        });
    }
    out
}

/// Latin letters as the Cyrillic ones that they look like in capitals.
fn cyrillic(written: &str) -> String {
    let swap = |c: char| match c {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'н',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        c => c,
    };
    written.chars().map(swap).collect()
}

pub(super) fn read(table: &Table, models: &mut Models, problems: &mut Vec<String>) {
    for (class_name, list) in table {
        let Some(class) = WeaponClass::from_name(class_name) else {
            problems.push(format!("lexicon models: `{class_name}` is no class"));
            continue;
        };
        for row in list.as_array().into_iter().flatten() {
            let Some(name) = row.get("name").and_then(Value::as_str) else {
                problems.push(format!(
                    "lexicon models: {class_name} has a row without a name"
                ));
                continue;
            };
            let calibre = row.get("calibre_mm");
            let model = Model {
                name: Text::Owned(name.to_owned()),
                class,
                calibre_mm: calibre.and_then(|v| {
                    v.as_float()
                        .or_else(|| v.as_integer()?.to_string().parse().ok())
                }),
            };
            let also = row.get("also").into_iter().flat_map(texts);
            for word in models.add(model, std::iter::once(name).chain(also)) {
                problems.push(format!("lexicon models: `{word}` is two models"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_however_it_is_written() {
        let mut models = Models::default();
        let model = |name: &'static str, class| Model {
            name: name.into(),
            class,
            calibre_mm: None,
        };
        let btr = model("BTR-80", WeaponClass::Apc);
        assert!(models.add(btr, ["BTR-80"].into_iter()).is_empty());
        let howitzer = model("2S1", WeaponClass::HowitzerSp);
        assert!(models.add(howitzer, ["2S1", "2С1"].into_iter()).is_empty());
        for written in ["btr-80", "БТР-80", "БTP-80", "BTR80", "БТР 80"] {
            let found = models.get(&fold(written));
            assert_eq!(found.map(|m| m.name.as_ref()), Some("BTR-80"), "{written}");
        }
        for written in ["2с1", "2s1", "2c1"] {
            assert!(models.get(written).is_some(), "{written}");
        }
        assert!(models.get("btr").is_none() && models.get("град").is_none());
        let again = models.add(model("X", WeaponClass::Tank), ["БТР-80"].into_iter());
        assert_eq!(again, ["btr80"]);
    }
}
