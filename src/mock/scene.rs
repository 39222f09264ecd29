//! What happened, before anybody has written it down: the same facts whoever reports them,
//! and the words of five nations for each. Also the known answer: what the feed must say.

use super::grid::Degrees;
use super::seed::Draws;
use super::tongue::Tongue;
use crate::wire::proto::{CountQualifier, FirePhase, ObservationType, ObserverMeans, WeaponClass};

/// Places lie within this of a named one, metres east and north.
const SPREAD_M: f64 = 6_000.0;
/// Scenes happened at most this many minutes before the partner's present.
const AGE_MINUTES_MAX: u64 = 360;

/// One meaning in five languages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    gbr: &'static str,
    fra: &'static str,
    deu: &'static str,
    pol: &'static str,
    ukr: &'static str,
}

impl Said {
    /// As this nation says it.
    #[must_use]
    pub const fn by(&self, tongue: Tongue) -> &'static str {
        match tongue {
            Tongue::Gbr => self.gbr,
            Tongue::Fra => self.fra,
            Tongue::Deu => self.deu,
            Tongue::Pol => self.pol,
            Tongue::Ukr => self.ukr,
        }
    }
}

pub(super) const fn said(
    gbr: &'static str,
    fra: &'static str,
    deu: &'static str,
    pol: &'static str,
    ukr: &'static str,
) -> Said {
    Said {
        gbr,
        fra,
        deu,
        pol,
        ukr,
    }
}

/// A named place near the line of contact.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// Its name.
    pub name: Said,
    /// Its middle.
    pub at: Degrees,
}

/// Something observed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sight {
    /// Our code.
    pub code: ObservationType,
    /// The nations' words.
    pub words: Said,
    /// Fired from a weapon, so that a phase and a direction make sense.
    pub fired: bool,
}

/// A means of observation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Means {
    /// Our code.
    pub code: ObserverMeans,
    /// The nations' words.
    pub words: Said,
}

/// A phase of fire.
#[derive(Clone, Copy, Debug, Default)]
pub struct Phase {
    /// Our code.
    pub code: FirePhase,
    /// The nations' words.
    pub words: Said,
}

/// A weapon.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arm {
    /// Our class.
    pub code: WeaponClass,
    /// The nations' words, with model and calibre.
    pub words: Said,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    /// The nearest named place.
    pub place: Place,
    /// Where exactly.
    pub at: Degrees,
    /// When: Unix time, seconds, a whole minute.
    pub observed_unix_s: i64,
    /// What.
    pub sight: Sight,
    /// By what means.
    pub means: Means,
    /// How many.
    pub count: u32,
    /// How exactly they were counted.
    pub qualifier: CountQualifier,
    /// Phase and direction that it came from, for what was fired. The direction is a
    /// multiple of 9 degrees: whole in degrees, gons and mils of both kinds.
    pub fire: Option<(Phase, u32)>,
    /// The weapon, where it is known.
    pub arm: Option<Arm>,
    /// Admiralty source reliability.
    pub reliability: &'static str,
    /// Admiralty credibility.
    pub credibility: &'static str,
}

impl Scene {
    /// Draws a scene that happened before `now_unix_s`.
    #[must_use]
    pub fn draw(draws: &mut Draws, now_unix_s: i64) -> Self {
        let place: Place = draws.one_of(&PLACES);
        let at = place.at.moved(
            draws.between(-SPREAD_M, SPREAD_M),
            draws.between(-SPREAD_M, SPREAD_M),
        );
        let minutes = i64::try_from(1 + draws.below(AGE_MINUTES_MAX)).unwrap_or(1);
        let sight: Sight = draws.one_of(&SIGHTS);
        let fire = sight.fired.then(|| {
            (
                draws.one_of(&PHASES),
                9 * u32::try_from(draws.below(40)).unwrap_or(0),
            )
        });
        let arms: &[Arm] = match sight.code {
            ObservationType::Shot | ObservationType::Burst => &LIGHT_ARMS,
            ObservationType::EquipmentPresent => &VEHICLES,
            _ => &HEAVY_ARMS,
        };
        let armed = sight.fired || sight.code == ObservationType::EquipmentPresent;
        Self {
            place,
            at,
            observed_unix_s: now_unix_s - now_unix_s.rem_euclid(60) - minutes * 60,
            sight,
            means: draws.one_of(&MEANS),
            count: 1 + u32::try_from(draws.below(14)).unwrap_or(0),
            qualifier: match draws.below(8) {
                0 => CountQualifier::AtLeast,
                1 | 2 => CountQualifier::About,
                _ => CountQualifier::Exact,
            },
            fire,
            arm: (armed && draws.below(4) > 0).then(|| draws.one_of(arms)),
            reliability: draws.one_of(&["A", "B", "B", "C", "F"]),
            credibility: draws.one_of(&["1", "2", "2", "3", "6"]),
        }
    }
}

const fn at(latitude: f64, longitude: f64) -> Degrees {
    Degrees {
        latitude,
        longitude,
    }
}

#[rustfmt::skip]
const PLACES: [Place; 12] = [
    Place { name: said("Avdiivka", "Avdiïvka", "Awdijiwka", "Awdijiwka", "Авдіївка"), at: at(48.1394, 37.7472) },
    Place { name: said("Zolote", "Zoloté", "Solote", "Zołote", "Золоте"), at: at(48.6936, 38.5156) },
    Place { name: said("Horlivka", "Horlivka", "Horliwka", "Gorłówka", "Горлівка"), at: at(48.3336, 38.0925) },
    Place { name: said("Stanytsia Luhanska", "Stanytsia Louhanska", "Stanyzja Luhanska", "Stanica Ługańska", "Станиця Луганська"), at: at(48.6530, 39.4775) },
    Place { name: said("Orikhiv", "Orikhiv", "Orichiw", "Orichiw", "Оріхів"), at: at(47.5675, 35.7858) },
    Place { name: said("Kupiansk", "Koupiansk", "Kupjansk", "Kupiańsk", "Куп'янськ"), at: at(49.7106, 37.6152) },
    Place { name: said("Siversk", "Siversk", "Siwersk", "Siewiersk", "Сіверськ"), at: at(48.8664, 38.1025) },
    Place { name: said("Vuhledar", "Vouhledar", "Wuhledar", "Wuhłedar", "Вугледар"), at: at(47.7797, 37.2480) },
    Place { name: said("Lyman", "Lyman", "Lyman", "Łyman", "Лиман"), at: at(48.9868, 37.8025) },
    Place { name: said("Huliaipole", "Houliaïpole", "Huljajpole", "Hulajpołe", "Гуляйполе"), at: at(47.6636, 36.2564) },
    Place { name: said("Kherson", "Kherson", "Cherson", "Chersoń", "Херсон"), at: at(46.6354, 32.6169) },
    Place { name: said("Chuhuiv", "Tchouhouïv", "Tschuhujiw", "Czuhujiw", "Чугуїв"), at: at(49.8358, 36.6881) },
];

#[rustfmt::skip]
const SIGHTS: [Sight; 8] = [
    Sight { code: ObservationType::Explosion, fired: true, words: said("explosion", "explosion", "Explosion", "wybuch", "вибух") },
    Sight { code: ObservationType::Burst, fired: true, words: said("burst", "rafale", "Feuerstoß", "seria", "черга") },
    Sight { code: ObservationType::Shot, fired: true, words: said("shot", "coup de feu", "Schuss", "strzał", "постріл") },
    Sight { code: ObservationType::MuzzleFlash, fired: true, words: said("muzzle flash", "lueur de départ", "Mündungsfeuer", "błysk wylotowy", "дульний спалах") },
    Sight { code: ObservationType::IlluminationFlare, fired: false, words: said("illumination flare", "fusée éclairante", "Leuchtkugel", "flara", "освітлювальна ракета") },
    Sight { code: ObservationType::UavFlight, fired: false, words: said("UAV flight", "vol de drone", "Drohnenflug", "lot BSP", "політ БпЛА") },
    Sight { code: ObservationType::EquipmentPresent, fired: false, words: said("equipment present", "matériel présent", "Gerät vorhanden", "sprzęt obecny", "наявність техніки") },
    Sight { code: ObservationType::CraterOrDamage, fired: false, words: said("crater", "cratère", "Krater", "lej", "воронка") },
];

#[rustfmt::skip]
const MEANS: [Means; 4] = [
    Means { code: ObserverMeans::Saw, words: said("saw", "vu", "gesehen", "widziano", "бачили") },
    Means { code: ObserverMeans::Heard, words: said("heard", "entendu", "gehört", "słyszano", "чули") },
    Means { code: ObserverMeans::RecordedCamera, words: said("camera", "caméra", "Kamera", "kamera", "камера") },
    Means { code: ObserverMeans::UavImagery, words: said("UAV", "drone", "Drohne", "BSP", "БпЛА") },
];

#[rustfmt::skip]
const PHASES: [Phase; 4] = [
    Phase { code: FirePhase::Outgoing, words: said("outgoing", "départ", "abgehend", "wychodzący", "вихідний") },
    Phase { code: FirePhase::Incoming, words: said("incoming", "arrivée", "ankommend", "przychodzący", "вхідний") },
    Phase { code: FirePhase::Impact, words: said("impact", "impact", "Einschlag", "uderzenie", "влучання") },
    Phase { code: FirePhase::Undetermined, words: said("undetermined", "indéterminé", "unbestimmt", "nieokreślony", "невизначений") },
];

#[rustfmt::skip]
const HEAVY_ARMS: [Arm; 4] = [
    Arm { code: WeaponClass::Mortar, words: said("mortar (120mm)", "mortier (120 mm)", "Mörser (120 mm)", "moździerz (120 mm)", "міномет 120 мм") },
    Arm { code: WeaponClass::Mlrs, words: said("MLRS (BM-21 Grad, 122mm)", "lance-roquettes multiple (BM-21 Grad, 122 mm)", "Mehrfachraketenwerfer (BM-21 Grad, 122 mm)", "wyrzutnia rakietowa (BM-21 Grad, 122 mm)", "РСЗВ БМ-21 «Град» 122 мм") },
    Arm { code: WeaponClass::HowitzerSp, words: said("self-propelled howitzer (2S3, 152mm)", "obusier automoteur (2S3, 152 mm)", "Panzerhaubitze (2S3, 152 mm)", "haubica samobieżna (2S3, 152 mm)", "самохідна гаубиця 152 мм") },
    Arm { code: WeaponClass::HowitzerTowed, words: said("towed howitzer (D-30, 122mm)", "obusier tracté (D-30, 122 mm)", "Feldhaubitze (D-30, 122 mm)", "haubica holowana (D-30, 122 mm)", "буксирувана гаубиця 122 мм") },
];

#[rustfmt::skip]
const LIGHT_ARMS: [Arm; 2] = [
    Arm { code: WeaponClass::SmallArms, words: said("small arms", "armes légères", "Handwaffen", "broń strzelecka", "стрілецька зброя") },
    Arm { code: WeaponClass::MachineGunHeavy, words: said("heavy machine gun (12.7mm)", "mitrailleuse lourde (12,7 mm)", "schweres MG (12,7 mm)", "wkm (12,7 mm)", "великокаліберний кулемет 12,7 мм") },
];

#[rustfmt::skip]
const VEHICLES: [Arm; 3] = [
    Arm { code: WeaponClass::Tank, words: said("tank (T-72)", "char (T-72)", "Kampfpanzer (T-72)", "czołg (T-72)", "танк") },
    Arm { code: WeaponClass::Apc, words: said("APC (BTR-80)", "VTT (BTR-80)", "Transportpanzer (BTR-80)", "KTO (BTR-80)", "БТР") },
    Arm { code: WeaponClass::Ifv, words: said("IFV (BMP-2)", "VCI (BMP-2)", "Schützenpanzer (BMP-2)", "BWP (BMP-2)", "БМП") },
];
