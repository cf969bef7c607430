"""The conversion of collected families to the bytes of one scrape.

`negotiate` reads the scraper's `Accept`, `series` writes sample lines, `page` selects the families that fit together,
`render` combines them, and `shared` serves one page to concurrent scrapes. Nothing here depends on HTTP servers,
collectors or their supervision.
"""
