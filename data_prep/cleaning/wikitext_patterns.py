"""Names of what wikitext holds besides text."""

# Links of these namespaces show no text in a sentence: `[[File:Map.png|thumb|A map]]`. English
# names work in every Wikipedia; the others are those of the larger ones.
EMBEDDED_NAMESPACES = (
    "file|image|media|category|datei|bild|kategorie|fichier|catégorie|archivo|imagen|categoría|immagine"
    "|categoria|ficheiro|imagem|arquivo|bestand|afbeelding|categorie|plik|grafika|kategoria|fil"
    "|kategori|tiedosto|kuva|luokka|dosya|resim|файл|изображение|категория|картинка|зображення"
    "|категорія|ملف|صورة|تصنيف|चित्र|श्रेणी|文件|图像|圖像|檔案|分类|分類|ファイル|画像|カテゴリ|파일|그림|분류|ไฟล์|ภาพ"
    "|หมวดหมู่"
)

# Elements whose content is no text.
REMOVED_ELEMENTS = (
    "ref|references|gallery|math|chem|score|timeline|imagemap|graph|mapframe|maplink|hiero"
    "|syntaxhighlight|source|templatestyles|section|indicator|inputbox|poll"
)

# Templates that stand for one of their arguments: which, counted from 1. Others are left out.
ARGUMENT_OF_TEMPLATE = {
    "lang": 2,
    "langue": 2,
    "transl": -1,
    "transliteration": -1,
    "nowrap": 1,
    "nobr": 1,
    "nobold": 1,
    "small": 1,
    "big": 1,
    "abbr": 1,
    "tooltip": 1,
    "em": 1,
    "strong": 1,
    "sic": 1,
    "as of": 1,
    "ill": 1,
    "interlanguage link": 1,
    "ship": 2,
    "ss": 1,
    "hms": 1,
    "uss": 1,
    "title case": 1,
    "angle bracket": 1,
    "quote": 1,
    "blockquote": 1,
    "cquote": 1,
    "quotation": 1,
    "zh-hans": 1,
    "zh-hant": 1,
}
# Templates that start so stand for their first argument: `{{lang-ru|Москва}}`.
LANGUAGE_TEMPLATE_PREFIX = "lang-"
# Templates of measures show number and unit: `{{convert|5|km|mi}}`.
MEASURE_TEMPLATES = frozenset({"convert", "cvt"})
