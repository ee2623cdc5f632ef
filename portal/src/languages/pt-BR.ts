import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { ptBR as messages } from '@unitpay/react/locales/pt-BR';

const AGAIN = 'Abra o faturamento novamente a partir da sua conta';

export const texts: Texts = {
  title: 'Faturamento',
  back: 'Voltar',
  backTo: 'Voltar para {name}',
  signOut: 'Sair',
  signOutFailed: 'Você ainda não saiu porque não foi possível acessar o servidor.',
  questions: 'Dúvidas sobre sua fatura?',
  retry: 'Tentar novamente',
  sendLink: 'Enviar novo link para {email}',
  linkSent: 'Um novo link está a caminho de {email}.',
  linkFailed: 'Não foi possível enviar o link. Tente novamente mais tarde.',
  closed: {
    nothing: {
      title: 'Abra o faturamento a partir da sua conta',
      body: 'Esta página é acessada por um link no produto que você usa. Vá até ele e abra o faturamento.',
    },
    link: {
      title: 'Este link não funciona mais',
      body: `Para sua segurança, um link de faturamento funciona uma única vez e por poucos minutos. ${AGAIN} para receber um novo.`,
    },
    expired: {
      title: 'Sua sessão foi encerrada',
      body: `${AGAIN} para continuar. Tudo o que você salvou foi mantido.`,
    },
    revoked: {
      title: 'Sua sessão foi encerrada',
      body: `Ela foi encerrada para sua segurança. ${AGAIN} para continuar.`,
    },
    archived: {
      title: 'Esta conta está encerrada',
      body: 'A página de faturamento desta conta não está mais disponível.',
    },
    signedOut: {
      title: 'Você saiu da sua conta',
      body: 'Você pode fechar esta página.',
    },
    unavailable: {
      title: 'O faturamento está indisponível no momento',
      body: 'O problema é nosso, e nada foi alterado. Tente novamente em instantes.',
    },
    offline: {
      title: 'Sem conexão',
      body: 'Verifique sua conexão e tente novamente.',
    },
  },
};

export const login: LoginTexts = {
  title: 'Entrar',
  intro: 'Enviaremos um código para o endereço de e-mail que você nos informou.',
  email: 'Endereço de e-mail',
  send: 'Enviar código',
  sent: 'Se {email} estiver cadastrado, um código está a caminho. Ele vale por dez minutos, somente neste navegador.',
  code: 'Código',
  codeHint: 'Seis dígitos',
  enter: 'Entrar',
  again: 'Outro endereço ou novo código',
  choose: 'Qual conta você quer abrir?',
  wrong: 'Este código está incorreto.',
  triesLeft: 'Tentativas restantes: {count}',
  spent: 'Este código não funciona mais. Peça um novo.',
  tooMany: 'Muitas tentativas. Tente novamente mais tarde.',
  missing: {
    title: 'Não é possível entrar por aqui',
    body: 'Abra o faturamento no produto que você usa.',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: 'Esta fatura está paga', body: 'Obrigado. Não há mais nada a pagar.' },
  void: { title: 'Esta fatura foi cancelada', body: 'Não há nada a pagar.' },
  link: {
    title: 'Este link não funciona mais',
    body: 'O link de uma fatura funciona por algumas semanas e até que ela seja paga. Um e-mail mais recente sobre ela pode conter outro.',
  },
  ended: {
    title: 'Sua sessão foi encerrada',
    body: 'Abra novamente o link do e-mail para continuar.',
  },
};
