use super::*;

fn read(text: &str, decimal_comma: bool) -> Option<(Option<u32>, Option<u32>, &'static str)> {
    in_words(text, decimal_comma).map(|c| (c.min, c.max, c.qualifier.name()))
}

#[test]
fn reads_counts_in_words() {
    for (text, min, max, qualifier) in [
        ("9", Some(9), Some(9), "EXACT"),
        ("about 640", Some(640), Some(640), "ABOUT"),
        ("8–10", Some(8), Some(10), "EXACT"),
        ("8 to 10", Some(8), Some(10), "EXACT"),
        ("about 50-100", Some(50), Some(100), "ABOUT"),
        ("at least 14", Some(14), None, "AT_LEAST"),
        ("fewer than 30", None, Some(29), "AT_MOST"),
        ("over 20", Some(21), None, "AT_LEAST"),
        ("up to 7", None, Some(7), "AT_MOST"),
        ("environ 5", Some(5), Some(5), "ABOUT"),
        ("3 од.", Some(3), Some(3), "EXACT"),
        ("не менее 12", Some(12), None, "AT_LEAST"),
        ("понад 20", Some(21), None, "AT_LEAST"),
        ("co najmniej 4", Some(4), None, "AT_LEAST"),
        ("etwa 15 Stück", Some(15), Some(15), "ABOUT"),
        ("1 100", Some(1_100), Some(1_100), "EXACT"),
        ("1\u{a0}100", Some(1_100), Some(1_100), "EXACT"),
        ("1,021", Some(1_021), Some(1_021), "EXACT"),
        ("seven", Some(7), Some(7), "EXACT"),
        ("numerous", None, None, "UNQUANTIFIED"),
        ("кілька", None, None, "UNQUANTIFIED"),
        ("5 or 6", Some(5), Some(6), "EXACT"),
        ("five or six", Some(5), Some(6), "EXACT"),
        ("5+", Some(5), None, "AT_LEAST"),
        ("5 or more", Some(5), None, "AT_LEAST"),
        ("a dozen", Some(12), Some(12), "ABOUT"),
        ("at least a dozen", Some(12), None, "AT_LEAST"),
        ("kilkanaście", Some(11), Some(19), "ABOUT"),
        ("between 5 and 10", Some(5), Some(10), "EXACT"),
    ] {
        assert_eq!(read(text, false), Some((min, max, qualifier)), "{text}");
    }
    assert_eq!(
        read("1.021", true),
        Some((Some(1_021), Some(1_021), "EXACT"))
    );
}

#[test]
fn refuses_what_is_no_count() {
    for text in [
        "",
        "lots",
        "5 km",
        "-3",
        "2.5",
        "1,5",
        "5 or 7",
        "between 5",
        "at least 5 or more",
        "double",
        "onesie",
        "fewer than 0",
        "at least 3-5",
        "more than 3-5",
        "at most 3-5",
        "fewer than 3-5",
        "1e3",
        "NaN",
        "99999999999999999999",
        "10-",
    ] {
        assert_eq!(read(text, false), None, "{text}");
    }
}

/// Counts between bars, and what each of them is: the qualifiers of domain.md 7.2 and what else staffs
/// write.
type Alike = (&'static str, Option<u32>, Option<u32>, &'static str);

const ALIKE: [Alike; 6] = [
    (
        "about 12 | approximately 12 | приблизно 12 | орієнтовно 12 | близько 12 | \
         около 12 | примерно двенадцать | environ 12 | environ douze | etwa zwölf | \
         rund 12 | około 12 | ok. 12 szt.",
        Some(12),
        Some(12),
        "ABOUT",
    ),
    (
        "at least 12 | не менее 12 | не менее двенадцать | щонайменше 12 | не менш як 12 | \
         принаймні 12 | au moins 12 | au moins douze | mindestens 12 | \
         wenigstens zwölf Stück | co najmniej 12 | przynajmniej 12",
        Some(12),
        None,
        "AT_LEAST",
    ),
    (
        "over 11 | more than 11 | понад 11 | більше ніж 11 | более 11 | свыше 11 | \
         plus de 11 | mehr als 11 | über 11 | ponad 11 | więcej niż 11",
        Some(12),
        None,
        "AT_LEAST",
    ),
    (
        "up to 12 | no more than 12 | не більше 12 | до 12 | не более 12 | au plus 12 | \
         jusqu’à 12 | höchstens 12 | bis zu 12 | co najwyżej 12 | nie więcej niż 12",
        None,
        Some(12),
        "AT_MOST",
    ),
    (
        "fewer than 13 | менше 13 | менш ніж 13 | менее 13 | moins de 13 | weniger als 13 | \
         unter 13 | mniej niż 13",
        None,
        Some(12),
        "AT_MOST",
    ),
    (
        "3-4 | 3–4 | 3 to 4 | from 3 to 4 | between three and four | від 3 до 4 | \
         від трьох до чотирьох | от 3 до 4 | 3 або 4 | три или четыре | de 3 à 4 | \
         entre trois et quatre | von 3 bis 4 | zwischen drei und vier | od 3 do 4 | \
         trzy lub cztery",
        Some(3),
        Some(4),
        "EXACT",
    ),
];

#[test]
fn six_languages_qualify_alike() {
    for (texts, min, max, qualifier) in ALIKE {
        for text in texts.split(" | ") {
            assert_eq!(read(text, false), Some((min, max, qualifier)), "{text}");
        }
    }
}

#[test]
fn thousands_follow_the_nations_locale() {
    let exact = |count: u32| Some((Some(count), Some(count), "EXACT"));
    for (text, points, commas) in [
        ("1 100", exact(1_100), exact(1_100)),
        ("1\u{202f}100", exact(1_100), exact(1_100)),
        ("1,021", exact(1_021), None),
        ("1.021", None, exact(1_021)),
        ("12'500", exact(12_500), exact(12_500)),
        ("1 100 200", exact(1_100_200), exact(1_100_200)),
        ("1,02", None, None),
        ("10,21", None, None),
        ("1 10", None, None),
    ] {
        assert_eq!(read(text, false), points, "{text} with points");
        assert_eq!(read(text, true), commas, "{text} with commas");
    }
}

#[test]
fn typed_counts_agree_with_their_qualifier() {
    let judge = |min, max, qualifier| {
        let mut notes = Notes::new();
        let given = report::Count {
            text: String::new(),
            min,
            max,
            qualifier,
        };
        let read = count(&given, &Profile::default(), "count", &mut notes);
        (
            read.map(|c| (c.min, c.max, c.qualifier.name())),
            notes.violation_count(),
        )
    };
    assert_eq!(
        judge(Some(4), None, 0),
        (Some((Some(4), Some(4), "EXACT")), 0)
    );
    assert_eq!(
        judge(None, Some(4), 0),
        (Some((None, Some(4), "AT_MOST")), 0)
    );
    assert_eq!(judge(None, None, 0), (None, 0));
    assert_eq!(judge(Some(5), Some(4), 1), (None, 1));
    assert_eq!(judge(Some(5), Some(6), 3), (None, 1));
    assert_eq!(judge(None, None, 9), (None, 1));
    assert_eq!(judge(Some(u32::MAX), None, 0), (None, 1));
}

#[test]
fn reads_calibres_and_never_snaps() {
    let read = |text: &str| {
        let mut notes = Notes::new();
        let found = calibres(text, "weapon", &mut notes);
        (found, notes.finish().expect("no violation"))
    };
    for (text, expected) in [
        ("MLRS (BM-21 Grad, 122mm)", vec![122.0]),
        ("152 мм", vec![152.0]),
        ("7,62 мм", vec![7.62]),
        ("82-міліметрові мінометні міни", vec![82.0]),
        ("either 7.62mm or 5.45mm", vec![7.62, 5.45]),
        ("D-30, 2A65", vec![]),
        ("obusier 155 millimètres", vec![155.0]),
        ("10 cm", vec![100.0]),
        ("155mm", vec![155.0]),
        ("7.62x39mm", vec![7.62]),
        ("5,45×39 мм", vec![5.45]),
        ("82/120mm mortar", vec![82.0, 120.0]),
        ("82- і 120-мм міномети", vec![82.0, 120.0]),
        ("82 or 120 mm", vec![82.0, 120.0]),
        ("mortar (82mm, 120mm)", vec![82.0, 120.0]),
        ("81 mm", vec![81.0]),
        ("152-мм гаубица", vec![152.0]),
        ("Granatwerfer 120 mm", vec![120.0]),
        ("canon de 15,5 cm", vec![155.0]),
        ("BM-21, 2S1, T-72", vec![]),
        ("40 od. 122", vec![]),
    ] {
        let (found, trace) = read(text);
        assert_eq!(found, expected, "{text}");
        assert!(trace.is_empty(), "{text}");
    }
    for text in ["BM-21 Grad, 122m", "БМ-21, 122 м", "122cm"] {
        let (found, trace) = read(text);
        assert!(found.is_empty(), "{text}");
        let rules: Vec<_> = trace.iter().map(|t| t.rule).collect();
        assert_eq!(rules, ["quantity.calibre_unit_suspect"], "{text}");
    }
    // A length that is no calibre is nothing at all.
    let (found, trace) = read("mortar, 500m away");
    assert!(found.is_empty() && trace.is_empty());
    let (found, trace) = read("123mm");
    assert_eq!(found, [123.0]);
    assert_eq!(
        trace.first().map(|t| t.rule),
        Some("quantity.calibre_unknown")
    );
}
