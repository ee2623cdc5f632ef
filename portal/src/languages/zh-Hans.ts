import type { InvoiceTexts, LoginTexts, Texts } from '../texts.js';

export { zhHans as messages } from '@unitpay/react/locales/zh-Hans';

const AGAIN = '请从您的账户重新打开费用中心';

export const texts: Texts = {
  title: '费用中心',
  back: '返回',
  backTo: '返回 {name}',
  signOut: '退出登录',
  signOutFailed: '无法连接服务器，您仍处于登录状态。',
  questions: '对账单有疑问？',
  retry: '重试',
  sendLink: '向 {email} 发送新链接',
  linkSent: '新链接正在发送至 {email}。',
  linkFailed: '无法发送链接，请稍后重试。',
  closed: {
    nothing: {
      title: '请从您的账户打开费用中心',
      body: '此页面需通过您所用产品中的链接访问。请前往该产品并打开费用中心。',
    },
    link: {
      title: '此链接已失效',
      body: `为保障您的安全，费用中心链接仅可使用一次，且几分钟内有效。如需新链接，${AGAIN}。`,
    },
    expired: {
      title: '您的会话已结束',
      body: `如需继续，${AGAIN}。您已保存的内容不会丢失。`,
    },
    revoked: {
      title: '您的会话已结束',
      body: `为保障您的安全，会话已被终止。如需继续，${AGAIN}。`,
    },
    archived: {
      title: '此账户已关闭',
      body: '此账户的费用中心已无法访问。',
    },
    signedOut: {
      title: '您已退出登录',
      body: '您可以关闭此页面。',
    },
    unavailable: {
      title: '费用中心暂时无法使用',
      body: '这是我们的问题，您的任何内容都未被更改。请稍后重试。',
    },
    offline: {
      title: '无网络连接',
      body: '请检查网络连接后重试。',
    },
  },
};

export const login: LoginTexts = {
  title: '登录',
  intro: '我们将向您预留的电子邮箱发送验证码。',
  email: '电子邮箱地址',
  send: '发送验证码',
  sent: '如果 {email} 已登记，我们会向该邮箱发送验证码。验证码 10 分钟内有效，且仅限在此浏览器中使用。',
  code: '验证码',
  codeHint: '6 位数字',
  enter: '登录',
  again: '更换邮箱或重新获取验证码',
  choose: '您想打开哪个账户？',
  wrong: '验证码错误。',
  triesLeft: '剩余尝试次数：{count}',
  spent: '此验证码已失效，请重新获取。',
  tooMany: '尝试次数过多，请稍后重试。',
  missing: {
    title: '此处无法登录',
    body: '请在您所用的产品中打开费用中心。',
  },
};

export const invoice: InvoiceTexts = {
  paid: { title: '此账单已付款', body: '谢谢。您没有需要支付的款项。' },
  void: { title: '此账单已作废', body: '您无需付款。' },
  link: {
    title: '此链接已失效',
    body: '账单链接在数周内有效，直至账单付清。有关此账单的较新邮件中可能有其他链接。',
  },
  ended: { title: '您的会话已结束', body: '请重新打开邮件中的链接以继续。' },
};
