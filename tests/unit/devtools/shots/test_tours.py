from devtools.shots.tours import explore

BASE = "http://127.0.0.1:8000"
ROWS = [f"{BASE}/admin/payments/refund/{number}/change/" for number in range(30)]


class Site:
    """Pages and their links, and which of them were opened."""

    def __init__(self, links, *, missing=()):
        self.base_url = BASE
        self.links = links
        self.missing = missing
        self.opened = []

    def open(self, address):
        self.opened.append(address)
        return address not in self.missing

    def list_links(self):
        return self.links.get(self.opened[-1], [])


def tour(site, *, is_quick=False):
    found = []
    pages = explore(site, found=found.append, is_quick=is_quick)
    assert pages == found
    return pages


def test_explore_shows_each_kind_of_page_once():
    site = Site(
        {
            f"{BASE}/admin/": [f"{BASE}/admin/payments/refund/", f"{BASE}/admin/payments/refund/?state__exact=failed"],
            f"{BASE}/admin/payments/refund/": ROWS[:2],
            ROWS[0]: [f"{BASE}/admin/payments/refund/0/approve/"],
        }
    )

    assert tour(site) == [
        f"{BASE}/admin/",
        f"{BASE}/admin/payments/refund/",
        ROWS[0],
        f"{BASE}/admin/payments/refund/0/approve/",
    ]


def test_explore_finds_what_only_another_row_offers():
    site = Site(
        {
            f"{BASE}/admin/": [f"{BASE}/admin/payments/refund/"],
            f"{BASE}/admin/payments/refund/": ROWS,
            ROWS[1]: [f"{BASE}/admin/payments/refund/1/approve/"],
        }
    )

    assert tour(site)[-1] == f"{BASE}/admin/payments/refund/1/approve/"
    # Of a list of thirty, two.
    assert [address for address in site.opened if address in ROWS] == ROWS[:2]


def test_explore_on_a_quick_tour_opens_one_row():
    site = Site({f"{BASE}/admin/": [f"{BASE}/admin/payments/refund/"], f"{BASE}/admin/payments/refund/": ROWS})

    tour(site, is_quick=True)

    assert [address for address in site.opened if address in ROWS] == ROWS[:1]


def test_explore_on_a_quick_tour_opens_a_list_once():
    lists = [f"{BASE}/admin/payments/refund/{asked}" for asked in ("", "?state__exact=failed")]
    site = Site({f"{BASE}/admin/": lists})

    tour(site, is_quick=True)

    assert site.opened == [f"{BASE}/admin/", lists[0]]


def test_explore_does_not_show_what_is_no_page_and_does_not_leave():
    download = f"{BASE}/admin/payments/refund/export/"
    site = Site({f"{BASE}/admin/": [download, "https://elsewhere.example/admin/"]}, missing=[download])

    assert tour(site) == [f"{BASE}/admin/"]
    assert site.opened == [f"{BASE}/admin/", download]
