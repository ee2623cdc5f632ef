import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { ja as messages } from '@unitpay/react/locales/ja';

const AGAIN = 'アカウントからお支払いページを開き直してください';

export const texts: Texts = {
  title: 'ご契約とお支払い',
  back: '戻る',
  backTo: '{name}に戻る',
  signOut: 'ログアウト',
  signOutFailed: 'サーバーに接続できないため、ログアウトできませんでした。',
  questions: 'ご請求に関するお問い合わせ：',
  retry: '再試行',
  sendLink: '{email}に新しいリンクを送信',
  linkSent: '{email}に新しいリンクをお送りします。',
  linkFailed: 'リンクを送信できませんでした。しばらくしてからもう一度お試しください。',
  closed: {
    nothing: {
      title: 'アカウントからお支払いページを開いてください',
      body: 'このページには、ご利用中の製品にあるリンクからアクセスします。製品に戻り、お支払いページを開いてください。',
    },
    link: {
      title: 'このリンクは無効になりました',
      body: `セキュリティのため、お支払いページのリンクは1回のみ、数分間に限り有効です。新しいリンクを取得するには、${AGAIN}。`,
    },
    expired: {
      title: 'セッションが終了しました',
      body: `続けるには、${AGAIN}。保存した内容は失われません。`,
    },
    revoked: {
      title: 'セッションが終了しました',
      body: `セキュリティのため、セッションを終了しました。続けるには、${AGAIN}。`,
    },
    archived: {
      title: 'このアカウントは閉鎖されています',
      body: 'このアカウントのお支払いページはご利用いただけません。',
    },
    signedOut: {
      title: 'ログアウトしました',
      body: 'このページを閉じても問題ありません。',
    },
    unavailable: {
      title: '現在、お支払いページをご利用いただけません',
      body: '当社側の問題によるもので、お客様の情報は変更されていません。しばらくしてからもう一度お試しください。',
    },
    offline: {
      title: '接続できません',
      body: '接続を確認して、もう一度お試しください。',
    },
  },
};

export const login: LoginTexts = {
  title: 'ログイン',
  intro: 'ご登録のメールアドレスに認証コードをお送りします。',
  email: 'メールアドレス',
  send: '認証コードを送信',
  sent: '{email}が登録されている場合、認証コードをお送りします。コードは10分間、このブラウザでのみ有効です。',
  code: '認証コード',
  codeHint: '6桁の数字',
  enter: 'ログイン',
  again: '別のメールアドレスを使用、またはコードを再取得',
  choose: 'どのアカウントを開きますか？',
  wrong: '認証コードが正しくありません。',
  triesLeft: '残り試行回数：{count}',
  spent: 'この認証コードは無効になりました。新しいコードを取得してください。',
  tooMany: '試行回数が上限を超えました。しばらくしてからもう一度お試しください。',
  missing: {
    title: 'ここからはログインできません',
    body: 'ご利用中の製品からお支払いページを開いてください。',
  },
};

export const invoice: InvoiceTexts = {
  paid: {
    title: 'この請求書はお支払い済みです',
    body: 'ありがとうございます。お支払いは完了しています。',
  },
  void: { title: 'この請求書は無効になりました', body: 'お支払いは不要です。' },
  link: {
    title: 'このリンクは無効になりました',
    body: '請求書のリンクは、数週間、かつお支払いが完了するまで有効です。この請求書に関する新しいメールに、別のリンクが記載されている場合があります。',
  },
  ended: {
    title: 'セッションが終了しました',
    body: '続けるには、メールのリンクをもう一度開いてください。',
  },
};
