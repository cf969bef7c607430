"""From collected families to the bytes of one scrape.

`negotiate` reads what the scraper accepts, `series` writes sample lines, `page` says which families can stand together,
`render` makes a page of them, `shared` lets scrapes that arrive together have the same page. Nothing here knows of HTTP
servers, collectors or their supervision.
"""
