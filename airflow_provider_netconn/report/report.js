(() => {
  "use strict";
  const tools = document.querySelector(".tools");
  if (!tools) return;
  const list = document.querySelector("ol.verdicts");
  const cards = [...list.children];
  const chips = [...tools.querySelectorAll("[data-show]")];
  const search = tools.querySelector("input");
  const sort = tools.querySelector("select");
  const opener = tools.querySelector(".open");
  const status = tools.querySelector(".status");
  const nothing = document.querySelector(".nothing");
  let show = "*";

  const names = new Map();
  const nameOf = (card) => {
    if (!names.has(card)) names.set(card, card.querySelector("h3").textContent);
    return names.get(card);
  };
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  const unexpected = (card) => "unexpected" in card.dataset;
  const advised = (card) => "advised" in card.dataset;
  const place = new Map(cards.map((card) => [card, Number(card.id.slice("target-".length))]));
  const given = (a, b) => place.get(a) - place.get(b);
  const orders = {
    unexpected: (a, b) => unexpected(b) - unexpected(a) || advised(b) - advised(a) || given(a, b),
    given,
    name: (a, b) => compare(nameOf(a), nameOf(b)) || given(a, b),
    slow: (a, b) => b.dataset.seconds - a.dataset.seconds || given(a, b),
  };

  // What is searched: all but the stages' details and the raw JSON, which would match almost anything.
  const texts = new Map();
  const textOf = (card) => {
    if (!texts.has(card)) {
      const parts = card.querySelectorAll("h3, .headline, .badges, .remedy, .seen, .facts");
      texts.set(card, [...parts].map((part) => part.textContent).join(" ").toLowerCase());
    }
    return texts.get(card);
  };

  const chosen = (card) =>
    show === "*" || (show === "!" ? unexpected(card) : card.dataset.headline === show.slice(1));

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const card of cards) {
      const shown = chosen(card) && words.every((word) => textOf(card).includes(word));
      card.hidden = !shown;
      count += shown;
    }
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.show === show));
    status.textContent = count === cards.length ? "" : `${count} of ${cards.length} shown`;
    nothing.hidden = count > 0;
  };

  for (const chip of chips) {
    chip.addEventListener("click", () => {
      show = chip.dataset.show === show ? "*" : chip.dataset.show;
      filter();
    });
  }
  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      search.value = "";
      filter();
    }
  });
  sort.addEventListener("change", () => {
    // Out of the page while they move: in it, every one of thousands of moves would cost a millisecond.
    const after = list.nextSibling;
    const parent = list.parentNode;
    list.remove();
    list.append(...cards.sort(orders[sort.value]));
    parent.insertBefore(list, after);
  });
  nothing.querySelector("button").addEventListener("click", () => {
    show = "*";
    search.value = "";
    filter();
    search.focus();
  });
  opener.addEventListener("click", () => {
    const open = opener.getAttribute("aria-pressed") !== "true";
    opener.setAttribute("aria-pressed", String(open));
    opener.textContent = open ? "Close all" : "Open all";
    for (const card of cards) {
      if (!card.hidden) card.querySelector(":scope > details, :scope > article > details").open = open;
    }
  });

  // A link to one target, such as #target-3, opens it.
  const openLinked = () => {
    const card = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = card?.querySelector("details");
    if (details) details.open = true;
  };
  window.addEventListener("hashchange", openLinked);
  openLinked();
  sort.value = "unexpected"; // a browser may bring back the choice of an earlier visit
  search.value = "";
  tools.hidden = false;
})();
