//! Portuguese, as in Brazil.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "pt-BR",
    right_to_left: false,
    greeting: "Olá, {name}!",
    questions: "Dúvidas? Escreva para {email}.",
    number: "Fatura",
    amount: "Valor",
    amount_due: "Valor a pagar",
    due_on: "Vencimento",
    paid_on: "Data do pagamento",
    next_attempt: "Próxima tentativa",
    charged: "Valor cobrado",
    refunded: "Total reembolsado",
    card: "Cartão",
    expires: "Validade",
    code: "Código",
    open: "Abrir faturamento",
    trial_ends: "Fim do período de teste",
    renews_on: "Renovação",
    at_least: "No mínimo, mais o uso",
    endpoint: "Endpoint de webhook",
    environment: "Ambiente",
    failing_since: "Com falha desde",
    last_error: "Último erro",
    enable_again: "Reativar",
    send_missed: "Enviar eventos perdidos",
    open_invoice: "Ver e pagar a fatura",
    invoice: Text {
        subject: "Fatura {number} de {seller}",
        body: "Sua fatura {number} está em anexo. Efetue o pagamento até a data indicada abaixo.",
    },
    receipt: Text {
        subject: "Recibo da fatura {number} de {seller}",
        body: "Agradecemos o pagamento. A fatura paga está em anexo.",
    },
    payment_failed: Text {
        subject: "Seu pagamento para {seller} falhou",
        body: "Não foi possível fazer a cobrança na sua forma de pagamento. Verifique-a nas suas \
               configurações de faturamento ou adicione outra por lá.",
    },
    subscription_canceled: Text {
        subject: "Seu plano {plan} foi encerrado",
        body: "Seu plano {plan} foi encerrado e não será renovado. O uso ainda não faturado pode \
               aparecer em uma última fatura.",
    },
    refund: Text {
        subject: "Reembolso de {seller}",
        body: "Reembolsamos um pagamento. O valor pode levar alguns dias para aparecer no seu \
               banco.",
    },
    card_expiring: Text {
        subject: "O cartão que você usa em {seller} vence em breve",
        body: "O cartão em que cobramos suas compras vence em breve. Adicione outro nas suas \
               configurações de faturamento.",
    },
    credits_low: Text {
        subject: "Seu saldo está acabando: {credits}",
        body: "Seu saldo de {credits} está baixo. Você pode recarregá-lo nas suas configurações de \
               faturamento.",
    },
    login_code: Text {
        subject: "Seu código de acesso para {seller}",
        body: "Digite este código na página em que você o solicitou. Ele vale por dez minutos, e \
               somente lá. Se você não o solicitou, ignore este e-mail.",
    },
    portal_link: Text {
        subject: "Seu novo link de faturamento de {seller}",
        body: "Aqui está o link que você solicitou. Ele funciona uma única vez, por meia hora. Se \
               você não o solicitou, ignore este e-mail.",
    },
    trial_ending: Text {
        subject: "Seu período de teste de {plan} termina em breve",
        body: "Seu período de teste de {plan} termina na data abaixo. Então seu plano começa e \
               o valor abaixo, com impostos incluídos, deverá ser pago. Se não quiser \
               continuar, cancele antes dessa data nas suas configurações de faturamento.",
    },
    renewal_upcoming: Text {
        subject: "Seu plano {plan} será renovado em breve",
        body: "Seu plano {plan} será renovado na data abaixo, quando o valor abaixo, com \
               impostos incluídos, deverá ser pago. Se não quiser renovar, cancele antes dessa \
               data nas suas configurações de faturamento.",
    },
    endpoint_disabled: Text {
        subject: "Um endpoint de webhook de {seller} foi desativado",
        body: "Este endpoint de webhook falhou durante cinco dias sem nenhum sucesso e, por \
               isso, não recebe mais eventos. Corrija o destinatário, depois reative o endpoint \
               e peça os eventos perdidos com as duas requisições abaixo.",
    },
    invoice_link: Text {
        subject: "Seu link para a fatura {number} de {seller}",
        body: "Aqui está o link que você solicitou. Ele abre esta fatura até que ela seja paga. \
               Se você não o solicitou, ignore este e-mail.",
    },
};
