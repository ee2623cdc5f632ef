//! Spanish.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "es",
    right_to_left: false,
    greeting: "Hola, {name}:",
    questions: "¿Tiene preguntas? Escriba a {email}.",
    number: "Factura",
    amount: "Importe",
    amount_due: "Importe pendiente",
    due_on: "Vencimiento",
    paid_on: "Fecha de pago",
    next_attempt: "Próximo intento",
    charged: "Cobrado",
    refunded: "Total reembolsado",
    card: "Tarjeta",
    expires: "Caducidad",
    code: "Código de acceso",
    open: "Abrir la facturación",
    trial_ends: "Fin de la prueba",
    renews_on: "Renovación",
    at_least: "Como mínimo, más el consumo",
    endpoint: "Punto de conexión",
    environment: "Entorno",
    failing_since: "Falla desde",
    last_error: "Último error",
    enable_again: "Reactivarlo",
    send_missed: "Enviar los eventos perdidos",
    open_invoice: "Ver y pagar la factura",
    invoice: Text {
        subject: "Factura {number} de {seller}",
        body: "Le adjuntamos su factura {number}. Páguela, por favor, antes de la fecha de \
               vencimiento indicada abajo.",
    },
    receipt: Text {
        subject: "Recibo de {number} de {seller}",
        body: "Gracias por su pago. Le adjuntamos la factura pagada.",
    },
    payment_failed: Text {
        subject: "Su pago a {seller} ha fallado",
        body: "No hemos podido realizar el cobro con su método de pago. Revíselo en su página de \
               facturación o añada otro.",
    },
    subscription_canceled: Text {
        subject: "Su suscripción {plan} ha terminado",
        body: "Su suscripción {plan} ha terminado y no se renovará. El consumo que aún no se haya \
               facturado puede figurar en una última factura.",
    },
    refund: Text {
        subject: "Reembolso de {seller}",
        body: "Hemos reembolsado un pago. Su banco puede tardar unos días en mostrarlo.",
    },
    card_expiring: Text {
        subject: "Su tarjeta para {seller} caduca pronto",
        body: "La tarjeta con la que cobramos sus compras caduca pronto. Añada otra en su página de \
               facturación.",
    },
    credits_low: Text {
        subject: "Su saldo se está agotando: {credits}",
        body: "Su saldo de {credits} es bajo. Puede recargarlo en su página de facturación.",
    },
    login_code: Text {
        subject: "Su código de acceso para {seller}",
        body: "Introduzca este código en la página donde lo solicitó. Es válido durante diez minutos \
               y solo allí. Si no lo ha solicitado, puede ignorar este correo.",
    },
    portal_link: Text {
        subject: "Su nuevo enlace de facturación de {seller}",
        body: "Este es el enlace que solicitó. Funciona una sola vez, durante media hora. Si no lo \
               ha solicitado, puede ignorar este correo.",
    },
    trial_ending: Text {
        subject: "Su prueba de {plan} termina pronto",
        body: "Su prueba de {plan} termina en la fecha indicada abajo. Entonces comienza su \
               suscripción y vence el importe indicado abajo, impuestos incluidos. Si no desea \
               continuar, cancélela antes de esa fecha en su página de facturación.",
    },
    renewal_upcoming: Text {
        subject: "Su suscripción {plan} se renueva pronto",
        body: "Su suscripción {plan} se renueva en la fecha indicada abajo, y entonces vence el \
               importe indicado abajo, impuestos incluidos. Si no desea renovarla, cancélela \
               antes de esa fecha en su página de facturación.",
    },
    endpoint_disabled: Text {
        subject: "Se ha desactivado un punto de conexión de webhooks de {seller}",
        body: "Este punto de conexión de webhooks lleva cinco días fallando sin ningún éxito, \
               por lo que ya no recibe eventos. Corrija el receptor y, después, reactive el \
               punto de conexión y solicite los eventos perdidos con las dos peticiones de \
               abajo.",
    },
    invoice_link: Text {
        subject: "Su enlace a la factura {number} de {seller}",
        body: "Este es el enlace que solicitó. Abre esta factura hasta que se pague. Si no lo \
               ha solicitado, puede ignorar este correo.",
    },
};
