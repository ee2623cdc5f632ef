//! Japanese.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "ja",
    right_to_left: false,
    greeting: "{name} 様",
    questions: "ご不明な点は{email}までお問い合わせください。",
    number: "請求書番号",
    amount: "金額",
    amount_due: "ご請求額",
    due_on: "お支払期限",
    paid_on: "お支払日",
    next_attempt: "次回の請求予定日",
    charged: "お支払い額",
    refunded: "返金額の合計",
    card: "カード",
    expires: "有効期限",
    code: "認証コード",
    open: "お支払いページを開く",
    trial_ends: "トライアル終了日",
    renews_on: "更新日",
    at_least: "最低額（従量料金別途）",
    endpoint: "エンドポイント",
    environment: "環境",
    failing_since: "失敗の開始日時",
    last_error: "直近のエラー",
    enable_again: "再有効化",
    send_missed: "未送信イベントの送信",
    open_invoice: "請求書を表示して支払う",
    invoice: Text {
        subject: "【{seller}】請求書{number}のお知らせ",
        body: "請求書{number}を添付いたします。下記の期限までにお支払いください。",
    },
    receipt: Text {
        subject: "【{seller}】請求書{number}のお支払い完了のお知らせ",
        body: "お支払いいただきありがとうございます。支払済みの請求書を添付いたします。",
    },
    payment_failed: Text {
        subject: "【{seller}】お支払いに失敗しました",
        body: "ご登録のお支払い方法で決済できませんでした。お支払いページでご確認いただくか、\
               別のお支払い方法を追加してください。",
    },
    subscription_canceled: Text {
        subject: "「{plan}」のサブスクリプションが終了しました",
        body: "「{plan}」のサブスクリプションが終了しました。今後、更新されることはありません。\
               未請求のご利用分がある場合は、最後の請求書に記載されることがあります。",
    },
    refund: Text {
        subject: "【{seller}】返金のお知らせ",
        body: "お支払いを返金いたしました。明細に反映されるまで数日かかることがあります。",
    },
    card_expiring: Text {
        subject: "【{seller}】カードの有効期限が近づいています",
        body: "お支払いに使用しているカードの有効期限が近づいています。\
               お支払いページで別のカードを追加してください。",
    },
    credits_low: Text {
        subject: "{credits}の残高が少なくなっています",
        body: "{credits}の残高が少なくなっています。お支払いページで追加購入いただけます。",
    },
    login_code: Text {
        subject: "【{seller}】認証コードのお知らせ",
        body: "コードをリクエストしたページに、次の認証コードを入力してください。\
               コードは10分間、そのページでのみ有効です。\
               お心当たりがない場合は、このメールを破棄してください。",
    },
    portal_link: Text {
        subject: "【{seller}】お支払いページの新しいリンク",
        body: "ご依頼いただいたリンクをお送りします。30分間有効で、1回のみご利用いただけます。\
               お心当たりがない場合は、このメールを破棄してください。",
    },
    trial_ending: Text {
        subject: "「{plan}」のトライアル期間がまもなく終了します",
        body: "「{plan}」のトライアル期間は、下記の日に終了します。その後、\
               サブスクリプションが開始され、下記の金額（税込）のお支払いが必要となります。\
               継続をご希望でない場合は、その日までにお支払いページで解約してください。",
    },
    renewal_upcoming: Text {
        subject: "「{plan}」のサブスクリプションがまもなく更新されます",
        body: "「{plan}」のサブスクリプションは下記の日に更新され、\
               下記の金額（税込）のお支払いが必要となります。更新をご希望でない場合は、\
               その日までにお支払いページで解約してください。",
    },
    endpoint_disabled: Text {
        subject: "【{seller}】Webhookエンドポイントが無効になりました",
        body: "このWebhookエンドポイントは5日間にわたって一度も成功しなかったため、\
               イベントの送信を停止しました。受信側を修正したうえで、下記の2つのリクエストにより、\
               エンドポイントを再有効化し、未送信のイベントを取得してください。",
    },
    invoice_link: Text {
        subject: "【{seller}】請求書{number}のリンク",
        body: "ご依頼いただいたリンクをお送りします。お支払いが完了するまで、\
               この請求書を開くことができます。お心当たりがない場合は、このメールを破棄してください。",
    },
};
