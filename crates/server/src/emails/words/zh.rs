//! Chinese, simplified.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "zh-Hans",
    right_to_left: false,
    greeting: "{name}，您好！",
    questions: "如有疑问，请发送邮件至 {email}。",
    number: "账单编号",
    amount: "金额",
    amount_due: "应付金额",
    due_on: "到期日",
    paid_on: "付款日期",
    next_attempt: "下次扣款日期",
    charged: "扣款金额",
    refunded: "累计退款",
    card: "银行卡",
    expires: "有效期至",
    code: "验证码",
    open: "打开费用中心",
    trial_ends: "试用结束日期",
    renews_on: "续订日期",
    at_least: "最低金额，另计用量费用",
    endpoint: "端点",
    environment: "环境",
    failing_since: "开始失败时间",
    last_error: "最近一次错误",
    enable_again: "重新启用",
    send_missed: "补发错过的事件",
    open_invoice: "查看并支付账单",
    invoice: Text {
        subject: "{seller} 账单 {number}",
        body: "随信附上您的账单 {number}，请在以下日期前付款。",
    },
    receipt: Text {
        subject: "{seller} 账单 {number} 付款收据",
        body: "感谢您的付款。随信附上已付款的账单。",
    },
    payment_failed: Text {
        subject: "您向 {seller} 的付款失败",
        body: "我们无法从您的付款方式扣款。请在费用中心检查该付款方式，或添加其他付款方式。",
    },
    subscription_canceled: Text {
        subject: "您的 {plan} 订阅已结束",
        body: "您的 {plan} 订阅已结束，不会再续订。尚未结算的用量可能会计入最后一期账单。",
    },
    refund: Text {
        subject: "{seller} 退款通知",
        body: "我们已为您办理一笔退款。退款可能需要几天才会显示在您的银行账户中。",
    },
    card_expiring: Text {
        subject: "您在 {seller} 使用的银行卡即将过期",
        body: "您用于付款的银行卡即将过期。请在费用中心添加其他银行卡。",
    },
    credits_low: Text {
        subject: "您的 {credits} 即将用完",
        body: "您的 {credits} 余额较低。您可以在费用中心充值。",
    },
    login_code: Text {
        subject: "您的 {seller} 登录验证码",
        body: "请在获取验证码的页面输入此验证码。验证码 10 分钟内有效，且仅限在该页面使用。\
               如非您本人操作，请忽略此邮件。",
    },
    portal_link: Text {
        subject: "您的 {seller} 费用中心新链接",
        body: "以下是您请求的链接，30 分钟内有效，仅可使用一次。如非您本人操作，请忽略此邮件。",
    },
    trial_ending: Text {
        subject: "您的 {plan} 试用期即将结束",
        body: "您的 {plan} 试用期将于以下日期结束。届时订阅将开始，您需支付以下金额（含税）。\
               如果您不想继续，请在该日期之前在费用中心取消。",
    },
    renewal_upcoming: Text {
        subject: "您的 {plan} 订阅即将续订",
        body: "您的 {plan} 订阅将于以下日期续订，届时您需支付以下金额（含税）。如果您不想续订，\
               请在该日期之前在费用中心取消。",
    },
    endpoint_disabled: Text {
        subject: "{seller} 的一个 Webhook 端点已停用",
        body: "此 Webhook 端点已连续五天发送失败，因此不再接收事件。请修复接收端，\
               然后通过以下两个请求重新启用该端点并获取错过的事件。",
    },
    invoice_link: Text {
        subject: "{seller} 账单 {number} 的链接",
        body: "以下是您请求的链接。在账单付清之前，可通过它打开此账单。如非您本人操作，请忽略此邮件。",
    },
};
