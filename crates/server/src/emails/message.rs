//! Writes a message: text, HTML in the organization's branding, and a document.

use super::EmailKind;
use super::words::Words;
use crate::base::{EmailId, Secret, Time};
use crate::branding::Branding;
use lettre::Address;
use lettre::error::Error as MessageError;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// The accent of a branding without one.
const ACCENT: &str = "#1f2937";

/// For readers with a dark screen, and for narrow ones, where values are below their labels. A program
/// that removes it shows a light message in two columns.
const STYLE: &str = "<meta name=\"color-scheme\" content=\"light dark\">\
    <style>@media (prefers-color-scheme:dark){\
    .page{background:#111827!important;color:#f9fafb!important}.card{background:#1f2937!important}\
    .label{color:#d1d5db!important}\
    .button{color:#f9fafb!important;border-color:#f9fafb!important}}\
    @media (max-width:480px){.page{padding:8px!important}.card{padding:16px!important}\
    .label,.value{display:block!important;padding:0!important}\
    .value{padding-bottom:8px!important}}</style>";

/// A label and its value.
pub type Fact = (&'static str, String);

/// An attached PDF.
#[derive(Debug)]
pub struct Document {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Everything that a message says.
#[derive(Debug)]
pub struct Letter<'a> {
    pub id: EmailId,
    pub at: Time,
    pub kind: EmailKind,
    pub words: &'static Words,
    pub locale: &'a str,
    pub sender: &'a Address,
    pub reply_to: Option<Address>,
    pub to: &'a Address,
    /// The customer's name; `None`: it is to the organization.
    pub name: Option<&'a str>,
    pub number: &'a str,
    pub plan: &'a str,
    /// The name of a credit currency.
    pub credits: &'a str,
    pub facts: &'a [Fact],
    /// A label and an address to open.
    pub link: Option<&'a (&'static str, Secret)>,
    pub branding: &'a Branding,
}

impl Letter<'_> {
    /// Writes the message. The same e-mail has the same `Message-ID` and boundaries in each attempt.
    pub fn write(&self, document: Option<Document>) -> Result<Vec<u8>, MessageError> {
        let domain = self.sender.domain();
        let from = Mailbox::new(Some(header_text(self.seller())), self.sender.clone());
        let at = Duration::from_secs(self.at.seconds().unsigned_abs());
        let mut head = Message::builder()
            .from(from)
            .to(Mailbox::new(self.name.map(header_text), self.to.clone()))
            .subject(self.subject())
            .date(UNIX_EPOCH + at)
            .message_id(Some(format!("<{}@{domain}>", self.id)));
        if let Some(address) = &self.reply_to {
            head = head.reply_to(Mailbox::new(None, address.clone()));
        }
        let texts = MultiPart::alternative().boundary(format!("texts-{}", self.id));
        let texts = texts.singlepart(SinglePart::plain(self.text()));
        let texts = texts.singlepart(SinglePart::html(self.html()));
        let message = match document {
            None => head.multipart(texts)?,
            Some(Document { name, bytes }) => {
                let kind = ContentType::parse("application/pdf")
                    .map_err(|_| MessageError::NonAsciiChars)?;
                let file = Attachment::new(name).body(bytes, kind);
                let all = MultiPart::mixed().boundary(format!("parts-{}", self.id));
                head.multipart(all.multipart(texts).singlepart(file))?
            }
        };
        Ok(message.formatted())
    }

    fn seller(&self) -> &str {
        let Branding { name, legal_name, .. } = self.branding;
        name.as_deref().or(legal_name.as_deref()).unwrap_or("UnitPay")
    }

    /// Puts the values into a text of this language.
    fn fill(&self, text: &str) -> String {
        let values = [
            ("{name}", self.name.unwrap_or_else(|| self.seller())),
            ("{seller}", self.seller()),
            ("{number}", self.number),
            ("{plan}", self.plan),
            ("{credits}", self.credits),
            ("{email}", self.branding.support_email.as_deref().unwrap_or_default()),
        ];
        let (mut filled, mut rest) = (String::new(), text);
        // A value is not searched for placeholders.
        while let Some((start, brace)) = rest.split_once('{').map(|(start, _)| (start, start.len()))
        {
            filled.push_str(start);
            rest = &rest[brace..];
            let found = values.iter().find(|(name, _)| rest.starts_with(name));
            let (name, value) = found.copied().unwrap_or(("{", "{"));
            filled.push_str(value);
            rest = &rest[name.len()..];
        }
        filled.push_str(rest);
        filled
    }

    fn subject(&self) -> String {
        header_text(&self.fill(self.words.text(self.kind).subject))
    }

    fn paragraphs(&self) -> (String, String, Option<String>) {
        // An organization does not ask itself.
        let questions = self.name.is_some() && self.branding.support_email.is_some();
        (
            self.fill(self.words.greeting),
            self.fill(self.words.text(self.kind).body),
            questions.then(|| self.fill(self.words.questions)),
        )
    }

    fn text(&self) -> String {
        let (greeting, body, questions) = self.paragraphs();
        let mut text = format!("{greeting}\n\n{body}\n\n");
        for (label, value) in self.facts {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{label}: {value}");
        }
        if !self.facts.is_empty() {
            text.push('\n');
        }
        if let Some((label, url)) = self.link {
            let _ = write!(text, "{label}:\n{}\n\n", url.reveal());
        }
        if let Some(questions) = questions {
            let _ = write!(text, "{questions}\n\n");
        }
        let _ = writeln!(text, "{}", self.seller());
        text
    }

    fn html(&self) -> String {
        let (greeting, body, questions) = self.paragraphs();
        let mut facts: String = self.facts.iter().map(row).collect();
        if !facts.is_empty() {
            facts = format!(
                "<table role=\"presentation\" style=\"margin:0 0 16px;border-spacing:0\">\n\
                 {facts}</table>\n"
            );
        }
        let accent = self.branding.accent_color.as_deref().unwrap_or(ACCENT);
        format!(
            "<!doctype html>\n<html lang=\"{language}\" dir=\"{direction}\">\n<head>\
             <meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">{STYLE}\
             <title>{title}</title></head>\n\
             <body class=\"page\" style=\"margin:0;padding:24px;background:#f3f4f6;color:#111827;\
             font:16px/1.5 system-ui,sans-serif\">\n\
             <div role=\"main\" class=\"card\" style=\"max-width:560px;margin:0 auto;padding:24px;\
             background:#ffffff;border-top:4px solid {accent};border-radius:{radius}px;\
             overflow-wrap:anywhere\">\n\
             <h1 style=\"margin:0 0 24px;font-size:20px;font-weight:600\">{seller}</h1>\n\
             {greeting}{body}{facts}{link}{questions}</div>\n</body>\n</html>\n",
            language = escaped(self.locale),
            direction = if self.words.right_to_left { "rtl" } else { "ltr" },
            title = escaped(&self.subject()),
            accent = escaped(accent),
            radius = self.branding.radius.unwrap_or(8),
            seller = escaped(self.seller()),
            greeting = paragraph(&greeting),
            body = paragraph(&body),
            link = self.link.map(|link| button(link, accent)).unwrap_or_default(),
            questions = questions.as_deref().map(paragraph).unwrap_or_default(),
        )
    }
}

/// Returns a text for a header: without line breaks and other control characters, which would end it.
fn header_text(text: &str) -> String {
    let spaced =
        |c: char| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c };
    text.chars().map(spaced).collect()
}

fn paragraph(text: &str) -> String {
    format!("<p style=\"margin:0 0 16px\">{}</p>\n", escaped(text))
}

/// A link that looks like a button. Its text is readable on any accent color, because it is not on it.
fn button((label, url): &(&'static str, Secret), accent: &str) -> String {
    format!(
        "<p style=\"margin:0 0 16px\"><a class=\"button\" href=\"{}\" style=\"display:inline-block;padding:10px 18px;\
         border:2px solid {};border-radius:6px;color:#111827;font-weight:600;\
         text-decoration:none\">{}</a></p>\n",
        escaped(url.reveal()),
        escaped(accent),
        escaped(label)
    )
}

fn row((label, value): &Fact) -> String {
    format!(
        "<tr><td class=\"label\" style=\"padding:2px 0;padding-inline-end:16px;color:#4b5563;\
         vertical-align:top;\
         overflow-wrap:normal\">{}</td>\
         <td class=\"value\" style=\"padding:2px 0;font-weight:600;vertical-align:top\"><bdi>{}</bdi></td></tr>\n",
        escaped(label),
        escaped(value)
    )
}

/// Escapes a text for HTML, also in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
