"""Turkish words that the grammar of commands knows; written for this project."""

from __future__ import annotations

from segmentation.algorithms.command.words import phrases
from segmentation.algorithms.wordlist import words

TRANSITIVE = words(
    "adlandır aktar al anlat anımsat ara arala art artır arıt arşivle as at atla ayarla ayıkla ayır ayırt azalt "
    "aç açıkla bas bağla başar başlat belirle besle bil bildir birleştir bitir biç biçimlendir boya boşalt bul "
    "buluştur böl büyüt bırak cevapla daya dağıt dene denetle derle devret değerlendir değiş değiştir deşifre dik "
    "dile dilimle dinle dinlet dolaştır doldur dondur dosyala doğra doğrula doğur duraklat durdur duy duyur dök "
    "döndür düzelt düzenle düşün düşür ekle engelle erit ertele etiketle etkinleştir ez ezberle eğit eşitle "
    "eşleştir filtrele fırçala getir gez gezdir geçir gider gir giy göm gönder gör görüntüle göster güncelle "
    "hatırla hatırlat hazırla haşla hesapla hızlandır ilet ilişkilendir imzala incele indir iste isteme izle "
    "izlet iç işaretle işle kaldır kap kapa kapat karıştır karşılaştır katla kavur kaydet kaydır kaynat kazı kes "
    "kesinleştir keşfet kilitle kirala kopyala koru kullan kur kurtar kurula kutla küçült kıl kır kırp kıs kısalt "
    "kızart listele numarala oku okut oluştur onar onayla otomatikleştir oyna oynat paketle parlat parçala paylaş "
    "pişir planla puanla rendele sabitle sakla sapta sar sat say sayfala sağla ser sergile seslendir sev seç sil "
    "sok sor soy sula sun sök söndür sönümle söyle süpür sür süsle süz sıfırla sık sıkıştır sınıflandır sınırla "
    "sırala tak tamamla tanı tanımla tanıt tara tart tartış tazele taşı tekrarla temizle tercüme topla tut "
    "uyandır uyar uygula uzaklaştır uzat ver yak yakınlaştır yansıt yanıtla yap yapıştır yarat yayımla yayınla "
    "yaz yazdır yağla ye yedekle yenile yerleştir yolla yorumla yumuşat yönet yönlendir yükle yükselt yık yıka "
    "ziplzımbala çal çalıştır çağır çek çevir çiz çizdir çöz çıkar öde ölç ölçeklendir öner ört özetle öğren "
    "öğret ütüle ısmarla ısıt şifrele"
)
NOT_VERBS = words("için kurt sert inat yaşıt yurt altın kadın yakın bütün uygun olsun yarın üstün derin geniş birkaç")
INTRANSITIVE = words(
    "alçal arı azal açıl ağla bak başla bekle bin bit boşal buluş büyü dal davran dayan din dinlen dokun dol dur "
    "dön düş gecik gel gerek geç gid gir git gül gülümse güven hızlan ilerle in kal kalk kalın kapan katıl kay "
    "kayna kaç kesil konuş kop koyulaş koş kuru odaklan ol otur parla piş rahatla soğu sus sön sıkış tamamlan "
    "tüken tırman ulaş uy uyan uyu uyuş uç uğra var vazgeç yaklaş yan yat yavaşla yağ yerleş yet yüksel yürü yüz "
    "zıpla çalka çalış çök çık öl"
)
# The auxiliary of compounds ("iptal et"): the noun before it is part of the verb.
AUXILIARY = words("et ed eyle yap ol")
COMPOUND = words(
    "analiz ayırt davet devam deşifre dikkat export eşlik format hareket hizmet iade idare ihmal ihraç ikram ilan "
    "import inşa iptal ithal kabul kaydet kayıt kontrol kopya monte not rezerve rica servis sipariş takip talep "
    "tamir tarif tekrar telefon temin tercih tercüme teslim tespit test teyit teşekkür transfer yardım yok "
    "ziyaret şarj"
)
# They are as often nouns, adjectives or adverbs: only the end of a clause makes them verbs.
AMBIGUOUS = words(
    "al ara art arı as at ayır ayırt aç bas bil bin bit dal dik dil dile dol don dur dön düz ek er ez gerek geç "
    "gir göz gül in iste iç kal kan kap kar kay kaz kaç kes kop koy kur kurt kuru kıl kır kıs ol otur oyna sar "
    "sat say ser sev sil sol son sor soy sun sık tak taş tut uy uzat uç var ver ya yak yakın yan yar yat yay yaz "
    "yağ ye yet yol yüz yık yıl çal öl ört"
)
STEMS = TRANSITIVE | INTRANSITIVE | AUXILIARY | words("koy koyul tad güd")
NEVER_UNMARKED = words("geç kaç yaz et ol yap yüz art düş don dil at")
PARTICLES = words(
    "mı mi mu mü mısın misin musun müsün mısınız misiniz musunuz müsünüz mıyım miyim muyum müyüm mıyız miyiz "
    "muyuz müyüz"
)
# A predicate that is no verb ends a question ("hava nasıl", "açık mı", "ne kadar").
NOMINAL = words(
    "var yok lazım gerek gerekli nasıl nerede nerde kim kimdir nedir neler ne neydi hangisi hangileri kaç kadar "
    "açık kapalı boş dolu hazır müsait çevrimiçi uzak yakın sıcak soğuk demek durumda metre mümkün nerededir "
    "nasıldır kaçtır"
)
QUESTIONS = words(
    "ne nasıl nerede nerde nereye nereden kim kimin kime kaç kaçta kaçıncı hangi hangisi hangileri neden niçin "
    "niye nedir neler mı mi mu mü"
)
WISHES = words("istiyorum isterim ederim bekliyorum lazım gerekiyor gerek istiyoruz")
WHENEVER = phrases("ne zaman")
THEN = phrases(
    "sonra|sonra da|ve sonra|ve sonra da|daha sonra|ve daha sonra|ondan sonra|ve ondan sonra|bundan sonra|"
    "ardından|ve ardından|hemen ardından|akabinde|sonrasında|en son|en son olarak|son olarak|ve son olarak|"
    "sonunda|bilahare|peşinden|ardından da|hemen sonra|ve hemen sonra|müteakiben|ve en son"
)
PARALLEL = phrases(
    "ve|ve aynı anda|aynı anda|aynı zamanda|ve aynı zamanda|bu arada|bu sırada|bir yandan da|ayrıca|ve ayrıca|"
    "bir de|ve bir de|eş zamanlı olarak|eşzamanlı olarak|ve eş zamanlı olarak|bunun yanında|hem de|"
    "ile birlikte|üstelik|ama|fakat|o arada|hem"
)
FIRST = phrases("önce|ilk önce|ilk olarak|öncelikle|evvela")
OTHERWISE = phrases(
    "yoksa|ve yoksa|aksi halde|aksi hâlde|aksi takdirde|aksi taktirde|değilse|öbür türlü|öyle değilse|olmazsa"
)
IF_OPENERS = words("eğer şayet ola")
OPENERS = words("lütfen merhaba selam hadi haydi şimdi hemen")
CLOSERS = words("lütfen teşekkürler sağol tamam artık")
ADVERBS = words(
    "hemen şimdi yarın bugün dün lütfen geri yeniden tekrar biraz daha hızlıca yavaşça sessizce henüz önce sonra "
    "erken geç kez kere defa da de ki bile çok az en artık ileri birlikte beraber yine gene aşağı yukarı"
)
PRONOUN_SUBJECTS = words("ben biz o onlar siz sen biri birisi kimse herkes")
REFERENCES = words(
    "onu bunu şunu onları bunları şunları ona buna sonucu sonuçları sonuçlarını sonucunu çıktıyı çıktısını özeti "
    "özetini kaydı çıktıları"
)
# Bare objects that end like a dative.
NOUNS = words(
    "araba armut ayakkabı ayna bebek bilgi bira daire davetiye defa dilekçe dosya düğme ekmek elma fatura "
    "fotokopi fıkra gazete harita hata hikaye hikâye kablo kahve kalem kamera kapı kere kurabiye kutu limonata "
    "lira liste makale mama masa mesele meyve müze oda para parola pasta perde pizza reçete rota salata sayfa "
    "sebze sürahi sıra tane tarife vida çanta çikolata çorba şifre"
)
SUBORDINATE_NOT = words(
    "borsa bursa hisse kimse arsa ense pense derse terse hapse bahse farsa kursa marsa neyse insan nisan lisan "
    "hasan noksan doksan seksen yasak yüksek kapsam ihsan sen desen tersane varsayılan yoksa değilse aksesuar "
    "manisa sekse prense mersin"
)
CONVERB_NOT = words("takip garip sahip tip kulüp rakip nasip katip kâtip talip grup galip edip ayıp kayıp")
WHEN_NOT = words("düşünce önce ince güvence yeterince tümünce bilince deyince boyunca")
