import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { tr as messages } from '@unitpay/react/locales/tr';

const AGAIN = 'faturalandırma sayfasını hesabınızdan yeniden açın';

export const texts: Texts = {
  title: 'Faturalandırma',
  back: 'Geri',
  backTo: '{name} sayfasına dön',
  signOut: 'Çıkış yap',
  signOutFailed: 'Sunucuya ulaşılamadığı için oturumunuz hâlâ açık.',
  questions: 'Faturanızla ilgili sorularınız mı var?',
  retry: 'Yeniden dene',
  sendLink: '{email} adresine yeni bağlantı gönder',
  linkSent: '{email} adresine yeni bir bağlantı gönderiyoruz.',
  linkFailed: 'Bağlantı gönderilemedi. Lütfen daha sonra yeniden deneyin.',
  closed: {
    nothing: {
      title: 'Faturalandırma sayfasını hesabınızdan açın',
      body: 'Bu sayfaya, kullandığınız üründeki bir bağlantıdan ulaşılır. Ürüne gidip faturalandırma sayfasını oradan açın.',
    },
    link: {
      title: 'Bu bağlantı artık geçerli değil',
      body: `Güvenliğiniz için faturalandırma bağlantıları yalnızca bir kez ve birkaç dakika boyunca kullanılabilir. Yeni bir bağlantı almak için ${AGAIN}.`,
    },
    expired: {
      title: 'Oturumunuz sona erdi',
      body: `Devam etmek için ${AGAIN}. Kaydettiğiniz her şey korunur.`,
    },
    revoked: {
      title: 'Oturumunuz sona erdi',
      body: `Oturumunuz güvenliğiniz için sonlandırıldı. Devam etmek için ${AGAIN}.`,
    },
    archived: {
      title: 'Bu hesap kapatılmış',
      body: 'Bu hesabın faturalandırma sayfası artık kullanılamıyor.',
    },
    signedOut: {
      title: 'Çıkış yaptınız',
      body: 'Bu sayfayı kapatabilirsiniz.',
    },
    unavailable: {
      title: 'Faturalandırma şu anda kullanılamıyor',
      body: 'Sorun bizden kaynaklanıyor; hiçbir bilginiz değiştirilmedi. Lütfen biraz sonra yeniden deneyin.',
    },
    offline: {
      title: 'Bağlantı yok',
      body: 'Bağlantınızı kontrol edip yeniden deneyin.',
    },
  },
};

export const login: LoginTexts = {
  title: 'Giriş yapın',
  intro: 'Kayıtlı e-posta adresinize bir kod göndereceğiz.',
  email: 'E-posta adresi',
  send: 'Kod gönder',
  sent: '{email} adresi kayıtlıysa bu adrese bir kod gönderiyoruz. Kod on dakika boyunca ve yalnızca bu tarayıcıda geçerlidir.',
  code: 'Kod',
  codeHint: 'Altı haneli kod',
  enter: 'Giriş yap',
  again: 'Başka adres veya yeni kod',
  choose: 'Hangi hesabı açmak istiyorsunuz?',
  wrong: 'Bu kod yanlış.',
  triesLeft: 'Kalan deneme hakkı: {count}',
  spent: 'Bu kod artık geçerli değil. Yeni bir kod isteyin.',
  tooMany: 'Çok fazla deneme yapıldı. Lütfen daha sonra yeniden deneyin.',
  missing: {
    title: 'Buradan giriş yapılamıyor',
    body: 'Faturalandırma sayfasını kullandığınız ürünün içinden açın.',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: 'Bu fatura ödendi', body: 'Teşekkür ederiz. Ödenecek bir tutar kalmadı.' },
  void: { title: 'Bu fatura iptal edildi', body: 'Ödenecek bir tutar yok.' },
  link: {
    title: 'Bu bağlantı artık geçerli değil',
    body: 'Fatura bağlantıları birkaç hafta boyunca ve fatura ödenene kadar geçerlidir. Bu faturayla ilgili daha yeni bir e-postada başka bir bağlantı olabilir.',
  },
  ended: {
    title: 'Oturumunuz sona erdi',
    body: 'Devam etmek için e-postadaki bağlantıyı yeniden açın.',
  },
};
