"""XML dumps of MediaWiki: the articles of Wikipedia and its sisters."""

import xml.etree.ElementTree

from data_prep.readers.damage import BrokenFileError
from data_prep.readers.libraries import import_for

_ARTICLES = 0


def read_wikipedia(file, damage, field):
    """Yields the wikitext of each article that is no redirect.

    Of a page with several revisions the last in the file, its newest, is taken.

    Args:
        file: binary file object.
        damage: `FileDamage`.
        field: str, not used: pages have one text.

    Yields:
        str, wikitext.

    Raises:
        BrokenFileError: if the file is damaged.
        ValueError: if it is XML, but no dump.
    """
    del field
    mwxml = import_for(damage.path, "mwxml")
    try:
        root = mwxml.element_iterator.ElementIterator.from_file(file)
        if root.tag == "mediawiki":
            yield from _read_articles(mwxml, root)
            return
    except (
        xml.etree.ElementTree.ParseError,
        mwxml.errors.MalformedXML,
        # From numbers and dates that are none.
        AttributeError,
        TypeError,
        ValueError,
    ) as error:
        raise BrokenFileError(f"is a broken XML file ({' '.join(str(error).split())})") from None
    raise ValueError(
        f"{damage.path} is XML, but no dump of MediaWiki: its root must be <mediawiki>. "
        f"Received: <{root.tag}>"
    )


def _read_articles(mwxml, root):
    for item in mwxml.Dump.from_element(root):
        if isinstance(item, mwxml.Page) and item.namespace == _ARTICLES and item.redirect is None:
            text = None
            for revision in item:
                text = revision.text
            yield text or ""
        # The parser keeps an empty element of each page that is done with.
        del root.element[:]
