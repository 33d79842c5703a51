//! The words for places and their tags in OpenStreetMap.

use std::fmt;

/// A tag that says what a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tags {
    /// `amenity`.
    pub(super) key: &'static str,
    /// `cafe`.
    pub(super) value: &'static str,
    /// Whether it is of use without a name of its own.
    pub(super) nameless: bool,
}

impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// A kind of place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// What people call it, in small letters and the singular; the first is shown.
    pub(super) names: &'static [&'static str],
    /// Any of these is one.
    pub(super) tags: &'static [Tags],
    /// Any of these is one when a cuisine is wanted.
    pub(super) tags_with_cuisine: &'static [Tags],
}

const fn tag(key: &'static str, value: &'static str) -> Tags {
    Tags { key, value, nameless: false }
}

const fn amenity(value: &'static str) -> Tags {
    tag("amenity", value)
}

const fn shop(value: &'static str) -> Tags {
    tag("shop", value)
}

const fn tourism(value: &'static str) -> Tags {
    tag("tourism", value)
}

const fn leisure(value: &'static str) -> Tags {
    tag("leisure", value)
}

const fn nameless(value: &'static str) -> Tags {
    Tags { key: "amenity", value, nameless: true }
}

const fn kind(names: &'static [&'static str], tags: &'static [Tags]) -> Kind {
    Kind { names, tags, tags_with_cuisine: tags }
}

const RESTAURANT: Tags = amenity("restaurant");
const FAST_FOOD: Tags = amenity("fast_food");
const CAFE: Tags = amenity("cafe");
const BAR: Tags = amenity("bar");

/// Words that say nothing about what is wanted.
pub(super) const LITTLE_WORDS: [&str; 27] = [
    "a", "an", "the", "some", "any", "good", "best", "nice", "great", "top", "popular", "famous", "nearby", "local",
    "for", "with", "and", "to", "please", "me", "near", "closest", "nearest", "of", "few", "our", "my",
];

/// Every kind.
pub(super) const KINDS: &[Kind] = &[
    kind(
        &[
            "event venue",
            "events venue",
            "venue",
            "event hall",
            "event space",
            "event location",
            "function hall",
            "function room",
            "banquet hall",
            "banquet",
            "reception hall",
            "wedding venue",
            "wedding hall",
            "wedding location",
            "marriage hall",
        ],
        &[amenity("events_venue"), amenity("conference_centre"), amenity("community_centre")],
    ),
    kind(
        &[
            "party venue",
            "party hall",
            "party place",
            "place for a party",
            "venue for a party",
            "party location",
            "birthday venue",
            "birthday party venue",
            "venue for a birthday",
            "venue for a birthday party",
        ],
        &[amenity("events_venue"), amenity("community_centre"), amenity("nightclub")],
    ),
    kind(
        &["conference centre", "conference center", "convention centre", "convention center", "conference venue"],
        &[amenity("conference_centre"), amenity("exhibition_centre"), amenity("events_venue")],
    ),
    kind(&["community centre", "community center", "community hall", "village hall"], &[amenity("community_centre")]),
    Kind { names: &["restaurant", "diner", "bistro"], tags: &[RESTAURANT], tags_with_cuisine: &[RESTAURANT] },
    kind(
        &["place to eat", "somewhere to eat", "food", "eatery", "food place", "lunch", "dinner", "lunch place"],
        &[RESTAURANT, FAST_FOOD],
    ),
    kind(&["fast food", "takeaway", "takeout", "snack bar"], &[FAST_FOOD]),
    kind(&["food court"], &[amenity("food_court")]),
    kind(&["cafe", "coffee shop", "coffee house", "coffee", "tea room", "tea house"], &[CAFE]),
    kind(&["ice cream", "ice cream parlour", "ice cream parlor", "ice cream shop"], &[amenity("ice_cream")]),
    Kind { names: &["bar", "cocktail bar", "wine bar"], tags: &[BAR], tags_with_cuisine: &[RESTAURANT, BAR] },
    kind(&["pub", "beer garden"], &[amenity("pub"), amenity("biergarten")]),
    kind(&["nightclub", "night club", "club", "disco", "dance club"], &[amenity("nightclub")]),
    kind(&["hotel", "resort"], &[tourism("hotel"), leisure("resort")]),
    kind(&["guest house", "guesthouse", "bed and breakfast", "b&b", "homestay"], &[tourism("guest_house")]),
    kind(&["hostel", "youth hostel", "backpacker hostel"], &[tourism("hostel")]),
    kind(&["motel"], &[tourism("motel")]),
    kind(&["holiday apartment", "holiday flat", "vacation rental"], &[tourism("apartment"), tourism("chalet")]),
    kind(
        &["place to stay", "somewhere to stay", "accommodation", "lodging"],
        &[tourism("hotel"), tourism("guest_house"), tourism("hostel"), tourism("motel")],
    ),
    kind(&["campsite", "camp site", "camping", "campground"], &[tourism("camp_site")]),
    kind(&["beach"], &[tag("natural", "beach"), leisure("beach_resort")]),
    kind(&["museum"], &[tourism("museum")]),
    kind(&["gallery", "art gallery"], &[tourism("gallery"), shop("art")]),
    kind(
        &["sight", "attraction", "tourist attraction", "thing to see", "place to visit"],
        &[tourism("attraction"), tourism("museum"), tourism("viewpoint")],
    ),
    kind(&["viewpoint", "view point", "lookout"], &[tourism("viewpoint")]),
    kind(&["zoo"], &[tourism("zoo")]),
    kind(&["aquarium"], &[tourism("aquarium")]),
    kind(&["theme park", "amusement park"], &[tourism("theme_park")]),
    kind(&["water park"], &[leisure("water_park")]),
    kind(&["tourist information", "tourist office"], &[tourism("information")]),
    kind(&["park", "garden", "public garden"], &[leisure("park"), leisure("garden")]),
    kind(&["playground"], &[leisure("playground")]),
    kind(&["nature reserve"], &[leisure("nature_reserve")]),
    kind(&["cinema", "movie theater", "movie theatre"], &[amenity("cinema")]),
    kind(&["theatre", "theater"], &[amenity("theatre")]),
    kind(&["concert hall", "music venue"], &[amenity("music_venue"), amenity("theatre"), amenity("events_venue")]),
    kind(&["bowling alley", "bowling"], &[leisure("bowling_alley")]),
    kind(&["karaoke", "karaoke bar"], &[amenity("karaoke_box")]),
    kind(&["casino"], &[amenity("casino")]),
    kind(&["escape room"], &[leisure("escape_game")]),
    kind(&["pharmacy", "chemist", "drugstore", "drug store"], &[amenity("pharmacy")]),
    kind(&["doctor", "gp", "clinic", "general practitioner"], &[amenity("doctors"), amenity("clinic")]),
    kind(&["dentist"], &[amenity("dentist")]),
    kind(&["hospital", "emergency room"], &[amenity("hospital")]),
    kind(&["vet", "veterinarian", "animal hospital"], &[amenity("veterinary")]),
    kind(&["optician"], &[shop("optician")]),
    kind(&["physiotherapist", "physiotherapy"], &[tag("healthcare", "physiotherapist")]),
    kind(&["supermarket", "grocery store", "grocery"], &[shop("supermarket")]),
    kind(&["convenience store", "corner shop"], &[shop("convenience")]),
    kind(&["bakery", "cake shop", "patisserie"], &[shop("bakery"), shop("pastry"), shop("confectionery")]),
    kind(&["butcher"], &[shop("butcher")]),
    kind(&["market", "market place", "marketplace"], &[amenity("marketplace")]),
    kind(&["mall", "shopping mall", "shopping centre", "shopping center"], &[shop("mall")]),
    kind(&["department store"], &[shop("department_store")]),
    kind(&["bookshop", "book shop", "bookstore", "book store"], &[shop("books")]),
    kind(&["clothes shop", "clothing store", "boutique"], &[shop("clothes"), shop("boutique")]),
    kind(&["shoe shop", "shoe store"], &[shop("shoes")]),
    kind(&["florist", "flower shop"], &[shop("florist")]),
    kind(&["gift shop", "souvenir shop"], &[shop("gift")]),
    kind(&["toy shop", "toy store"], &[shop("toys")]),
    kind(&["jeweller", "jeweler", "jewellery shop", "jewelry store"], &[shop("jewelry")]),
    kind(&["hardware store", "diy store"], &[shop("hardware"), shop("doityourself")]),
    kind(&["electronics shop", "electronics store"], &[shop("electronics"), shop("computer")]),
    kind(&["liquor store", "wine shop", "off licence"], &[shop("alcohol"), shop("wine")]),
    kind(&["hairdresser", "barber", "hair salon"], &[shop("hairdresser")]),
    kind(&["beauty salon", "nail salon"], &[shop("beauty")]),
    kind(&["spa", "massage", "sauna"], &[leisure("spa"), shop("massage"), leisure("sauna")]),
    kind(&["laundry", "laundrette", "laundromat", "dry cleaner"], &[shop("laundry"), shop("dry_cleaning")]),
    kind(&["caterer", "catering"], &[tag("craft", "caterer")]),
    kind(&["photographer", "photo studio"], &[tag("craft", "photographer"), shop("photo")]),
    kind(&["travel agency", "travel agent"], &[shop("travel_agency")]),
    kind(&["gym", "fitness centre", "fitness center", "fitness studio"], &[leisure("fitness_centre")]),
    kind(&["swimming pool", "pool", "public pool"], &[leisure("swimming_pool"), tag("leisure", "sports_centre")]),
    kind(&["sports centre", "sports center", "sport centre", "sport center"], &[leisure("sports_centre")]),
    kind(&["golf course", "golf"], &[leisure("golf_course")]),
    kind(&["stadium", "arena"], &[leisure("stadium")]),
    kind(&["library"], &[amenity("library")]),
    kind(&["school"], &[amenity("school")]),
    kind(&["kindergarten", "nursery", "daycare"], &[amenity("kindergarten"), amenity("childcare")]),
    kind(&["university", "college"], &[amenity("university"), amenity("college")]),
    kind(
        &["coworking", "coworking space", "co working space"],
        &[amenity("coworking_space"), tag("office", "coworking")],
    ),
    kind(&["bank"], &[amenity("bank")]),
    kind(&["atm", "cash machine", "cash point"], &[nameless("atm")]),
    kind(&["post office"], &[amenity("post_office")]),
    kind(&["police", "police station"], &[amenity("police")]),
    kind(&["town hall", "city hall"], &[amenity("townhall")]),
    kind(&["embassy", "consulate"], &[tag("office", "diplomatic"), amenity("embassy")]),
    kind(&["church", "temple", "mosque", "synagogue", "place of worship"], &[amenity("place_of_worship")]),
    kind(&["petrol station", "gas station", "filling station", "fuel"], &[nameless("fuel")]),
    kind(&["charging station", "ev charger", "ev charging"], &[nameless("charging_station")]),
    kind(&["parking", "car park", "parking lot"], &[nameless("parking")]),
    kind(&["toilet", "restroom", "public toilet"], &[nameless("toilets")]),
    kind(&["car rental", "rental car"], &[amenity("car_rental")]),
    kind(&["bike rental", "bicycle rental"], &[amenity("bicycle_rental")]),
    kind(&["taxi", "taxi stand", "taxi rank"], &[nameless("taxi")]),
    kind(&["railway station", "train station", "station"], &[tag("railway", "station")]),
    kind(&["bus station"], &[amenity("bus_station")]),
    kind(&["airport"], &[tag("aeroway", "aerodrome")]),
];

/// Cuisines, and the values that the tag `cuisine` has for them.
pub(super) const CUISINES: &[(&[&str], &str)] = &[
    (&["italian"], "italian|pizza"),
    (&["pizza", "pizzeria"], "pizza"),
    (&["pasta"], "pasta|italian"),
    (&["south indian"], "south_indian"),
    (&["north indian"], "north_indian"),
    (&["indian", "curry"], "indian|south_indian|north_indian|curry"),
    (&["goan"], "goan"),
    (&["chinese"], "chinese|dim_sum"),
    (&["japanese"], "japanese|sushi|ramen"),
    (&["sushi"], "sushi"),
    (&["ramen"], "ramen"),
    (&["noodle"], "noodle|ramen"),
    (&["thai"], "thai"),
    (&["vietnamese"], "vietnamese"),
    (&["korean"], "korean"),
    (&["asian"], "asian|chinese|thai|vietnamese|japanese|korean"),
    (&["mexican", "taco"], "mexican|tex-mex|tacos?"),
    (&["brazilian"], "brazilian"),
    (&["argentinian"], "argentinian"),
    (&["peruvian"], "peruvian"),
    (&["american"], "american|burger|diner"),
    (&["burger", "hamburger"], "burger"),
    (&["steak", "steakhouse", "steak house"], "steak_house|steak"),
    (&["barbecue", "bbq", "grill"], "barbecue|bbq|grill"),
    (&["seafood", "fish"], "seafood|fish"),
    (&["french"], "french|crepe"),
    (&["crepe"], "crepe"),
    (&["spanish"], "spanish|tapas"),
    (&["tapa"], "tapas|spanish"),
    (&["portuguese"], "portuguese"),
    (&["greek"], "greek"),
    (&["turkish"], "turkish|kebab"),
    (&["kebab", "doner"], "kebab|doner"),
    (&["lebanese"], "lebanese"),
    (&["falafel"], "falafel"),
    (&["arab", "arabic", "middle eastern"], "arab|lebanese|middle_eastern"),
    (&["persian", "iranian"], "persian"),
    (&["mediterranean"], "mediterranean"),
    (&["german"], "german|bavarian"),
    (&["russian"], "russian"),
    (&["polish"], "polish"),
    (&["ethiopian"], "ethiopian"),
    (&["moroccan"], "moroccan"),
    (&["african"], "african|ethiopian|moroccan"),
    (&["caribbean", "jamaican"], "caribbean|jamaican"),
    (&["international"], "international"),
    (&["sandwich"], "sandwich"),
    (&["chicken"], "chicken"),
    (&["breakfast", "brunch"], "breakfast|brunch"),
];

/// What else the map may know of a place, as a filter.
pub(super) const MODIFIERS: &[(&[&str], &str)] = &[
    (&["vegetarian", "veggie"], "[\"diet:vegetarian\"~\"^(yes|only)$\"]"),
    (&["vegan"], "[\"diet:vegan\"~\"^(yes|only)$\"]"),
    (&["halal"], "[\"diet:halal\"~\"^(yes|only)$\"]"),
    (&["kosher"], "[\"diet:kosher\"~\"^(yes|only)$\"]"),
    (&["gluten free"], "[\"diet:gluten_free\"~\"^(yes|only)$\"]"),
    (&["live music"], "[\"live_music\"=\"yes\"]"),
    (&["outdoor seating", "terrace", "outdoor"], "[\"outdoor_seating\"]"),
    (&["wheelchair accessible", "accessible", "wheelchair access"], "[\"wheelchair\"=\"yes\"]"),
    (&["wifi", "wi fi", "free wifi"], "[\"internet_access\"~\"^(wlan|yes)$\"]"),
    (&["24 hour", "24/7", "24h", "all night"], "[\"opening_hours\"=\"24/7\"]"),
    (&["five star", "5 star"], "[\"stars\"=\"5\"]"),
    (&["four star", "4 star"], "[\"stars\"=\"4\"]"),
    (&["three star", "3 star"], "[\"stars\"=\"3\"]"),
];
