"""Turkish words that the grammar of commands knows; written for this project."""

from __future__ import annotations

from segmentation.algorithms.command.words import phrases
from segmentation.algorithms.wordlist import words

TRANSITIVE = words(
    "aç açıkla adlandır ağartma aktar al anlat ara arala arşivle art artır as at atla ayarla ayıkla ayır ayırt azalt başlat "
    "bas basla bekletme belirle besle biç biçimlendir bırak bildir bil birleştir boşalt boya böl bul buluştur büyüt cevapla "
    "çağır çal çalıştır çek çevir çıkar çiz çizdir çöz dağıt dene denetle değerlendir değiştir derle deşifre devret dik dile dilimle "
    "dinle dinlet doğra doğrula doldur dondur dosyala dök döndür duraklat durdur duyur düşür düzelt düzenle eğit ekle elden "
    "engelle eritme erit eşleştir etiketle etkinleştir ez ezberle fırçala filtrele getir gezdir gider gir giy göm gönder "
    "görüntüle göster güncelle haşla hatırlat hazırla hesapla hızlandır ısıt ısmarla iç ilet imzala incele indir "
    "işaretle işle izle izlet kullan doğur kaldır kapa kapat karıştır karşılaştır katla kavur kaydet kaydır kaynat kes keşfet kesinleştir kıl "
    "kır kırp kıs kilitle kirala kızart kopyala koru kur kurtar kurula kutla küçült listele numarala oku okut onar "
    "onayla oluştur otomatikleştir oyna oynat ölç öde öner ört paketle parlat paylaş pişir planla rendele resimle ruhsat sabitle "
    "sağla sakla sana sar sat say sayfala seç sembolle ser sergile sıfırla sık sıkıştır sırala sil sınırla sınıflandır "
    "sok sor soy sök söndür söyle sula sun sür süpür süsle süz şifrele tak takas tamamla tanımla tanıt tara tart tartış taşı "
    "tazele temizle tercüme topla tut tuz uyandır uyar uygula uzat ütüle ver yağla yak yanıtla yap yapıştır yaz "
    "yazdır yayınla yayımla ye yedekle yenile yerleştir yıka yık yolla yönlendir yükle yükselt yumuşat zipl"
    "zımbala arıt öğret öğren özetle kazı hatırla iste isteme sapta sil dolaştır eşitle kısalt uzaklaştır yakınlaştır bağla "
    "döşe dürt kap kaldır tekrarla gez sergile duy düşün sev tanı ertele erteletme değiş bitir başar ölçeklendir puanla iade "
    "sönümle parçala ekrana yorumla cevapla anımsat kat daya ilişkilendir yarat yönet yansıt gözden geçir gör seslendir"
)
NOT_VERBS = words("için kurt sert inat yaşıt yurt altın kadın yakın bütün uygun olsun yarın üstün derin geniş birkaç")
INTRANSITIVE = words(
    "arı bak başla bekle bit buluş büyü çalış çık çalka çök dal dayan dön dokun dol dur düş gecik geç gel gir git gid gül güven "
    "ilerle in in kal kalk kalın kapan kaç kay kayna kaynama koş konuş kop koyulaş kuru ol otur öl parla piş sıkış soğu "
    "sus tırman tüken uç uğra uyan uyu uyuş uy vazgeç yağ yan yat yat yaklaş yavaşla yerleş yet yetiş yüksel yürü yüz "
    "zıpla açıl ağla alçal azal artık boşal din düş geri kesil söndü sön tamamlan uyu ulaş varış var gerek kalkış bin katıl davran "
    "karar odaklan dinlen rahatla gülümse hızlan"
)
# The auxiliary of compounds ("iptal et"): the noun before it is part of the verb.
AUXILIARY = words("et ed eyle yap ol")
COMPOUND = words(
    "kontrol iptal servis şarj sipariş davet ikram monte tamir test kabul rezerve not teslim takip analiz kopya hareket tercih "
    "ziyaret yardım teşekkür tercüme telefon tekrar devam talep ithal ihraç export import ilan inşa kayıt kaydet "
    "deşifre tarif temin teyit tespit transfer format ayırt eşlik hizmet yok rica idare iade dikkat ihmal"
)
# They are as often nouns, adjectives or adverbs: only the end of a clause makes them verbs.
AMBIGUOUS = words(
    "aç al ara as at bas bin bit çal dal dik dil dile dol don don dön dur ek er ez geç gir göz iç in iste kal kan kap kar kat kaz kes kır kıs "
    "kıl kur koy kurt kuru ol öl say sar sık sil sol son sor soy sun tak taş tut tuz uç uy uzat var ver ya yağ yak yan yar yat yay "
    "yaz ye yet yık yol yüz düz art sat gerek sana geri arı ser sev kay otur zipl yıl yakın ört bil gül kop ayır ayırt oyna kaç"
)
STEMS = (TRANSITIVE | INTRANSITIVE | AUXILIARY | words("koy koyul tad güd")) - words(
    "sana zipl artık elden ekrana resimle geri karar gözden varış söndü sembolle takas ruhsat iade kalkış tuz basla kat yetiş"
)
NEVER_UNMARKED = words("geç kaç yaz et ol yap yüz art düş don dil at")
PARTICLES = words(
    "mı mi mu mü mısın misin musun müsün mısınız misiniz musunuz müsünüz mıyım miyim muyum müyüm mıyız miyiz muyuz müyüz"
)
# A predicate that is no verb ends a question ("hava nasıl", "açık mı", "ne kadar").
NOMINAL = words(
    "var yok lazım gerek gerekli nasıl nerede nerde kim kimdir nedir neler ne neydi hangisi hangileri kaç kadar açık kapalı boş dolu hazır "
    "müsait çevrimiçi uzak yakın sıcak soğuk demek durumda metre mümkün nerededir nasıldır kaçtır"
)
QUESTIONS = words(
    "ne nasıl nerede nerde nereye nereden kim kimin kime kaç kaçta kaçıncı hangi hangisi hangileri neden niçin niye nedir neler mı mi mu mü"
)
WISHES = words("istiyorum isterim ederim bekliyorum lazım gerekiyor gerek istiyoruz")
THEN = phrases(
    "sonra|sonra da|ve sonra|ve sonra da|daha sonra|ve daha sonra|ondan sonra|ve ondan sonra|bundan sonra|ardından|ve ardından|"
    "hemen ardından|akabinde|sonrasında|en son|en son olarak|son olarak|ve son olarak|sonunda|bilahare|peşinden|ardından da|"
    "hemen sonra|ve hemen sonra|müteakiben|ve en son"
)
PARALLEL = phrases(
    "ve|ve aynı anda|aynı anda|aynı zamanda|ve aynı zamanda|bu arada|bu sırada|bir yandan da|ayrıca|ve ayrıca|bir de|ve bir de|"
    "eş zamanlı olarak|eşzamanlı olarak|ve eş zamanlı olarak|bunun yanında|hem de|ile birlikte|üstelik|ama|fakat|o arada|hem"
)
FIRST = phrases("önce|ilk önce|ilk olarak|öncelikle|evvela")
OTHERWISE = phrases(
    "yoksa|ve yoksa|aksi halde|aksi hâlde|aksi takdirde|aksi taktirde|değilse|öbür türlü|öyle değilse|olmazsa"
)
IF_OPENERS = words("eğer şayet ola")
OPENERS = words("lütfen merhaba selam hadi haydi şimdi hemen")
CLOSERS = words("lütfen teşekkürler sağol tamam artık")
ADVERBS = words(
    "hemen şimdi yarın bugün dün lütfen geri yeniden tekrar biraz daha hızlıca yavaşça sessizce henüz önce sonra erken geç "
    "kez kere defa da de ki bile çok az en artık ileri birlikte beraber yine gene aşağı yukarı"
)
PRONOUN_SUBJECTS = words("ben biz o onlar siz sen biri birisi kimse herkes")
REFERENCES = words(
    "onu bunu şunu onları bunları şunları ona buna sonucu sonuçları sonuçlarını sonucunu çıktıyı çıktısını özeti özetini kaydı çıktıları"
)
# Bare objects that end like a dative.
NOUNS = words(
    "kahve araba masa oda sayfa pizza salata kurabiye çorba fıkra hikâye hikaye para fatura fotokopi şifre parola mesele makale "
    "gazete liste çanta kutu kalem vida pasta bira lira müze bilgi kere defa sıra hata tane tarife meyve sebze ayna perde kamera "
    "kapı ayakkabı kablo reçete rota harita ekmek dosya bebek düğme dilekçe davetiye çikolata elma armut limonata sürahi mama daire"
)
SUBORDINATE_NOT = words(
    "borsa bursa hisse kimse arsa ense pense derse terse hapse bahse farsa kursa marsa neyse insan nisan lisan hasan noksan doksan "
    "seksen yasak yüksek kapsam ihsan sen desen tersane nisan varsayılan yoksa değilse aksesuar manisa sekse prense mersin"
)
CONVERB_NOT = words("takip garip sahip tip kulüp rakip nasip katip kâtip talip grup galip edip ayıp kayıp")
WHEN_NOT = words("düşünce önce ince güvence yeterince tümünce bilince deyince boyunca")
