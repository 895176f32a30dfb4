"""Pages of a MediaWiki dump, as its export schema has them."""

from xml.sax.saxutils import escape

BEGIN = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="0.11" xml:lang="en">
  <siteinfo>
    <sitename>Wikipedia</sitename>
    <dbname>testwiki</dbname>
    <base>https://test/wiki/Main_Page</base>
    <generator>MediaWiki 1.42</generator>
    <case>first-letter</case>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Talk</namespace>
    </namespaces>
  </siteinfo>
"""
END = "</mediawiki>\n"


def make_page(number, *texts, namespace=0, redirect=""):
    revisions = "".join(
        f"""
    <revision>
      <id>{number + 100}</id>
      <parentid>{number}</parentid>
      <timestamp>2024-05-0{place + 1}T10:00:00Z</timestamp>
      <contributor><username>Someone</username><id>5</id></contributor>
      <comment>typo</comment>
      <origin>{number}</origin>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{len(text)}" sha1="x" xml:space="preserve">{escape(text)}</text>
      <sha1>x</sha1>
    </revision>"""
        for place, text in enumerate(texts)
    )
    return f"""  <page>
    <title>Page {number}</title>
    <ns>{namespace}</ns>
    <id>{number}</id>{redirect}{revisions}
  </page>
"""
