//! Which country a lead is from: by what it says, or else by its phone number.
//!
//! A calling code can belong to several countries (+7 is Russia and Kazakhstan), so the answer is a list. In North
//! America the area code tells the islands apart; the United States and Canada it does not.

use hookyard_sdk::Lead;

/// Country and calling code. A country with several has several entries.
const CODES: &str = "\
    AC247 AD376 AE971 AF93 AG1268 AI1264 AL355 AM374 AO244 AR54 AS1684 AT43 AU61 AW297 AX358 AZ994 BA387 BB1246 BD880 \
    BE32 BF226 BG359 BH973 BI257 BJ229 BL590 BM1441 BN673 BO591 BQ599 BR55 BS1242 BT975 BW267 BY375 BZ501 CA1 CC61 \
    CD243 CF236 CG242 CH41 CI225 CK682 CL56 CM237 CN86 CO57 CR506 CU53 CV238 CW599 CX61 CY357 CZ420 DE49 DJ253 DK45 \
    DM1767 DO1809 DO1829 DO1849 DZ213 EC593 EE372 EG20 EH212 ER291 ES34 ET251 FI358 FJ679 FK500 FM691 FO298 FR33 GA241 \
    GB44 GD1473 GE995 GF594 GG44 GH233 GI350 GL299 GM220 GN224 GP590 GQ240 GR30 GT502 GU1671 GW245 GY592 HK852 HN504 \
    HR385 HT509 HU36 ID62 IE353 IL972 IM44 IN91 IO246 IQ964 IR98 IS354 IT39 JE44 JM1658 JM1876 JO962 JP81 KE254 KG996 \
    KH855 KI686 KM269 KN1869 KP850 KR82 KW965 KY1345 KZ7 LA856 LB961 LC1758 LI423 LK94 LR231 LS266 LT370 LU352 LV371 \
    LY218 MA212 MC377 MD373 ME382 MF590 MG261 MH692 MK389 ML223 MM95 MN976 MO853 MP1670 MQ596 MR222 MS1664 MT356 MU230 \
    MV960 MW265 MX52 MY60 MZ258 NA264 NC687 NE227 NF672 NG234 NI505 NL31 NO47 NP977 NR674 NU683 NZ64 OM968 PA507 PE51 \
    PF689 PG675 PH63 PK92 PL48 PM508 PR1787 PR1939 PS970 PT351 PW680 PY595 QA974 RE262 RO40 RS381 RU7 RW250 SA966 SB677 \
    SC248 SD249 SE46 SG65 SH290 SI386 SJ47 SK421 SL232 SM378 SN221 SO252 SR597 SS211 ST239 SV503 SX1721 SY963 SZ268 \
    TA290 TC1649 TD235 TG228 TH66 TJ992 TK690 TL670 TM993 TN216 TO676 TR90 TT1868 TV688 TW886 TZ255 UA380 UG256 US1 \
    UY598 UZ998 VA39 VC1784 VE58 VG1284 VI1340 VN84 VU678 WF681 WS685 XK383 YE967 YT262 ZA27 ZM260 ZW263";

/// The country that the named custom field says, or else those of the phone number.
pub(crate) fn of(lead: &Lead, field: Option<&str>) -> Vec<String> {
    let said = field.and_then(|field| lead.custom_field(field)).map(str::trim).filter(|said| !said.is_empty());
    if let Some(said) = said {
        return vec![said.to_owned()];
    }
    lead.phone_number.as_deref().map(of_phone_number).unwrap_or_default()
}

/// Whether this is a country that a rule can ask for.
pub(crate) fn is_known(country: &str) -> bool {
    codes().any(|(known, _)| known.eq_ignore_ascii_case(country))
}

/// Those of the longest calling code that the number, in E.164, begins with.
fn of_phone_number(number: &str) -> Vec<String> {
    let Some(digits) = number.strip_prefix('+') else {
        return Vec::new();
    };
    let fitting = || codes().filter(|(_, code)| digits.starts_with(code));
    let longest = fitting().map(|(_, code)| code.len()).max();
    fitting().filter(|(_, code)| Some(code.len()) == longest).map(|(country, _)| country.to_owned()).collect()
}

fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    CODES.split_ascii_whitespace().filter_map(|entry| entry.split_at_checked(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_code_decides_and_may_be_shared() {
        for (number, countries) in [
            ("+4930123456", &["DE"][..]),
            ("+12125550100", &["CA", "US"]),
            ("+18765550100", &["JM"]),
            ("+77011234567", &["KZ", "RU"]),
            ("+999", &[]),
            ("030 123456", &[]),
        ] {
            assert_eq!(of_phone_number(number), countries, "{number}");
        }
    }

    #[test]
    fn no_code_is_the_beginning_of_another_but_in_north_america() {
        for (country, code) in codes() {
            assert!(code.bytes().all(|byte| byte.is_ascii_digit()) && !code.is_empty(), "{country}");
            let shorter = codes().find(|(_, other)| code.starts_with(other) && code != *other);
            assert!(shorter.is_none_or(|(_, other)| other == "1"), "{country}: {shorter:?}");
        }
    }
}
