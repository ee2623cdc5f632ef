import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { pl as messages } from '@unitpay/react/locales/pl';

const AGAIN = 'Otwórz rozliczenia ponownie z poziomu swojego konta';

export const texts: Texts = {
  title: 'Rozliczenia',
  back: 'Wróć',
  backTo: 'Wróć do: {name}',
  signOut: 'Wyloguj się',
  signOutFailed: 'Nie udało się wylogować, ponieważ nie można połączyć się z serwerem.',
  questions: 'Masz pytania dotyczące faktury?',
  retry: 'Spróbuj ponownie',
  sendLink: 'Wyślij nowy link na adres {email}',
  linkSent: 'Nowy link jest w drodze na adres {email}.',
  linkFailed: 'Nie udało się wysłać linku. Spróbuj ponownie później.',
  closed: {
    nothing: {
      title: 'Otwórz rozliczenia z poziomu swojego konta',
      body: 'Na tę stronę prowadzi link w produkcie, z którego korzystasz. Przejdź tam i otwórz rozliczenia.',
    },
    link: {
      title: 'Ten link już nie działa',
      body: `Dla Twojego bezpieczeństwa link do rozliczeń działa tylko raz i tylko przez kilka minut. ${AGAIN}, aby otrzymać nowy.`,
    },
    expired: {
      title: 'Twoja sesja została zakończona',
      body: `${AGAIN}, aby kontynuować. Wszystkie zapisane dane zostały zachowane.`,
    },
    revoked: {
      title: 'Twoja sesja została zakończona',
      body: `Zakończyliśmy ją dla Twojego bezpieczeństwa. ${AGAIN}, aby kontynuować.`,
    },
    archived: {
      title: 'To konto jest zamknięte',
      body: 'Strona rozliczeń tego konta nie jest już dostępna.',
    },
    signedOut: {
      title: 'Wylogowano',
      body: 'Możesz zamknąć tę stronę.',
    },
    unavailable: {
      title: 'Rozliczenia są teraz niedostępne',
      body: 'Problem leży po naszej stronie i nic nie zostało zmienione. Spróbuj ponownie za chwilę.',
    },
    offline: {
      title: 'Brak połączenia',
      body: 'Sprawdź połączenie i spróbuj ponownie.',
    },
  },
};

export const login: LoginTexts = {
  title: 'Zaloguj się',
  intro: 'Wyślemy kod na adres e-mail przypisany do Twojego konta.',
  email: 'Adres e-mail',
  send: 'Wyślij kod',
  sent: 'Jeśli znamy adres {email}, kod jest już w drodze. Działa przez dziesięć minut i tylko w tej przeglądarce.',
  code: 'Kod',
  codeHint: 'Sześć cyfr',
  enter: 'Zaloguj się',
  again: 'Inny adres lub nowy kod',
  choose: 'Które konto chcesz otworzyć?',
  wrong: 'Ten kod jest nieprawidłowy.',
  triesLeft: 'Pozostałe próby: {count}',
  spent: 'Ten kod już nie działa. Poproś o nowy.',
  tooMany: 'Zbyt wiele prób. Spróbuj ponownie później.',
  missing: {
    title: 'Tutaj nie można się zalogować',
    body: 'Otwórz rozliczenia w produkcie, z którego korzystasz.',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: 'Ta faktura jest opłacona', body: 'Dziękujemy. Nie ma już nic do zapłaty.' },
  void: { title: 'Ta faktura została anulowana', body: 'Nie ma nic do zapłaty.' },
  link: {
    title: 'Ten link już nie działa',
    body: 'Link do faktury działa przez kilka tygodni, dopóki faktura nie zostanie opłacona. Nowszy e-mail dotyczący tej faktury może zawierać inny link.',
  },
  ended: {
    title: 'Twoja sesja została zakończona',
    body: 'Otwórz ponownie link z e-maila, aby kontynuować.',
  },
};
