//! Scripts that need a face of their own, and marks that would leave their line.

use unitpay_invoice_pdf::{Fonts, Invoice, render};

use crate::reader::Read;
use crate::samples;

fn with_faces() -> Fonts {
    let mut fonts = Fonts::built_in().unwrap();
    for face in [
        include_bytes!("faces/thai.ttf").to_vec(),
        include_bytes!("faces/devanagari.ttf").to_vec(),
        include_bytes!("faces/hangul.otf").to_vec(),
        include_bytes!("faces/emoji.ttf").to_vec(),
    ] {
        fonts.add(face).unwrap();
    }
    fonts
}

fn named(name: &str) -> Invoice {
    let mut invoice = samples::plain();
    invoice.customer.name = name.to_owned();
    invoice
}

#[test]
fn scripts_are_drawn_when_a_face_is_added() {
    let fonts = with_faces();
    for (name, face) in [
        ("กรุงเทพ น้ำมัน", "NotoSansThai"),
        ("हिन्दी", "NotoSansDevanagari"),
        ("한국전자", "NotoSansCJK"),
    ] {
        assert_eq!(fonts.missing(name), [], "{name}");
        assert!(!crate::fonts().missing(name).is_empty(), "{name}");
        let faces = |fonts| Read::parse(&render(&named(name), fonts).unwrap()).faces();
        let has = |faces: &[String]| faces.iter().any(|known| known.contains(face));
        assert!(has(&faces(&fonts)), "{name}: {:?}", faces(&fonts));
        assert!(!has(&faces(crate::fonts())), "{name}");
    }
}

#[test]
fn emoji_are_drawn_in_colour() {
    let fonts = with_faces();
    let draw = |name: &str| Read::parse(&render(&named(name), &fonts).unwrap());
    let plain = draw("").glyphs();
    for name in ["🚀", "👩\u{200d}💻", "❤\u{fe0f}"] {
        assert_eq!(fonts.missing(name), [], "{name}");
        let read = draw(name);
        assert!(read.has_image(), "{name}");
        // A box would be one more glyph of a text face.
        assert_eq!(read.glyphs(), plain, "{name}");
    }
}

#[test]
fn missing_names_only_characters_that_no_face_shows() {
    for text in ["Société Ελλάδα ООО", "שלום العربية", "上海 ミライ", "a\u{301}\u{200b}\n"]
    {
        assert_eq!(crate::fonts().missing(text), [], "{text}");
    }
    assert_eq!(crate::fonts().missing("ไทยไทย!").len(), 3);
}
