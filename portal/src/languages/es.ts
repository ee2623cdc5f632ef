import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { es as messages } from '@unitpay/react/locales/es';

const AGAIN = 'Vuelva a abrir la facturación desde su cuenta';

export const texts: Texts = {
  title: 'Facturación',
  back: 'Volver',
  backTo: 'Volver a {name}',
  signOut: 'Cerrar sesión',
  signOutFailed: 'Su sesión sigue abierta porque no se puede contactar con el servidor.',
  questions: '¿Tiene preguntas sobre su factura?',
  retry: 'Reintentar',
  sendLink: 'Enviar un enlace nuevo a {email}',
  linkSent: 'Se ha enviado un enlace nuevo a {email}.',
  linkFailed: 'No se ha podido enviar el enlace. Inténtelo de nuevo más tarde.',
  closed: {
    nothing: {
      title: 'Abra la facturación desde su cuenta',
      body: 'A esta página se llega por un enlace del producto que utiliza. Abra allí la facturación.',
    },
    link: {
      title: 'Este enlace ya no funciona',
      body: `Por su seguridad, un enlace de facturación funciona una sola vez y durante unos minutos. ${AGAIN} para obtener uno nuevo.`,
    },
    expired: {
      title: 'Su sesión ha terminado',
      body: `${AGAIN} para continuar. Todo lo que guardó se conserva.`,
    },
    revoked: {
      title: 'Su sesión ha terminado',
      body: `Se cerró por su seguridad. ${AGAIN} para continuar.`,
    },
    archived: {
      title: 'Esta cuenta está cerrada',
      body: 'Su página de facturación ya no está disponible.',
    },
    signedOut: {
      title: 'Ha cerrado la sesión',
      body: 'Puede cerrar esta página.',
    },
    unavailable: {
      title: 'La facturación no está disponible en este momento',
      body: 'El problema está de nuestro lado y no se ha modificado nada. Inténtelo de nuevo en un momento.',
    },
    offline: {
      title: 'Sin conexión',
      body: 'Compruebe su conexión e inténtelo de nuevo.',
    },
  },
};

export const login: LoginTexts = {
  title: 'Iniciar sesión',
  intro: 'Enviaremos un código a la dirección de correo electrónico que nos facilitó.',
  email: 'Correo electrónico',
  send: 'Enviar código',
  sent: 'Si conocemos {email}, hemos enviado allí un código. Es válido durante diez minutos y solo en este navegador.',
  code: 'Código',
  codeHint: 'Seis cifras',
  enter: 'Iniciar sesión',
  again: 'Otra dirección o un código nuevo',
  choose: '¿Qué cuenta quiere abrir?',
  wrong: 'Este código no es correcto.',
  triesLeft: 'Intentos restantes: {count}',
  spent: 'Este código ya no funciona. Solicite uno nuevo.',
  tooMany: 'Demasiados intentos. Inténtelo de nuevo más tarde.',
  missing: {
    title: 'Aquí no se puede iniciar sesión',
    body: 'Abra la facturación en el producto que utiliza.',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: 'Esta factura está pagada', body: 'Gracias. No queda nada pendiente.' },
  void: { title: 'Esta factura se ha anulado', body: 'No hay nada que pagar.' },
  link: {
    title: 'Este enlace ya no funciona',
    body: 'Un enlace a una factura funciona durante unas semanas y hasta que se paga. Es posible que un correo más reciente sobre ella contenga otro.',
  },
  ended: {
    title: 'Su sesión ha terminado',
    body: 'Vuelva a abrir el enlace del correo para continuar.',
  },
};
