//! Removes from an invoice what is not text: control characters, and the directional overrides with
//! which one field could reorder the text around it.

use crate::{
    CreditNote, Customer, DeclaredTax, Discount, Invoice, Item, Payment, Rate, Seller, Tax, Tier,
};

pub(crate) fn invoice(invoice: &Invoice) -> Invoice {
    let invoice = invoice.clone();
    Invoice {
        number: text(&invoice.number),
        currency: text(&invoice.currency),
        seller: seller(invoice.seller),
        customer: Customer {
            name: text(&invoice.customer.name),
            email: some(invoice.customer.email),
            address: all(&invoice.customer.address),
            tax_ids: all(&invoice.customer.tax_ids),
        },
        items: invoice.items.into_iter().map(item).collect(),
        taxes: invoice.taxes.into_iter().map(tax).collect(),
        declared_tax: invoice.declared_tax.map(declared),
        tax_exempt: invoice.tax_exempt.map(|reason| text(&reason)),
        po_number: some(invoice.po_number),
        notes: some(invoice.notes),
        payments: invoice.payments.into_iter().map(payment).collect(),
        credit_note: invoice
            .credit_note
            .map(|note| CreditNote { invoice_number: text(&note.invoice_number), ..note }),
        ..invoice
    }
}

fn seller(seller: Seller) -> Seller {
    Seller {
        name: text(&seller.name),
        legal_name: text(&seller.legal_name),
        address: all(&seller.address),
        tax_id: some(seller.tax_id),
        email: some(seller.email),
        footer: text(&seller.footer),
        ..seller
    }
}

fn tax(tax: Tax) -> Tax {
    Tax { name: text(&tax.name), ..tax }
}

fn declared(declared: DeclaredTax) -> DeclaredTax {
    DeclaredTax { currency: text(&declared.currency), rate: text(&declared.rate), ..declared }
}

fn item(item: Item) -> Item {
    let tier =
        |tier: Tier| Tier { quantity: text(&tier.quantity), unit_amount: text(&tier.unit_amount) };
    Item {
        description: text(&item.description),
        quantity: text(&item.quantity),
        unit_amount: some(item.unit_amount),
        included: some(item.included),
        discount: item.discount.map(|one| Discount { name: text(&one.name), ..one }),
        rate: item.rate.map(|rate| Rate { name: text(&rate.name), ..rate }),
        tiers: item.tiers.into_iter().map(tier).collect(),
        ..item
    }
}

fn payment(payment: Payment) -> Payment {
    Payment {
        brand: some(payment.brand),
        last4: some(payment.last4),
        reference: some(payment.reference),
        ..payment
    }
}

fn all(texts: &[String]) -> Vec<String> {
    texts.iter().map(|one| text(one)).filter(|one| !one.is_empty()).collect()
}

fn some(one: Option<String>) -> Option<String> {
    one.map(|one| text(&one)).filter(|one| !one.is_empty())
}

pub(crate) fn text(text: &str) -> String {
    let cleaned: String = text.replace("\r\n", "\n").chars().filter_map(character).collect();
    cleaned.trim().to_owned()
}

fn character(character: char) -> Option<char> {
    match character {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => None,
        _ if character.is_control() => Some(' '),
        // Private use and noncharacters: no face can draw them correctly.
        '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'.. => {
            Some(char::REPLACEMENT_CHARACTER)
        }
        _ if matches!(u32::from(character) & 0xffff, 0xfffe | 0xffff) => {
            Some(char::REPLACEMENT_CHARACTER)
        }
        _ => Some(character),
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn text_keeps_only_characters_and_line_ends() {
        assert_eq!(text(" a\tb\r\nc\u{0}d\u{202e}e\u{2066} "), "a b\nc de");
        assert_eq!(text("\u{e123}\u{ffff}\u{1fffe}"), "\u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(text("שלום \u{200f}12\u{200d}"), "שלום \u{200f}12\u{200d}");
    }
}
