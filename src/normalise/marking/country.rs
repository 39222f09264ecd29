//! Country codes of ISO 3166-1. A release list names nations by alpha-3; the alpha-2 codes that
//! people write instead are understood, and said.

/// Alpha-3 and alpha-2, sorted by alpha-3.
#[rustfmt::skip]
const COUNTRIES: &[(&str, &str)] = &[
    ("ABW", "AW"), ("AFG", "AF"), ("AGO", "AO"), ("AIA", "AI"), ("ALA", "AX"),
    ("ALB", "AL"), ("AND", "AD"), ("ARE", "AE"), ("ARG", "AR"), ("ARM", "AM"),
    ("ASM", "AS"), ("ATA", "AQ"), ("ATF", "TF"), ("ATG", "AG"), ("AUS", "AU"),
    ("AUT", "AT"), ("AZE", "AZ"), ("BDI", "BI"), ("BEL", "BE"), ("BEN", "BJ"),
    ("BES", "BQ"), ("BFA", "BF"), ("BGD", "BD"), ("BGR", "BG"), ("BHR", "BH"),
    ("BHS", "BS"), ("BIH", "BA"), ("BLM", "BL"), ("BLR", "BY"), ("BLZ", "BZ"),
    ("BMU", "BM"), ("BOL", "BO"), ("BRA", "BR"), ("BRB", "BB"), ("BRN", "BN"),
    ("BTN", "BT"), ("BVT", "BV"), ("BWA", "BW"), ("CAF", "CF"), ("CAN", "CA"),
    ("CCK", "CC"), ("CHE", "CH"), ("CHL", "CL"), ("CHN", "CN"), ("CIV", "CI"),
    ("CMR", "CM"), ("COD", "CD"), ("COG", "CG"), ("COK", "CK"), ("COL", "CO"),
    ("COM", "KM"), ("CPV", "CV"), ("CRI", "CR"), ("CUB", "CU"), ("CUW", "CW"),
    ("CXR", "CX"), ("CYM", "KY"), ("CYP", "CY"), ("CZE", "CZ"), ("DEU", "DE"),
    ("DJI", "DJ"), ("DMA", "DM"), ("DNK", "DK"), ("DOM", "DO"), ("DZA", "DZ"),
    ("ECU", "EC"), ("EGY", "EG"), ("ERI", "ER"), ("ESH", "EH"), ("ESP", "ES"),
    ("EST", "EE"), ("ETH", "ET"), ("FIN", "FI"), ("FJI", "FJ"), ("FLK", "FK"),
    ("FRA", "FR"), ("FRO", "FO"), ("FSM", "FM"), ("GAB", "GA"), ("GBR", "GB"),
    ("GEO", "GE"), ("GGY", "GG"), ("GHA", "GH"), ("GIB", "GI"), ("GIN", "GN"),
    ("GLP", "GP"), ("GMB", "GM"), ("GNB", "GW"), ("GNQ", "GQ"), ("GRC", "GR"),
    ("GRD", "GD"), ("GRL", "GL"), ("GTM", "GT"), ("GUF", "GF"), ("GUM", "GU"),
    ("GUY", "GY"), ("HKG", "HK"), ("HMD", "HM"), ("HND", "HN"), ("HRV", "HR"),
    ("HTI", "HT"), ("HUN", "HU"), ("IDN", "ID"), ("IMN", "IM"), ("IND", "IN"),
    ("IOT", "IO"), ("IRL", "IE"), ("IRN", "IR"), ("IRQ", "IQ"), ("ISL", "IS"),
    ("ISR", "IL"), ("ITA", "IT"), ("JAM", "JM"), ("JEY", "JE"), ("JOR", "JO"),
    ("JPN", "JP"), ("KAZ", "KZ"), ("KEN", "KE"), ("KGZ", "KG"), ("KHM", "KH"),
    ("KIR", "KI"), ("KNA", "KN"), ("KOR", "KR"), ("KWT", "KW"), ("LAO", "LA"),
    ("LBN", "LB"), ("LBR", "LR"), ("LBY", "LY"), ("LCA", "LC"), ("LIE", "LI"),
    ("LKA", "LK"), ("LSO", "LS"), ("LTU", "LT"), ("LUX", "LU"), ("LVA", "LV"),
    ("MAC", "MO"), ("MAF", "MF"), ("MAR", "MA"), ("MCO", "MC"), ("MDA", "MD"),
    ("MDG", "MG"), ("MDV", "MV"), ("MEX", "MX"), ("MHL", "MH"), ("MKD", "MK"),
    ("MLI", "ML"), ("MLT", "MT"), ("MMR", "MM"), ("MNE", "ME"), ("MNG", "MN"),
    ("MNP", "MP"), ("MOZ", "MZ"), ("MRT", "MR"), ("MSR", "MS"), ("MTQ", "MQ"),
    ("MUS", "MU"), ("MWI", "MW"), ("MYS", "MY"), ("MYT", "YT"), ("NAM", "NA"),
    ("NCL", "NC"), ("NER", "NE"), ("NFK", "NF"), ("NGA", "NG"), ("NIC", "NI"),
    ("NIU", "NU"), ("NLD", "NL"), ("NOR", "NO"), ("NPL", "NP"), ("NRU", "NR"),
    ("NZL", "NZ"), ("OMN", "OM"), ("PAK", "PK"), ("PAN", "PA"), ("PCN", "PN"),
    ("PER", "PE"), ("PHL", "PH"), ("PLW", "PW"), ("PNG", "PG"), ("POL", "PL"),
    ("PRI", "PR"), ("PRK", "KP"), ("PRT", "PT"), ("PRY", "PY"), ("PSE", "PS"),
    ("PYF", "PF"), ("QAT", "QA"), ("REU", "RE"), ("ROU", "RO"), ("RUS", "RU"),
    ("RWA", "RW"), ("SAU", "SA"), ("SDN", "SD"), ("SEN", "SN"), ("SGP", "SG"),
    ("SGS", "GS"), ("SHN", "SH"), ("SJM", "SJ"), ("SLB", "SB"), ("SLE", "SL"),
    ("SLV", "SV"), ("SMR", "SM"), ("SOM", "SO"), ("SPM", "PM"), ("SRB", "RS"),
    ("SSD", "SS"), ("STP", "ST"), ("SUR", "SR"), ("SVK", "SK"), ("SVN", "SI"),
    ("SWE", "SE"), ("SWZ", "SZ"), ("SXM", "SX"), ("SYC", "SC"), ("SYR", "SY"),
    ("TCA", "TC"), ("TCD", "TD"), ("TGO", "TG"), ("THA", "TH"), ("TJK", "TJ"),
    ("TKL", "TK"), ("TKM", "TM"), ("TLS", "TL"), ("TON", "TO"), ("TTO", "TT"),
    ("TUN", "TN"), ("TUR", "TR"), ("TUV", "TV"), ("TWN", "TW"), ("TZA", "TZ"),
    ("UGA", "UG"), ("UKR", "UA"), ("UMI", "UM"), ("URY", "UY"), ("USA", "US"),
    ("UZB", "UZ"), ("VAT", "VA"), ("VCT", "VC"), ("VEN", "VE"), ("VGB", "VG"),
    ("VIR", "VI"), ("VNM", "VN"), ("VUT", "VU"), ("WLF", "WF"), ("WSM", "WS"),
    ("YEM", "YE"), ("ZAF", "ZA"), ("ZMB", "ZM"), ("ZWE", "ZW"),
];

/// Whether this is an officially assigned alpha-3 code, in capitals.
pub(in crate::normalise) fn is_alpha3(code: &str) -> bool {
    let number = number_of(code.as_bytes());
    number.is_some_and(|number| ASSIGNED.get(number).is_some_and(|assigned| *assigned))
}

/// Every possible alpha-3 code, by its number: each report asks for several.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it, and would refuse it"
)]
static ASSIGNED: [bool; 26 * 26 * 26] = {
    let mut assigned = [false; 26 * 26 * 26];
    let mut row = 0;
    while row < COUNTRIES.len() {
        if let Some(number) = number_of(COUNTRIES[row].0.as_bytes()) {
            assigned[number] = true;
        }
        row += 1;
    }
    assigned
};

/// Three capitals as a number to the base 26.
const fn number_of(code: &[u8]) -> Option<usize> {
    let [a @ b'A'..=b'Z', b @ b'A'..=b'Z', c @ b'A'..=b'Z'] = code else {
        return None;
    };
    let number = ((*a - b'A') as usize * 26 + (*b - b'A') as usize) * 26;
    Some(number + (*c - b'A') as usize)
}

/// The alpha-3 code for another way of writing a country: small letters, alpha-2, `UK`.
pub(super) fn alpha3_of(text: &str) -> Option<&'static str> {
    let upper = text.trim().to_ascii_uppercase();
    // The codes of the United Kingdom and, in EU papers, of Greece are not ISO's.
    match upper.as_str() {
        "UK" => return Some("GBR"),
        "EL" => return Some("GRC"),
        _ => {}
    }
    let row = match upper.len() {
        2 => COUNTRIES.iter().find(|(_, alpha2)| *alpha2 == upper),
        3 => COUNTRIES.iter().find(|(alpha3, _)| *alpha3 == upper),
        _ => None,
    };
    row.map(|(alpha3, _)| *alpha3)
}

/// Kosovo, by the codes in use for it: GENC's, the user-assigned one, and its alpha-2.
pub(super) fn user_assigned(code: &str) -> Option<&'static str> {
    matches!(code, "XKS" | "XKX" | "XK").then_some("XKX")
}

/// The code that is meant by one which is often written for it: only ever a hint, because a
/// release list is never guessed.
pub(super) fn often_meant(code: &str) -> Option<&'static str> {
    let row = MISWRITTEN.iter().find(|(written, _)| *written == code);
    row.map(|(_, meant)| *meant)
}

/// Codes of sports, cars and old standards, and the alpha-3 codes that are meant.
#[rustfmt::skip]
const MISWRITTEN: &[(&str, &str)] = &[
    ("BUL", "BGR"), ("CRO", "HRV"), ("DEN", "DNK"), ("ENG", "GBR"), ("GER", "DEU"),
    ("GRE", "GRC"), ("LAT", "LVA"), ("NED", "NLD"), ("NTH", "NLD"), ("POR", "PRT"),
    ("ROM", "ROU"), ("SLO", "SVN"), ("SPA", "ESP"), ("SUI", "CHE"), ("SWI", "CHE"),
    ("UKM", "GBR"), ("D", "DEU"), ("F", "FRA"), ("I", "ITA"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_sorted() {
        assert_eq!(COUNTRIES.len(), 249);
        assert!(COUNTRIES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(COUNTRIES.iter().all(|(alpha3, _)| is_alpha3(alpha3)));
        assert_eq!(ASSIGNED.iter().filter(|assigned| **assigned).count(), 249);
        for wrong in ["", "UK", "XKX", "ukr", "AX2", "NATO", "XXX"] {
            assert!(!is_alpha3(wrong), "{wrong}");
        }
        assert_eq!(alpha3_of("gb"), Some("GBR"));
        assert_eq!(alpha3_of("UK"), Some("GBR"));
        assert_eq!(alpha3_of("Fra "), Some("FRA"));
        assert_eq!(alpha3_of("EL"), Some("GRC"));
        assert_eq!(alpha3_of("EU"), None);
        assert_eq!(alpha3_of("AX2"), None, "GENC has codes that ISO has not");
        assert!(MISWRITTEN.iter().all(|(written, _)| !is_alpha3(written)));
        assert!(MISWRITTEN.iter().all(|(_, meant)| is_alpha3(meant)));
    }
}
