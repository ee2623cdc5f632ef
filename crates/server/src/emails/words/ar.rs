//! Arabic.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "ar",
    right_to_left: true,
    greeting: "مرحبًا {name}،",
    questions: "هل لديك أسئلة؟ راسلنا على {email}.",
    number: "الفاتورة",
    amount: "المبلغ",
    amount_due: "المبلغ المستحق",
    due_on: "تاريخ الاستحقاق",
    paid_on: "تاريخ الدفع",
    next_attempt: "المحاولة التالية",
    charged: "المبلغ المخصوم",
    refunded: "إجمالي المبلغ المسترد",
    card: "البطاقة",
    expires: "صالحة حتى",
    code: "الرمز",
    open: "فتح الفواتير",
    invoice: Text {
        subject: "الفاتورة {number} من {seller}",
        body: "تجد فاتورتك {number} مرفقة. يرجى دفعها في موعد أقصاه التاريخ المذكور أدناه.",
    },
    receipt: Text {
        subject: "إيصال الفاتورة {number} من {seller}",
        body: "شكرًا لك على الدفع. تجد الفاتورة المدفوعة مرفقة.",
    },
    payment_failed: Text {
        subject: "تعذّر الدفع إلى {seller}",
        body: "لم نتمكن من الخصم من وسيلة الدفع الخاصة بك. يرجى التحقق منها أو إضافة وسيلة أخرى في \
               إعدادات الفوترة.",
    },
    subscription_canceled: Text {
        subject: "انتهى اشتراكك {plan}",
        body: "انتهى اشتراكك {plan} ولن يتجدد. قد يظهر الاستخدام الذي لم تُصدر له فاتورة بعد في فاتورة \
               أخيرة.",
    },
    refund: Text {
        subject: "استرداد من {seller}",
        body: "لقد رددنا إليك دفعة. قد يستغرق ظهورها لدى البنك بضعة أيام.",
    },
    card_expiring: Text {
        subject: "تنتهي صلاحية بطاقتك لدى {seller} قريبًا",
        body: "تنتهي قريبًا صلاحية البطاقة التي نخصم منها مشترياتك. يرجى إضافة بطاقة أخرى في \
               إعدادات الفوترة.",
    },
    credits_low: Text {
        subject: "رصيدك على وشك النفاد: {credits}",
        body: "رصيدك من {credits} منخفض. يمكنك إعادة شحنه في إعدادات الفوترة.",
    },
    login_code: Text {
        subject: "رمز تسجيل الدخول إلى {seller}",
        body: "أدخل هذا الرمز في الصفحة التي طلبته منها. يصلح لمدة عشر دقائق، وهناك فقط. إذا لم تطلبه، \
               فيمكنك تجاهل هذه الرسالة.",
    },
    portal_link: Text {
        subject: "رابط الفواتير الجديد من {seller}",
        body: "هذا هو الرابط الذي طلبته. يعمل مرة واحدة خلال نصف ساعة. إذا لم تطلبه، فيمكنك تجاهل هذه الرسالة.",
    },
};
