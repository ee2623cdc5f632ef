//! Reads a document back with an independent library.

use lopdf::{Document, Object};

pub struct Read {
    document: Document,
    raw: String,
    /// Returns the text of each page, one line per piece.
    pub pages: Vec<String>,
}

impl Read {
    pub fn parse(bytes: &[u8]) -> Read {
        let document = Document::load_mem(bytes).unwrap();
        let numbers: Vec<u32> = document.get_pages().into_keys().collect();
        let pages = numbers
            .iter()
            .map(|number| spaced(&document.extract_text(&[*number]).unwrap()))
            .collect();
        Read { document, raw: String::from_utf8_lossy(bytes).into_owned(), pages }
    }

    pub fn text(&self) -> String {
        self.pages.join("\n")
    }

    pub fn says(&self, text: &str) -> bool {
        self.pages.iter().any(|page| page.contains(text))
    }

    pub fn has_line(&self, text: &str) -> bool {
        self.pages.iter().flat_map(|page| page.lines()).any(|line| line == text)
    }

    pub fn raw_contains(&self, text: &str) -> bool {
        self.raw.contains(text)
    }

    pub fn title(&self) -> String {
        let info = self.document.trailer.get(b"Info").unwrap();
        let info = self.document.dereference(info).unwrap().1.as_dict().unwrap();
        lopdf::decode_text_string(info.get(b"Title").unwrap()).unwrap()
    }

    pub fn language(&self) -> String {
        let language = self.document.catalog().unwrap().get(b"Lang").unwrap();
        lopdf::decode_text_string(language).unwrap()
    }

    pub fn is_tagged(&self) -> bool {
        let catalog = self.document.catalog().unwrap();
        let marked = catalog.get(b"MarkInfo").unwrap().as_dict().unwrap().get(b"Marked").unwrap();
        catalog.has(b"StructTreeRoot") && marked.as_bool().unwrap()
    }

    /// Returns the names of the embedded faces.
    pub fn faces(&self) -> Vec<String> {
        let name = |object: &Object| {
            let name = object.as_dict().ok()?.get(b"FontName").ok()?.as_name().ok()?;
            Some(String::from_utf8_lossy(name).into_owned())
        };
        self.document.objects.values().filter_map(name).collect()
    }

    pub fn has_image(&self) -> bool {
        let is_image = |object: &Object| {
            object.as_stream().is_ok_and(|stream| {
                stream.dict.get(b"Subtype").is_ok_and(|kind| kind.as_name().ok() == Some(b"Image"))
            })
        };
        self.document.objects.values().any(is_image)
    }

    /// Returns the number of glyphs on all pages.
    pub fn glyphs(&self) -> usize {
        let shown = |object: &Object| object.as_str().map_or(0, |codes| codes.len() / 2);
        let mut count = 0;
        for page in self.document.get_pages().into_values() {
            let content = self.document.get_and_decode_page_content(page).unwrap();
            for operation in content.operations {
                count += operation.operands.iter().map(shown).sum::<usize>();
                let arrays =
                    operation.operands.iter().filter_map(|operand| operand.as_array().ok());
                count += arrays.flatten().map(shown).sum::<usize>();
            }
        }
        count
    }
}

/// Collapses spaces, and removes them at the ends of lines.
fn spaced(text: &str) -> String {
    let line =
        |line: &str| line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
