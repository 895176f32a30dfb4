r"""What lines of web pages say that are no text: menus, buttons, notices, counters, dates.

All patterns are of lower-case text. The kinds are those of

- C4 (Raffel et al. 2020, section 2.2 and its released code): notices of JavaScript, cookies and
  terms of use, "lorem ipsum";
- RefinedWeb (Penedo et al. 2023, appendix G.2): lines of digits, counters such as "3 likes", and
  short lines such as "sign in", "read more" and "items in cart".

C4 drops each line that names JavaScript or a privacy policy, and RefinedWeb cuts such words out of
lines. Here a line goes only if all of it is of these kinds, or it is short and a phrase in it has
no other use, so that prose about cookies or policies stays.
"""

# Letters and marks of other scripts are meant.
# ruff: noqa: RUF001

_NETWORKS = (
    "facebook|twitter|linkedin|pinterest|reddit|whatsapp|telegram|email|e-mail|tumblr|google +"
    "|google+"
    "|pocket|instagram|youtube|messenger|微博|微信"
)
_NETWORK = f"(?:{_NETWORKS.replace('+', '[+]')}|x|rss)"
_WEEKDAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun"
_MONTHS = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|fév|avr|jui|aoû|déc|ene"
    "|abr|ago"
    "|dic|gen|mag|giu|lug|set|ott|fev|out"
)
_MONTH = f"(?:{_MONTHS})[a-zçûäéîôã]{{0,7}}\\.?"
_DAY = "\\d{1,2}(?:st|nd|rd|th|er|\\.)?"
_NUMERIC_DATE = (
    "(?:\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}|\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{2,4}"
    "|\\d{4} ?年 ?\\d{1,2} ?月 ?\\d{1,2} ?日)"
)
_DATE = f"(?:{_MONTH} {_DAY},? \\d{{4}}|{_DAY}(?: de)? {_MONTH}(?: de)?,? \\d{{4}}|{_NUMERIC_DATE})"
_TIME = "(?:(?:,| at| -| \\|)? \\d{1,2}:\\d{2}(?::\\d{2})?(?: ?[ap]\\.?m\\.?)?(?: [a-z]{2,4})?)?"

# `(starts, rest)`: a line is boilerplate if all of it is one of the words or phrases in `starts`,
# which `|` parts, and then the pattern `rest`, but for marks such as » around it.
WHOLE_LINES = (
    # Sharing.
    (
        "share|tweet|pin|email|e-mail|print",
        "(?: (?:this|article|page|post|story|video|it|on|via|by|with|to|friends?"
        f"|{_NETWORK}))*(?:[ ,/|]+{_NETWORK})*",
    ),
    (_NETWORKS, f"(?:[ ,/|]+{_NETWORK})+"),
    (
        "follow us|like us|join us|find us",
        f"(?: on {_NETWORK}(?:(?:,| and|,? &) {_NETWORK})*)?",
    ),
    (
        "partager|teilen|compartir|condividi|compartilhar|delen|udostępnij|поделиться|paylaş"
        "|分享到",
        f"(?: (?:sur|auf|en|su|no|op|na|в) {_NETWORK})?",
    ),
    # More of it.
    (
        "read more|learn more|see more|view more|show more|load more|find out more|see all|view all"
        "|show all|read less|show less",
        "",
    ),
    ("continue reading", "(?: .{1,60})?"),
    ("click here", "(?: (?:to|for) .{1,40})?"),
    (
        "lire la suite|en savoir plus|voir plus|weiterlesen|mehr lesen|mehr erfahren|mehr anzeigen"
        "|leer más|ver más|seguir leyendo|leggi tutto|leggi di più|continua a leggere|leia mais"
        "|saiba mais|lees meer|lees verder|czytaj więcej|czytaj dalej|читать далее|читать дальше"
        "|читать полностью|подробнее|devamını oku|阅读更多|阅读全文|閱讀更多|閱讀全文|查看更多"
        "|了解更多"
        "|点击这里|点击查看|続きを読む|もっと見る|더 보기|더보기",
        "",
    ),
    # Accounts and shops.
    (
        "login|log in|logout|log out|sign in|sign out|sign up|signup|log on|sign on",
        "(?:(?: or | ?[/|,] ?)(?:register|sign ?up|join|log ?in|create (?:an )?account))*"
        "(?: (?:to|with) .{1,30})?",
    ),
    (
        "register|register now|create account|create an account|forgot password"
        "|forgot your password"
        "|my account|subscribe|subscribe now|unsubscribe|sign up now|add to cart|add to basket"
        "|add to wishlist|view cart|your cart|shopping cart|anmelden|registrieren|se connecter"
        "|s'inscrire|connexion|iniciar sesión|registrarse|accedi|войти|регистрация|giriş yap"
        "|登录|登錄"
        "|登入|注册|註冊|ログイン|로그인",
        "\\??",
    ),
    # Ways around a site.
    (
        "homepage|home page|main menu|skip to content|skip to main content|skip to navigation"
        "|jump to navigation|back to top|scroll to top|to top|toggle navigation|sitemap|site map"
        "|about us|contact us|advertise|advertise with us|advertisement|advertisements|sponsored"
        "|sponsored content|sponsored links|older posts|newer posts|you may also like"
        "|you might also like|you may also be interested in|you might also be interested in"
        "|most read|most popular|most viewed|trending|trending now|startseite|nach oben|accueil"
        "|haut de page|retour en haut|plan du site|inicio|volver arriba|главная|наверх|首页|首頁"
        "|返回顶部|トップページ",
        "",
    ),
    ("next|previous|prev", "(?: (?:post|article|page|story|entry))?"),
    (
        "related|popular|recent|latest|similar",
        " (?:posts|articles|stories|content|comments|topics|searches)",
    ),
    (
        "leave a comment|leave a reply|add a comment|add your comment|post a comment"
        "|write a comment"
        "|cancel reply|comments are closed|comments closed|comments off|no comments|no comments yet"
        "|be the first to comment|report abuse|report this post|report this comment",
        "",
    ),
    ("print friendly|print-friendly|printer friendly|printer-friendly", "(?: (?:version|page))?"),
    ("filed under|posted in|posted by|tagged|tags:|category:|categories:", ":? .{1,80}"),
    ("上一篇|下一篇", ".{0,40}"),
    # Terms.
    ("privacy|cookie|website privacy", " (?:policy|notice|statement|settings|preferences)"),
    ("terms", " (?:of|and|&) (?:use|service|conditions)"),
    (
        "legal notice|disclaimer|impressum|kontakt|datenschutz|datenschutzerklärung"
        "|mentions légales"
        "|politique de confidentialité|aviso legal|política de privacidad|política de privacidade"
        "|隐私政策|隱私政策|使用条款|利用規約|プライバシーポリシー|개인정보처리방침",
        "",
    ),
    # Addresses, dates and times.
    ("http|www.", "\\S+(?: +(?:https?://|www\\.)\\S+)*"),
    (
        "posted|published|updated|created|last updated|last modified|date",
        f"(?: on| at)?:? (?:(?:{_WEEKDAYS}),? )?{_DATE}{_TIME}",
    ),
    (_WEEKDAYS, f",? {_DATE}{_TIME}"),
    (_MONTHS, f"[a-zçûäéîôã]{{0,7}}\\.? {_DAY},? \\d{{4}}{_TIME}"),
)

# Lines that start with a digit, or with a mark.
MARKS = " .,:;/|()[]#*_=~<>«»‹›←→•·+-"
_MARK = " .,:;/|()\\[\\]#<>«»‹›←→•·+-"
WHOLE_LINES_OF_DIGITS = (
    f"[{_MARK}]*\\d[\\d{_MARK}]*",
    "(?:[*_=~#•·.-] ?){3,}",
    f"{_DATE}{_TIME}",
    "[\\d.,]+ ?[km]? ?(?:comments?|likes?|shares?|views?|replies|retweets?|followers|subscribers"
    "|votes?|downloads|commentaires?|kommentare?|comentarios?|commenti|комментари(?:й|я|ев)"
    "|просмотр(?:а|ов)?|条评论|次浏览)",
    "\\d+ items? in (?:your )?(?:cart|basket)",
)

# What may stand around them.
MARKS_BEFORE = "[ >»›•·*|«‹+-]{0,4}"
MARKS_AFTER = "[ <>»›→|…:+-]{0,5}(?:\\.\\.\\.)?"
MAX_WHOLE_LINE_CHARACTERS = 120

# A line of at most `MAX_PHRASE_LINE_CHARACTERS` is boilerplate if it holds the phrase. Phrases are
# looked for only in texts with one of their keywords, each of which costs a search of every text.
PHRASES = (
    (
        ("cookie",),
        "\\b(?:use|uses|using|accept|allow|enable|store) (?:of )?(?:(?:all|our|these|necessary"
        "|essential|browser|tracking|session|third-party|the use of|functional"
        "|optional) )*cookies\\b"
        "|\\bcookie (?:policy|settings|preferences|notice|consent)\\b"
        "|\\b(?:utilis(?:e|ent|ons|er|ant|ation)) (?:des |les |de )cookies|politique .{0,20}cookies"
        "|\\bverwende[nt] .{0,20}cookies|verwendung von cookies|cookie-richtlinie"
        "|einsatz von cookies"
        "|\\b(?:utiliza|usa|utilizamos|usamos|utilizza|utilizziamo|uso de|uso dei"
        "|uso di) (?:i )?cookie"
        "|política de cookies|gebruik(?:t|en)? (?:van )?cookies|pliki cookie|plików cookie"
        "|файл(?:ы|ов) cookie|使用 ?cookie",
    ),
    (
        ("javascript",),
        "\\b(?:enable|activate|requires?|without|turn on|needs?)\\b[^.]{0,40}\\bjavascript\\b"
        "|\\bjavascript (?:is|must be|has been|needs to be|seems to be"
        "|appears to be)?\\b ?[^.]{0,20}"
        "\\b(?:required|enabled|disabled|turned (?:on|off)|switched off|not supported|blocked)\\b"
        "|(?:activer|activez|aktivieren|activar|active|habilitar|habilite|attivare|ative|включите"
        "|启用|啟用)[^.]{0,30}javascript|javascript[^.]{0,30}(?:désactivé|activé|aktivier"
        "|deaktiviert"
        "|activado|desactivado|habilitado|disabilitato|отключен|を有効)",
    ),
    (
        (
            "reserv",
            "vorbehalten",
            "droits réservés",
            "riservati",
            "voorbehouden",
            "zastrzeżone",
            "права защищены",
            "hakları saklıdır",
            "版权所有",
            "版權所有",
            "保留所有",
        ),
        "\\ball rights reserved\\b|alle rechte vorbehalten|tous droits réservés"
        "|todos los derechos reservados|todos os direitos reservados"
        "|tutti i diritti (?:sono )?riservati"
        "|alle rechten voorbehouden|wszelkie prawa zastrzeżone|все права защищены"
        "|tüm hakları saklıdır|版权所有|版權所有|保留所有(?:权利|權利)",
    ),
    (
        ("newsletter",),
        "\\b(?:subscribe|sign up|join)\\b[^.]{0,50}\\bnewsletters?\\b|newsletter (?:abonnieren"
        "|anmelden)"
        "|(?:abonnez|inscrivez)-vous[^.]{0,40}newsletter|suscríbete[^.]{0,40}newsletter",
    ),
    (("lorem ipsum",), "^\\W*lorem ipsum dolor sit amet"),
)
MAX_PHRASE_LINE_CHARACTERS = 300

# A line is a menu if these part it into at least three items, one of them among those below, or
# into two that both are; no item is longer than `MAX_MENU_ITEM_CHARACTERS`.
MENU_SEPARATORS = "|»›•·"
MAX_MENU_ITEM_CHARACTERS = 30
MENU_ITEMS = frozenset(
    """
    home|about|about us|contact|contact us|login|log in|sign in|register|sign up|news|blog|shop
    store
    help|faq|faqs|support|sitemap|site map|privacy|privacy policy|terms|terms of use
    terms of service
    terms and conditions|terms & conditions|search|menu|forum|forums|careers|jobs|press|advertise
    subscribe|rss|archive|archives|my account|cart|checkout|feedback|disclaimer|copyright|legal
    imprint|cookies|cookie policy|services|products|accessibility|print|email|share|next|previous
    accueil|plan du site|mentions légales|startseite|kontakt|impressum|datenschutz|agb|inicio
    contacto
    aviso legal|contatti|chi siamo|главная|контакты|о нас|ana sayfa|iletişim|首页|首頁|关于我们
    联系我们
    登录|注册|ホーム|お問い合わせ
    """.strip()
    .replace("\n", "|")
    .replace("    ", "")
    .split("|")
)
