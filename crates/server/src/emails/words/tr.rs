//! Turkish.

use super::{Text, Words};

pub const WORDS: Words = Words {
    language: "tr",
    right_to_left: false,
    greeting: "Merhaba {name},",
    questions: "Sorularınız mı var? {email} adresine yazın.",
    number: "Fatura numarası",
    amount: "Tutar",
    amount_due: "Ödenecek tutar",
    due_on: "Son ödeme tarihi",
    paid_on: "Ödeme tarihi",
    next_attempt: "Sonraki tahsilat denemesi",
    charged: "Tahsil edilen tutar",
    refunded: "İade edilen toplam tutar",
    card: "Kart",
    expires: "Son kullanma tarihi",
    code: "Giriş kodu",
    open: "Faturalandırma sayfasını aç",
    trial_ends: "Deneme süresinin bitişi",
    renews_on: "Yenileme tarihi",
    at_least: "En az, kullanım ücreti hariç",
    endpoint: "Uç nokta",
    environment: "Ortam",
    failing_since: "Hata başlangıcı",
    last_error: "Son hata",
    enable_again: "Yeniden etkinleştirme",
    send_missed: "Kaçırılan olayları gönderme",
    open_invoice: "Faturayı görüntüle ve öde",
    invoice: Text {
        subject: "{seller}: {number} numaralı faturanız",
        body: "{number} numaralı faturanız ektedir. Lütfen aşağıda belirtilen tarihe kadar ödeyin.",
    },
    receipt: Text {
        subject: "{seller}: {number} numaralı fatura için ödeme makbuzu",
        body: "Ödemeniz için teşekkür ederiz. Ödenen fatura ektedir.",
    },
    payment_failed: Text {
        subject: "{seller}: Ödemeniz başarısız oldu",
        body: "Ödeme yönteminizden tahsilat yapamadık. Lütfen faturalandırma ayarlarınızdan ödeme \
               yönteminizi kontrol edin veya yeni bir ödeme yöntemi ekleyin.",
    },
    subscription_canceled: Text {
        subject: "{plan} aboneliğiniz sona erdi",
        body: "{plan} aboneliğiniz sona erdi ve yenilenmeyecek. Henüz faturalandırılmamış \
               kullanımlar son bir faturaya yansıyabilir.",
    },
    refund: Text {
        subject: "{seller}: Ödeme iadeniz",
        body: "Bir ödemenizi iade ettik. İadenin bankanızda görünmesi birkaç gün sürebilir.",
    },
    card_expiring: Text {
        subject: "{seller}: Kartınızın süresi yakında doluyor",
        body: "Ödemelerinizin tahsil edildiği kartın süresi yakında doluyor. Lütfen faturalandırma \
               ayarlarınızdan başka bir kart ekleyin.",
    },
    credits_low: Text {
        subject: "{credits} bakiyeniz azalıyor",
        body: "{credits} bakiyeniz azaldı. Faturalandırma ayarlarınızdan yükleme yapabilirsiniz.",
    },
    login_code: Text {
        subject: "{seller}: Giriş kodunuz",
        body: "Bu kodu, talep ettiğiniz sayfaya girin. Kod on dakika boyunca ve yalnızca o sayfada \
               geçerlidir. Kodu siz talep etmediyseniz bu e-postayı dikkate almayın.",
    },
    portal_link: Text {
        subject: "{seller}: Yeni faturalandırma bağlantınız",
        body: "Talep ettiğiniz bağlantı aşağıdadır. Yarım saat geçerlidir ve yalnızca bir kez \
               kullanılabilir. Bağlantıyı siz talep etmediyseniz bu e-postayı dikkate almayın.",
    },
    trial_ending: Text {
        subject: "{plan} deneme süreniz yakında sona eriyor",
        body: "{plan} deneme süreniz aşağıdaki tarihte sona erer. Ardından aboneliğiniz başlar \
               ve vergiler dahil aşağıdaki tutarın ödenmesi gerekir. Devam etmek istemiyorsanız \
               bu tarihten önce faturalandırma ayarlarınızdan iptal edin.",
    },
    renewal_upcoming: Text {
        subject: "{plan} aboneliğiniz yakında yenilenecek",
        body: "{plan} aboneliğiniz aşağıdaki tarihte yenilenir ve vergiler dahil aşağıdaki \
               tutarın ödenmesi gerekir. Yenilemek istemiyorsanız bu tarihten önce \
               faturalandırma ayarlarınızdan iptal edin.",
    },
    endpoint_disabled: Text {
        subject: "{seller}: Bir webhook uç noktası devre dışı bırakıldı",
        body: "Bu webhook uç noktasına beş gün boyunca hiçbir olay iletilemedi; bu nedenle \
               artık olay almıyor. Alıcıdaki hatayı giderin, ardından aşağıdaki iki istekle uç \
               noktayı etkinleştirin ve kaçırılan olayları isteyin.",
    },
    invoice_link: Text {
        subject: "{seller}: {number} numaralı faturanın bağlantısı",
        body: "Talep ettiğiniz bağlantı aşağıdadır. Fatura ödenene kadar bu faturayı açar. \
               Bağlantıyı siz talep etmediyseniz bu e-postayı dikkate almayın.",
    },
};
